// Core ML's l2_norm: x / sqrt(sum of x * x + epsilon), the sum over all axes from one on.
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/rules.h"
#include "ops/move.h"
#include "ops/rows.h"

namespace assay::ops {
namespace {

template <class T>
void run(KernelContext& c, int64_t axis) {
  const num::Arith<T> arith(c.policy());
  float epsilon = c.op.attr_float("epsilon", 0);
  if (c.policy().attribute) num::round_in_place(&epsilon, 1, *c.policy().attribute);
  const AxisSplit s = split_at(c.in(0).dims(), axis);
  const auto n = static_cast<size_t>(s.n * s.inner);
  c.threads.for_each(static_cast<size_t>(s.outer), std::max<size_t>(1, kGrain / std::max<size_t>(n, 1)),
                     [&](size_t begin, size_t end) {
                       std::vector<T> in(n), out(n);
                       for (size_t row = begin; row < end; ++row) {
                         const auto at = static_cast<int64_t>(row * n);
                         const T* x = load(c.in(0), at, n, in.data());
                         T* y = destination(c.out(0), at, out.data());
                         const T sum = arith.add(arith.sum_of_squares(x, n), static_cast<T>(epsilon));
                         arith.div(x, arith.sqrt(sum), y, n);
                         store(c.out(0), at, n, y, c.policy());
                       }
                     });
}

Status infer(InferContext& c) {
  if (c.ranked(0)) {
    ASSAY_TRY(const int64_t axis, c.axis(c.op().attr_int("axis", -3), c.rank(0), "l2_normalization_c1"));
    static_cast<void>(axis);
  }
  return infer_same(c);
}

Status eval(KernelContext& c) {
  const int64_t wanted = c.op.attr_int("axis", -3), axis = normal_axis(wanted, c.in(0).rank());
  if (axis < 0) return axis_error(c, wanted, c.in(0).rank());
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  computes_float64(c) ? run<double>(c, axis) : run<float>(c, axis);
  return {};
}

Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const int64_t wanted = c.op.attr_int("axis", -3), axis = wanted < 0 ? wanted + c.rank(0) : wanted;
  if (c.rank(0) < 3 || axis != c.rank(0) - 3) return c.refuse("l2_norm takes the last three axes together");
  return c.emit("l2_norm", {{"x", c.in(0)}, {"epsilon", c.number(c.op.attr_float("epsilon", 0))}});
}

constexpr In kIn[] = {{"x", kFloats}};
constexpr Out kOut[] = {{"y"}};
constexpr AttrDoc kAttrs[] = {{"axis", "-3"}, {"epsilon", ""}};

}  // namespace

extern const OpDef kCoremlL2Normalization = {
    .domain = "coreml",
    .name = "L2Normalization",
    .since = 1,
    .doc = "x / sqrt(sum of squares + epsilon), over all axes from `axis` on together.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "squares over the axes from `axis` on",
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "l2_norm"},
    .to_nn = {l2_normalization_to_nn, "l2normalize"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops
