// IsNaN and IsInf.
#include <cmath>

#include "ops/element_spans.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

/// `test` on one element as float64, `spans` on many as float32.
template <class Test, class Spans>
Status eval(KernelContext& c, Test test, Spans spans) {
  ASSAY_CHECK(allocate_outputs(c));
  auto* out = c.out(0).mutable_data<uint8_t>();
  for_each_chunk(c.threads, static_cast<size_t>(c.out(0).size()), [&](size_t from, size_t to) {
    if (c.in(0).elem() == ir::ElemType::float32) return spans(c.in(0).data<float>() + from, to - from, out + from);
    double buffer[kChunk];
    for (size_t begin = from; begin < to; begin += kChunk) {
      const size_t n = std::min(kChunk, to - begin);
      const double* x = load(c.in(0), static_cast<int64_t>(begin), n, buffer);
      for (size_t i = 0; i < n; ++i) out[begin + i] = test(x[i]);
    }
  });
  return {};
}

Status eval_nan(KernelContext& c) {
  return eval(
      c, [](double x) { return std::isnan(x); }, nans_of);
}
Status eval_inf(KernelContext& c) {
  const bool positive = c.op.attr_int("detect_positive", 1) != 0, negative = c.op.attr_int("detect_negative", 1) != 0;
  return eval(
      c, [=](double x) { return std::isinf(x) && (x > 0 ? positive : negative); },
      [=](const float* x, size_t n, uint8_t* out) { infinities_of(x, n, positive, negative, out); });
}

Status nan_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit("not_equal", {{"x", c.in(0)}, {"y", c.in(0)}});
}
Status nan_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("notEqual", {c.in(0), c.in(0)});
}

Status inf_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const bool positive = c.op.attr_int("detect_positive", 1) != 0, negative = c.op.attr_int("detect_negative", 1) != 0;
  const MilValue x = c.in(0);
  if (!positive && !negative) return c.emit("less", {{"x", x}, {"y", x}});  // of no element
  const MilValue looked_at = positive && negative ? c.unary("abs", x) : x;
  return c.emit("equal", {{"x", looked_at}, {"y", c.number(positive ? INFINITY : -INFINITY)}});
}
Status inf_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const bool positive = c.op.attr_int("detect_positive", 1) != 0, negative = c.op.attr_int("detect_negative", 1) != 0;
  const std::string x = c.in(0);
  if (!positive && !negative) return c.layer("lessThan", {x, x});  // of no element
  const std::string looked_at = positive && negative ? nn_function(c, NnFunction::abs, x) : x;
  return c.result(nn_against(c, "equal", looked_at, positive ? INFINITY : -INFINITY));
}

Status infer_bool(InferContext& c) {
  c.set(0, ir::ElemType::boolean, c.type(0).shape);
  return {};
}

constexpr ir::TypeSet kFloats8 = type_set(ir::ElemType::float8e4m3fn) | type_set(ir::ElemType::float8e4m3fnuz) |
                                 type_set(ir::ElemType::float8e5m2) | type_set(ir::ElemType::float8e5m2fnuz);
constexpr In kIn[] = {{"X", kFloats | kFloats8}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kInfAttrs[] = {{"detect_negative", "1"}, {"detect_positive", "1"}};

}  // namespace

extern const OpDef kIsInf = {
    .name = "IsInf",
    .since = 20,
    .doc = "Whether elements are infinite, of the signs asked for.",
    .in = kIn,
    .out = kOut,
    .attrs = kInfAttrs,
    .infer = infer_bool,
    .eval = eval_inf,
    .to_mil = {inf_to_mil, "abs, equal"},
    .to_nn = {inf_to_nn, "unary ABS, equal"},
};

extern const OpDef kIsNaN = {
    .name = "IsNaN",
    .since = 20,
    .doc = "Whether elements are NaN.",
    .in = kIn,
    .out = kOut,
    .infer = infer_bool,
    .eval = eval_nan,
    .to_mil = {nan_to_mil, "not_equal with itself"},
    .to_nn = {nan_to_nn, "notEqual with itself"},
};

}  // namespace assay::ops
