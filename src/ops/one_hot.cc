#include <cmath>

#include "ops/lower/move_nn.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// Element `i` as an integer; a float is cut toward zero. nullopt when it is none.
std::optional<int64_t> whole(const ir::Tensor& t, int64_t i) {
  if (!ir::is_float(t.elem())) return t.int_at(i);
  const double v = t.float_at(i);
  if (!(std::fabs(v) < 0x1p62)) return std::nullopt;
  return static_cast<int64_t>(v);
}

std::optional<int64_t> depth_of(const ir::Tensor& t) {
  if (t.size() != 1) return std::nullopt;
  const auto depth = whole(t, 0);
  return depth && *depth >= 0 ? depth : std::nullopt;
}

std::string no_count(const ir::Tensor& depth) {
  if (depth.size() != 1) return "depth has " + std::to_string(depth.size()) + " elements, not one";
  const auto given = whole(depth, 0);
  return given ? "depth is " + std::to_string(*given) + ", not 0 or more" : "depth is no number of classes";
}

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(2), std::nullopt);
    return {};
  }
  ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", -1), c.rank(0) + 1, "one_hot_c1"));
  ir::Dim depth;
  if (const ir::Tensor* t = c.constant(1)) {
    const auto n = depth_of(*t);
    if (!n) return c.fail("one_hot_c2", no_count(*t));
    depth = *n;
  }
  std::vector<ir::Dim> out = c.shape(0);
  out.insert(out.begin() + axis, depth);
  c.set(0, c.elem(2), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  const auto depth = depth_of(c.in(1));
  if (!depth) return c.fail(Code::value_range, no_count(c.in(1)));
  if (c.in(2).size() != 2) return c.fail(Code::model_invalid, "values are not two elements");
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& indices = c.in(0);
  const ir::Tensor values = as_storage(c.in(2), c.out(0).elem());
  const auto axis = static_cast<std::ptrdiff_t>(normal_axis(c.op.attr_int("axis", -1), indices.rank() + 1));
  const int64_t inner = volume({indices.dims().begin() + axis, indices.dims().end()});
  fill_run(values, 0, c.out(0), 0, c.out(0).size());
  for (int64_t n = 0; n < indices.size(); ++n) {
    const auto wanted = whole(indices, n);
    const int64_t at = wanted ? normal_axis(*wanted, *depth) : -1;
    if (at >= 0) copy_run(values, 1, c.out(0), (n / inner * *depth + at) * inner + n % inner, 1);
  }
  return {};
}

/// The indices in a type in which they compare exactly: integers, or floats cut toward zero as the operator cuts them.
MilValue comparable(MilContext& c, MilValue at) {
  if (!mil::is_float(at.data())) return at;
  at = c.cast(at, mil::DataType::float32);
  const MilValue sign = c.unary("sign", at);
  return c.binary("mul", sign, c.unary("floor", c.unary("abs", at)));
}

/// The depth as an int32 scalar.
Result<MilValue> depth_value(MilContext& c) {
  if (const ir::Tensor* t = c.constant(1)) {
    const auto depth = depth_of(*t);
    if (!depth || *depth < 1 || *depth > INT32_MAX) return c.refuse("the result has no elements");
    return c.constant_value(mil::of_int(static_cast<int32_t>(*depth)));
  }
  ASSAY_TRY(MilValue depth, operand(c, 1, kTakesNumbers));
  depth = c.cast(depth, mil::DataType::int32);
  return depth.rank() == 0 ? depth : c.squeeze(depth, {0});
}

/// 0, 1, ... depth - 1 along `axis` of `rank` axes.
MilValue counted(MilContext& c, const MilValue& depth, int64_t known, int64_t axis, int64_t rank) {
  const MilValue all = c.make("range_1d", {{"end", depth}, {"start", mil::of_int(0)}, {"step", mil::of_int(1)}},
                              mil::Type::tensor(mil::DataType::int32, mil::Dims{known}));
  ir::Dims axes;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) axes.push_back(i);
  return axes.empty() ? all : c.expand_dims(all, axes);
}

