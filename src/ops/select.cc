// NonZero and Compress: the number of results depends on values.
#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

bool is_zero(const ir::Tensor& t, int64_t i) {
  if (t.elem() == ir::ElemType::string) return t.strings()[static_cast<size_t>(i)].empty();
  return ir::is_float(t.elem()) ? t.float_at(i) == 0 : t.int_at(i) == 0;
}

Status infer_non_zero(InferContext& c) {
  std::vector<ir::Dim> shape(2);
  if (c.ranked(0)) shape[0] = c.rank(0);
  c.set(0, ir::ElemType::int64, std::move(shape));
  return {};
}

Status eval_non_zero(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  ir::Dims found;
  for (int64_t i = 0; i < in.size(); ++i)
    if (!is_zero(in, i)) found.push_back(i);
  const auto count = static_cast<int64_t>(found.size());
  c.allocate(0, {in.rank(), count});
  const ir::Dims strides = strides_of(in.dims());
  for (int64_t axis = 0; axis < in.rank(); ++axis) {
    const auto k = static_cast<size_t>(axis);
    for (int64_t n = 0; n < count; ++n)
      c.out(0).set_int(axis * count + n, found[static_cast<size_t>(n)] / strides[k] % in.dims()[k]);
  }
  return {};
}

Status infer_compress(InferContext& c) {
  if (!c.op().has_attr("axis")) {
    c.set(0, c.elem(0), std::vector<ir::Dim>(1));
    return {};
  }
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", 0), c.rank(0), "compress_c1"));
  std::vector<ir::Dim> out = c.shape(0);
  out[static_cast<size_t>(axis)] = ir::Dim();
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval_compress(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  const bool flat = !c.op.has_attr("axis");
  const ir::Dims dims = flat ? ir::Dims{in.size()} : in.dims();
  const auto axis = static_cast<size_t>(flat ? 0 : normal_axis(c.op.attr_int("axis", 0), in.rank()));
  if (c.in(1).size() > dims[axis])
    return c.fail(Code::model_invalid, "a condition of " + std::to_string(c.in(1).size()) + " elements for axis " +
                                           std::to_string(axis) + " with extent " + std::to_string(dims[axis]));
  ir::Dims kept;
  for (int64_t i = 0; i < c.in(1).size(); ++i)
    if (c.in(1).int_at(i) != 0) kept.push_back(i);
  ir::Dims out = dims;
  out[axis] = static_cast<int64_t>(kept.size());
  c.allocate(0, out);
  const auto at = static_cast<std::ptrdiff_t>(axis);
  const int64_t outer = volume({dims.begin(), dims.begin() + at}), inner = volume({dims.begin() + at + 1, dims.end()});
  int64_t to = 0;
  for (int64_t o = 0; o < outer; ++o)
    for (const int64_t i : kept) copy_run(in, (o * dims[axis] + i) * inner, c.out(0), inner * to++, inner);
  return {};
}

Status non_zero_to_mil(MilContext& c) {
  ASSAY_TRY(const MilValue x, operand(c, 0, kTakesBooleans));
  if (x.rank() == 0) return c.refuse("a scalar has no positions");
  const MilValue rows =
      c.make("non_zero", {{"x", x}}, mil::Type::tensor(mil::DataType::int32, mil::Dims{mil::kUnknownDim, x.rank()}));
  return c.emit("transpose", {{"x", rows}, {"perm", MilContext::ints({1, 0})}});
}

/// Positions at which a constant condition holds; nullopt when it is no constant.
template <class Context>
std::optional<ir::Dims> constant_positions(const Context& c) {
  const auto condition = known_ints(c, 1);
  if (!condition) return std::nullopt;
  ir::Dims kept;
  for (size_t i = 0; i < condition->size(); ++i)
    if ((*condition)[i] != 0) kept.push_back(static_cast<int64_t>(i));
  return kept;
}

/// Positions at which the condition holds, for gather.
Result<MilArg> kept_positions(MilContext& c) {
  if (const auto kept = constant_positions(c)) {
    if (kept->empty()) return c.refuse("the result has no elements");
    return MilArg(MilContext::ints(*kept));
  }
  ASSAY_TRY(const MilValue condition, operand(c, 1, kTakesBooleans));
  const MilValue rows =
      c.make("non_zero", {{"x", condition}}, mil::Type::tensor(mil::DataType::int32, mil::Dims{mil::kUnknownDim, 1}));
  return MilArg(c.squeeze(rows, {1}));
}

Status compress_to_mil(MilContext& c) {
  ASSAY_TRY(MilValue x, operand(c, 0, kTakesSmall));
  const bool flat = !c.op.has_attr("axis");
  const int64_t axis = flat ? 0 : axis_of(c.op, 0, x.rank());
  if (flat && x.rank() != 1) x = c.reshape(x, {-1});
  ASSAY_TRY(const MilArg kept, kept_positions(c));
  return emit_carried(c, "gather", {{"x", x}, {"indices", kept}, {"axis", mil::of_int(static_cast<int32_t>(axis))}},
                      x.data());
}

std::string nn_positions(NnContext& c, const std::string& x) { return c.make("whereNonZero", {x}); }

Status non_zero_to_nn(NnContext& c) {
  ASSAY_TRY(const std::string x, nn_operand(c, 0));
  if (c.rank(0) == 0) return c.refuse("a scalar has no positions");
  return c.layer("transpose", {nn_positions(c, x)}, c.params("transpose").set("axes", ir::Dims{1, 0}));
}

Status compress_to_nn(NnContext& c) {
  ASSAY_TRY(std::string x, nn_operand(c, 0));
  const bool flat = !c.op.has_attr("axis");
  if (flat && c.rank(0) != 1)
    x = c.make("reshapeStatic", {x}, c.params("reshapeStatic").set("targetShape", ir::Dims{-1}));
  std::string kept;
  if (const auto constant = constant_positions(c)) {
    if (constant->empty()) return c.refuse("the result has no elements");
    kept = nn_ints(c, *constant);
  } else {
    kept = c.make("squeeze", {nn_positions(c, c.in(1))}, c.params("squeeze").set("axes", ir::Dims{1}));
  }
  return c.layer("gather", {x, kept}, c.params("gather").set("axis", flat ? 0 : axis_of(c.op, 0, c.rank(0))));
}

constexpr In kNonZeroIn[] = {{"X", kAnything}};
constexpr In kCompressIn[] = {{"input", kAnything}, {"condition", kBool}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kCompressAttrs[] = {{"axis", "-"}};

}  // namespace

extern const OpDef kNonZero = {
    .name = "NonZero",
    .since = 13,
    .doc = "Positions of the elements that are not zero, one row an axis, in row-major order.",
    .in = kNonZeroIn,
    .out = kOut,
    .infer = infer_non_zero,
    .eval = eval_non_zero,
    .to_mil = {non_zero_to_mil, "non_zero, transpose"},
    .to_nn = {non_zero_to_nn, "whereNonZero, transpose"},
};

extern const OpDef kCompress = {
    .name = "Compress",
    .since = 11,
    .doc = "The slices along an axis (or the elements) for which the condition holds.",
    .in = kCompressIn,
    .out = kOut,
    .attrs = kCompressAttrs,
    .infer = infer_compress,
    .eval = eval_compress,
    .to_mil = {compress_to_mil, "non_zero, gather"},
    .to_nn = {compress_to_nn, "whereNonZero, gather"},
};

}  // namespace assay::ops
