#include <cmath>
#include <limits>
#include <optional>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

void count_param(const ir::Op& op, float* params) { params[0] = static_cast<float>(op.inputs.size()); }
/// Bound i, or null where it is absent. The number of inputs is a parameter of the spans.
template <class T>
const T* bound(const float* params, const T* const* in, size_t i) {
  return i < static_cast<size_t>(params[0]) ? in[i] : nullptr;
}

// x < min ? min : x, then max < x ? max : x, as the operator's body in ONNX writes it; so min > max gives max.
template <class T>
void clip(const num::Arith<T>& arith, const float* params, const T* const* in, T* out, size_t n) {
  if (n != 0) arith.clamp(in[0], bound(params, in, 1), bound(params, in, 2), out, n);
}
template <class T>
void clip_int(const float* params, const T* const* in, T* out, size_t n) {
  const T* low = bound(params, in, 1);
  const T* high = bound(params, in, 2);
  for (size_t i = 0; i < n; ++i) {
    T x = in[0][i];
    if (low && x < low[i]) x = low[i];
    if (high && high[i] < x) x = high[i];
    out[i] = x;
  }
}

Status infer(InferContext& c) {
  for (const size_t i : {size_t{1}, size_t{2}}) {
    if (!c.has(i) || !c.ranked(i)) continue;
    for (const ir::Dim& d : c.shape(i)) {
      if (d.known() && d.value != 1) return c.fail("clip_c1", "a bound must be a scalar");
    }
  }
  return infer_same(c);
}

// Bounds were attributes; from 6 on they had defaults, which infinities are clipped to.
Status attributes_to_inputs(UpgradeContext& c) {
  const bool defaults = c.version >= 6;
  const std::pair<const char*, float> bounds[] = {{"min", std::numeric_limits<float>::lowest()},
                                                  {"max", std::numeric_limits<float>::max()}};
  for (size_t i = 0; i < 2; ++i) {
    const auto& [name, fallback] = bounds[i];
    if (defaults || c.op.has_attr(name))
      c.set_input(i + 1, c.constant(ir::Tensor::scalar(c.op.attr_float(name, fallback))));
    c.op.remove_attr(name);
  }
  c.op.remove_attr("consumed_inputs");
  return {};
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Bound `i` when it is known now; one that is absent, or NaN, bounds nothing.
template <class Context>
std::optional<double> known_bound(const Context& c, size_t i) {
  const double open = i == 1 ? -kInfinity : kInfinity;
  if (!c.has(i)) return open;
  const ir::Tensor* bound = c.constant(i);
  if (bound == nullptr || bound->size() != 1) return std::nullopt;
  const double value = bound->float_at(0);
  return std::isnan(value) ? open : value;
}

/// A bound as an operand of the type and at most the rank that x has.
MilValue bound_value(MilContext& c, size_t i, const MilValue& x) {
  MilValue bound = c.in(i);
  if (bound.rank() > x.rank()) {
    ir::Dims axes(static_cast<size_t>(bound.rank()));
    for (size_t k = 0; k < axes.size(); ++k) axes[k] = static_cast<int64_t>(k);
    bound = c.squeeze(bound, axes);
  }
  return c.cast(bound, x.data());
}

/// Bounds that are not known, or not in order: x < min ? min : x, then max < x ? max : x. NaN passes.
Status select_bounds(MilContext& c) {
  MilValue x = c.in(0);
  ASSAY_CHECK(c.status());
  if (c.has(1)) {
    const MilValue low = bound_value(c, 1, x);
    x = c.select(c.compare("less", x, low), low, x);
  }
  if (c.has(2)) {
    const MilValue high = bound_value(c, 2, x);
    x = c.select(c.compare("less", high, x), high, x);
  }
  return c.result(x);
}

Status integer_bounds(MilContext& c) {
  MilValue x = c.in(0);
  ASSAY_CHECK(c.status());
  if (c.has(1)) x = c.binary("maximum", x, bound_value(c, 1, x));
  if (c.has(2)) x = c.binary("minimum", x, bound_value(c, 2, x));
  return c.result(x);
}

Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  if (!ir::is_float(c.elem(0))) return integer_bounds(c);
  const auto low = known_bound(c, 1), high = known_bound(c, 2);
  if (low == -kInfinity && high == kInfinity) return c.result(c.in(0));
  if (!low || !high || !(*low < *high)) return select_bounds(c);
  return c.emit("clip", {{"x", c.in(0)}, {"alpha", c.number(*low)}, {"beta", c.number(*high)}});
}

/// A bound as a blob that broadcasts into any other.
std::string bound_blob(NnContext& c, size_t i) { return c.rank(i) <= 1 ? c.in(i) : nn_reshaped(c, c.in(i), {}); }

Status to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  std::string x = c.in(0);
  const auto low = known_bound(c, 1), high = known_bound(c, 2);
  if (low == -kInfinity && high == kInfinity) return c.result(x);
  constexpr double kExact = 0x1p24;  // a bound beyond it on its own side limits no integer that a layer holds
  if (!ir::is_float(c.elem(0)) && ((low && *low > kExact) || (high && *high < -kExact)))
    return c.refuse("an integer bound beyond 2^24, up to which layers, which hold floats, are exact");
  if (low && high && *low <= *high)
    return c.layer("clip", {x}, c.params("clip").set("minVal", *low).set("maxVal", *high));
  if (c.has(1)) {
    const std::string bound = bound_blob(c, 1);
    x = nn_where(c, c.make("lessThan", {x, bound}), bound, x);
  }
  if (c.has(2)) {
    const std::string bound = bound_blob(c, 2);
    x = nn_where(c, c.make("lessThan", {bound, x}), bound, x);
  }
  return c.result(x);
}

constexpr In kIn[] = {
    {"input", kNumbers}, {"min", kNumbers, kOptional | kExempt}, {"max", kNumbers, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}};
constexpr Upgrade kUpgrades[] = {{11, attributes_to_inputs}};

}  // namespace

extern const OpDef kClip = {
    .name = "Clip",
    .since = 13,
    .doc = "Limits each element to [min, max]; max wins when min is greater.",
    .in = kIn,
    .out = kOut,
    .mixed = true,  // a bound that was an attribute is float32
    .numeric = Numeric::elementwise,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval_elementwise,
    .elementwise = {clip<float>, clip<double>, count_param, clip_int<int64_t>, clip_int<uint64_t>, 0b110},
    .to_mil = {to_mil, "clip; bounds not known or not in order: less, select; integers: maximum, minimum"},
    .to_nn = {to_nn, "clip; bounds not known or not in order: lessThan, whereBroadcastable"},
    .in_place = true,
};

}  // namespace assay::ops