/// Whether an index is meant at each place of the result, by comparison: what one_hot does with negative indices and
/// with those outside is not stated. The values then are looked up, since select does not broadcast its condition.
Status to_mil(MilContext& c) {
  ASSAY_TRY(MilValue at, operand(c, 0, kTakesNumbers));
  ASSAY_TRY(const MilValue values, operand(c, 2, kTakesNumbers));
  ASSAY_TRY(const MilValue depth, depth_value(c));
  const int64_t rank = at.rank() + 1, axis = axis_of(c.op, -1, rank);
  at = comparable(c, at);
  if (!counts_from_zero(c.graph, c.op.inputs[0])) {
    const MilValue zero = c.constant_value(mil::is_float(at.data()) ? mil::of_float(0) : mil::of_int(0));
    const MilValue negative = c.compare("less", at, zero);
    at = c.select(negative, c.binary("add", at, c.cast(depth, at.data())), at);
  }
  const int64_t known = c.constant(1) ? *depth_of(*c.constant(1)) : mil::kUnknownDim;
  const MilValue places = c.cast(counted(c, depth, known, axis, rank), at.data());
  const MilValue hit = c.cast(c.compare("equal", c.expand_dims(at, {axis}), places), mil::DataType::int32);
  return emit_carried(c, "gather", {{"x", values}, {"indices", hit}, {"axis", mil::of_int(0)}}, values.data());
}

constexpr int64_t kAbs = 6;  // UnaryFunctionLayerParams.Operation

/// As in the other format. The blob of a scalar index has one axis already, which the places take.
Status to_nn(NnContext& c) {
  ASSAY_TRY(std::string at, nn_operand(c, 0));
  ASSAY_TRY(const std::string values, nn_operand(c, 2));
  const int64_t rank = c.rank(0) + 1, axis = axis_of(c.op, -1, rank);
  if (ir::is_float(c.elem(0)))  // cut toward zero
    at = c.make("multiplyBroadcastable",
                {c.make("sign", {at}),
                 c.make("floor", {c.make("unary", {at}, c.params("unary").set("type", kAbs).set("scale", 1.0))})});
  if (c.constant(1) && depth_of(*c.constant(1)).value_or(0) < 1) return c.refuse("the result has no elements");
  if (c.constant(1) && !exact_in_layers(*depth_of(*c.constant(1))))
    return c.refuse("a depth beyond 2^24, up to which layers count");
  const std::string depth = c.constant(1) ? c.number(static_cast<double>(*depth_of(*c.constant(1)))) : c.in(1);
  if (!counts_from_zero(c.graph, c.op.inputs[0])) {
    const std::string negative = c.make("lessThan", {at}, c.params("lessThan").set("alpha", 0.0));
    at = c.make("whereBroadcastable", {negative, c.make("addBroadcastable", {at, depth}), at});
  }
  std::string places =
      c.make("rangeDynamic", {depth}, c.params("rangeDynamic").set("startValue", 0.0).set("stepSizeValue", 1.0));
  ir::Dims others;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) others.push_back(i);
  if (!others.empty()) places = c.make("expandDims", {places}, c.params("expandDims").set("axes", others));
  if (rank > 1) at = c.make("expandDims", {at}, c.params("expandDims").set("axes", ir::Dims{axis}));
  return c.layer("gather", {values, c.make("equal", {at, places})}, c.params("gather").set("axis", int64_t{0}));
}

constexpr In kIn[] = {{"indices", kNumbers}, {"depth", kNumbers, kExempt}, {"values", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"axis", "-1"}};

}  // namespace

extern const OpDef kOneHot = {
    .name = "OneHot",
    .since = 11,
    .doc = "An axis of extent `depth` with values[1] at each index and values[0] elsewhere.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "equal, gather"},
    .to_nn = {to_nn, "equal, gather"},
};

}  // namespace assay::ops
