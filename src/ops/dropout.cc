// Dropout. At inference it moves its input; in training mode it keeps an element where a drawn number is not below the
// ratio, times 1 / (1 - ratio), and makes +0 of the others.
#include <cstring>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"
#include "ops/random_stream.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

void set_mask(ir::Tensor& mask, int64_t i, bool kept) {
  ir::is_float(mask.elem()) ? mask.set_float(i, kept ? 1 : 0) : mask.set_int(i, kept ? 1 : 0);
}

void keep_all(KernelContext& c) {
  if (c.wants(0)) {
    const ir::Tensor x = as_storage(c.in(0), c.out(0).elem());
    if (x.byte_size() != 0 && x.bytes() != c.out(0).bytes())
      std::memcpy(c.out(0).mutable_bytes(), x.bytes(), x.byte_size());
  }
  if (c.wants(1))
    for (int64_t i = 0; i < c.out(1).size(); ++i) set_mask(c.out(1), i, true);
}

template <class T>
void drop_some(KernelContext& c, double ratio) {
  const num::Arith<T> arith(c.policy());
  const RandomStream stream(c.op);
  const T scale = arith.div(T(1), arith.sub(T(1), static_cast<T>(ratio)));
  for_each_chunk(c.threads, static_cast<size_t>(c.in(0).size()), [&](size_t from, size_t to) {
    std::vector<T> in(kChunk), out(kChunk);
    double drawn[kChunk];
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const auto at = static_cast<int64_t>(begin);
      stream.uniform(begin, n, drawn);
      if (c.wants(0)) {
        arith.mul(load(c.in(0), at, n, in.data()), scale, out.data(), n);
        for (size_t i = 0; i < n; ++i)
          if (drawn[i] < ratio) out[i] = T(0);
        store(c.out(0), at, n, out.data(), c.policy());
      }
      if (c.wants(1))
        for (size_t i = 0; i < n; ++i) set_mask(c.out(1), at + static_cast<int64_t>(i), drawn[i] >= ratio);
    }
  });
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const auto one = [&](size_t i) { return !c.has(i) || c.in(i).size() == 1; };
  if (!one(1) || !one(2)) return c.fail(Code::model_invalid, "ratio or training_mode is not one number");
  const bool training = c.has(2) && c.in(2).int_at(0) != 0;
  const double ratio = c.has(1) ? c.in(1).float_at(0) : 0.5;
  if (!training || ratio == 0) return keep_all(c), Status{};
  if (!(ratio > 0 && ratio < 1))
    return c.fail(Code::value_range, "ratio " + std::to_string(ratio) + " does not lie in [0, 1)");
  const bool wide = c.policy().compute == num::FormatId::float64 || c.in(0).elem() == ir::ElemType::float64;
  wide ? drop_some<double>(c, ratio) : drop_some<float>(c, ratio);
  return {};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(infer_same(c));
  if (c.wants(1)) c.set(1, ir::ElemType::boolean, c.type(0).shape);
  return {};
}

// Until 12 the ratio was an attribute. Before 7 a node trained unless is_test said otherwise; from there on until 12
// nodes were for inference alone. Before 10 the mask had the type of the data.
Status ratio_to_input(UpgradeContext& c) {
  if (c.version < 10 && c.op.outputs.size() > 1 && c.op.outputs[1] != ir::kNoValue) {
    const ir::ValueId mask = c.op.outputs[1];
    c.op.outputs[1] = c.graph.add_value(c.graph.fresh_name("mask"), ir::Type::tensor(ir::ElemType::boolean));
    c.after.push_back(ir::Op{
        .domain = {}, .type = "CastLike", .name = {}, .inputs = {c.op.outputs[1], c.op.inputs[0]}, .outputs = {mask}});
  }
  const bool trains = c.version < 7 && c.op.attr_int("is_test", 0) == 0;
  if (trains) {
    c.set_input(1, c.constant(ir::Tensor::scalar(c.op.attr_float("ratio", 0.5F))));
    ir::Tensor yes = ir::Tensor::allocate(ir::ElemType::boolean, {});
    yes.set_int(0, 1);
    c.set_input(2, c.constant(std::move(yes)));
  }
  for (const char* name : {"ratio", "is_test", "consumed_inputs"}) c.op.remove_attr(name);
  return {};
}

/// Whether it is known to be in inference mode, or to drop nothing.
template <class Context>
bool drops_nothing(const Context& c) {
  if (!c.has(2)) return true;
  const ir::Tensor* training = c.constant(2);
  if (training == nullptr || training->size() != 1) return false;
  const ir::Tensor* ratio = c.constant(1);
  return training->int_at(0) == 0 || (ratio != nullptr && ratio->size() == 1 && ratio->float_at(0) == 0);
}
constexpr char kTraining[] = "it drops elements in training mode";

Status to_mil(MilContext& c) {
  if (!drops_nothing(c)) return c.refuse(kTraining);
  const MilValue x = c.in(0);
  ASSAY_CHECK(c.result(x));
  if (!c.wants(1)) return {};
  ASSAY_CHECK(mil_takes_floats(c));
  return c.result(c.unary("logical_not", c.compare("less", x, x)), 1);  // true for every element
}
Status to_nn(NnContext& c) {
  if (!drops_nothing(c)) return c.refuse(kTraining);
  const std::string x = c.in(0);
  ASSAY_CHECK(c.result(x));
  if (!c.wants(1)) return {};
  return c.result(c.make("logicalNot", {c.make("lessThan", {x, x})}), 1);  // true for every element
}

constexpr ir::TypeSet kSmallFloats = type_set(ir::ElemType::float8e4m3fn) | type_set(ir::ElemType::float8e4m3fnuz) |
                                     type_set(ir::ElemType::float8e5m2) | type_set(ir::ElemType::float8e5m2fnuz);
constexpr In kIn[] = {{"data", kFloats | kSmallFloats},
                      {"ratio", kFloats | kSmallFloats, kOptional | kExempt},
                      {"training_mode", kBool, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}, {"mask", kOptional}};
constexpr AttrDoc kAttrs[] = {{"seed", "-"}};
constexpr Upgrade kUpgrades[] = {{12, ratio_to_input}, kNamesDraws[0]};

}  // namespace

extern const OpDef kDropout = {
    .name = "Dropout",
    .since = 22,
    .doc = "The input; in training mode elements are dropped by numbers drawn by Philox4x32-10.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "its operand; the mask: less, logical_not"},
    .to_nn = {to_nn, "its operand; the mask: lessThan, logicalNot"},
};

}  // namespace assay::ops
