#include <cstring>

#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

// Inference: the input itself, and a mask of ones for those who ask.
Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const bool training = c.has(2) && c.in(2).size() == 1 && c.in(2).int_at(0) != 0;
  if (training && !(c.has(1) && c.in(1).float_at(0) == 0))
    return c.fail(Code::op_unsupported, "Dropout in training mode is random and is not supported");
  const ir::Tensor x = as_storage(c.in(0), c.out(0).elem());
  if (x.byte_size() != 0 && x.bytes() != c.out(0).bytes())
    std::memcpy(c.out(0).mutable_bytes(), x.bytes(), x.byte_size());
  if (c.outputs.size() > 1 && c.wants(1)) {
    ir::Tensor& mask = c.out(1);
    for (int64_t i = 0; i < mask.size(); ++i) {
      if (ir::is_float(mask.elem()))
        mask.set_float(i, 1);
      else
        mask.set_int(i, 1);
    }
  }
  return {};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(infer_same(c));
  if (c.wants(1)) c.set(1, ir::ElemType::boolean, c.type(0).shape);
  return {};
}

// Ratio and is_test were attributes; at inference neither matters.
Status drop_attributes(UpgradeContext& c) {
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

constexpr In kIn[] = {
    {"data", kFloats}, {"ratio", kFloats, kOptional | kExempt}, {"training_mode", kBool, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}, {"mask", kOptional}};
constexpr AttrDoc kAttrs[] = {{"seed", "-"}};
constexpr Upgrade kUpgrades[] = {{12, drop_attributes}};

}  // namespace

extern const OpDef kDropout = {
    .name = "Dropout",
    .since = 22,
    .doc = "The input (inference).",
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
