// Functions of one number, sums, products, quotients.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "audit/bounds/rules.h"

namespace assay::audit {

using ir::kNoValue;
using ir::ValueId;

namespace {
struct FunctionRow {
  std::string_view type;
  FunctionBound bound;
};
// Each elementary function is within 1 ULP (2 u), each step within u; counts are rounded up. The slopes are the largest
// of the derivative's magnitude, from above.
constexpr FunctionRow kFunctions[] = {
    {"Atan", {.relative = 4, .slope = 1, .monotone = true}},
    {"Clip", {.slope = 1, .monotone = true}},
    {"Cos", {.absolute = 4, .slope = 1}},
    {"Erf", {.relative = 4, .slope = 1.13, .monotone = true}},
    {"Exp", {.relative = 4, .monotone = true}},
    {"Gelu", {.absolute = 2, .linear = 16, .slope = 1.2}},
    {"HardSwish", {.absolute = 4, .linear = 8, .slope = 1.5}},
    {"Log", {.relative = 4, .monotone = true}},
    {"Mish", {.absolute = 16, .linear = 16, .slope = 1.2}},
    {"Relu", {.slope = 1, .monotone = true}},
    {"Sigmoid", {.relative = 8, .slope = 0.25, .monotone = true}},
    {"Sin", {.absolute = 4, .slope = 1}},
    {"Softplus", {.absolute = 16, .linear = 8, .slope = 1}},
    {"Softsign", {.relative = 4, .slope = 1}},
    {"Sqrt", {.relative = 2, .monotone = true}},
    {"Swish", {.absolute = 8, .linear = 16, .slope = 1.2}},
    {"Tanh", {.relative = 4, .slope = 1, .monotone = true}},
};

// Poison: infinity where the operand has no bound, whatever the function's range.
ValueId poisoned(RuleContext& c, ValueId error, ValueId radius) {
  return radius == kNoValue ? error : c.b.add(error, c.b.times(radius, 0));
}

void finish_function(RuleContext& c, ValueId centre, ValueId error, ValueId range, const FunctionBound& f) {
  const Unit unit = function_unit(c.op.policy);
  if (f.relative + f.absolute + f.linear == 0) return c.finish_picked(0, centre, error);
  ValueId wide = c.b.plus(c.b.times(range, f.relative * unit.u), f.absolute * unit.u + 16 * unit.eta);
  if (f.linear > 0) wide = c.b.add(wide, c.b.times(c.magnitude(0), f.linear * unit.u));
  c.finish(0, centre, c.b.add(error, wide), 1);
}
}  // namespace

FunctionBound function_bound(const ir::Op& op) {
  const auto row = std::ranges::find(kFunctions, op.type, &FunctionRow::type);
  if (row != std::end(kFunctions)) {
    FunctionBound f = row->bound;
    if (op.type == "Swish") {  // x sigmoid(alpha x)
      f.linear *= std::max(1.0, std::abs(static_cast<double>(op.attr_float("alpha", 1))));
    }
    return f;
  }
  const auto attr = [&](const char* name, float fallback) {
    const auto value = static_cast<double>(op.attr_float(name, fallback));
    return std::abs(op.policy.attribute ? num::round(value, *op.policy.attribute) : value);
  };
  if (op.type == "LeakyRelu") return {.linear = 4, .slope = std::max(1.0, attr("alpha", 0.01F))};
  if (op.type == "HardSigmoid") {
    const double alpha = attr("alpha", 0.2F), beta = attr("beta", 0.5F);
    return {.absolute = 4 * (1 + beta), .linear = 4 * alpha, .slope = alpha};
  }
  if (op.type == "Elu" || op.type == "Celu") {
    const double alpha = attr("alpha", 1);
    const double scaled = op.type == "Celu" ? 1 : alpha;
    return {.absolute = 16 * (1 + alpha), .linear = 16, .slope = std::max(1.0, scaled)};
  }
  const double alpha = attr("alpha", 1.67326319217681884765625F), gamma = attr("gamma", 1.05070102214813232421875F);
  return {.absolute = 16 * gamma * (1 + alpha), .linear = 16 * gamma, .slope = gamma * std::max(1.0, alpha)};  // Selu
}

namespace {
/// Whether a factor of the function, or two of them, may overflow before an operand comes in, or one be flushed.
bool has_steep_factor(const ir::Op& op) {
  const Unit unit = function_unit(op.policy);
  const double least = std::max(flushed_below(op.policy), unit.u > 0 ? unit.eta / unit.u : 0);
  double product = 1;
  for (const char* name : {"alpha", "beta", "gamma"}) {
    const double size = std::abs(static_cast<double>(op.attr_float(name, 1)));
    if (size > 0 && size < 4 * least) return true;
    product *= std::max(1.0, size);
  }
  return product > 0.25 * unit.max;
}
constexpr const char* kSteep = "a factor of it is at the end of the range";
}  // namespace

// f(centre - radius) and f(centre + radius) bound a rising function.
std::string rule_monotone(RuleContext& c) {
  if (has_steep_factor(c.op)) return kSteep;
  for (size_t i = 1; i < c.in.size(); ++i)
    if (c.has(i) && !c.exact(i)) return "its operand " + std::to_string(i) + " was rounded";
  const FunctionBound f = function_bound(c.op);
  std::vector<ValueId> inputs = c.centres();
  const ValueId centre = c.b.clone(c.op, inputs)[0], radius = c.radius(0);
  if (radius == kNoValue) {
    finish_function(c, centre, kNoValue, c.b.abs(centre), f);
    return "";
  }
  inputs[0] = c.b.add(c.in[0].centre, radius);
  const ValueId high = c.b.clone(c.op, inputs)[0];
  inputs[0] = c.b.sub(c.in[0].centre, radius);
  const ValueId low = c.b.clone(c.op, inputs)[0];
  const ValueId error = c.b.max(c.b.sub(high, centre), c.b.sub(centre, low));
  // The float64 function itself is not rising in its last place.
  const ValueId range = c.b.max(c.b.abs(high), c.b.abs(low));
  finish_function(c, centre, poisoned(c, c.b.add(error, c.b.times(range, kCentre)), radius), range, f);
  return "";
}

namespace {
// Operands of this magnitude overflow inside the function, though its result would not: log(exp(x) + 1), quotients by
// a small alpha, and cubes where infinity is no number that the steps behind it take for what it is. 0: none do.
double overflow_of(const ir::Op& op) {
  const double most = function_unit(op.policy).max;
  if (op.type == "Softplus" || op.type == "Mish") return 0.69 * std::ilogb(most) - 1;
  if (op.type == "Celu") return 0.5 * most * std::min(1.0F, op.attr_float("alpha", 1));  // x / alpha
  if (op.type == "Softsign") return 0.5 * most;                                          // 1 + |x|
  const bool engine = op.policy.special_values == num::SpecialValues::neural_engine;
  return engine && op.type == "Gelu" ? std::exp2(std::ilogb(most) / 3) : 0;
}
}  // namespace

std::string rule_lipschitz(RuleContext& c) {
  if (has_steep_factor(c.op)) return kSteep;
  const FunctionBound f = function_bound(c.op);
  if (c.op.type == "Softplus" && c.op.policy.plain_softplus) return "log(exp(x) + 1) overflows";
  if (c.op.type == "Celu" && !(c.op.attr_float("alpha", 1) > 0)) return "alpha <= 0";
  if (c.op.type == "Selu" && (c.op.attr_float("alpha", 1) < 0 || c.op.attr_float("gamma", 1) < 0)) return "alpha < 0";
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  ValueId error = poisoned(c, c.b.times(c.radius(0), f.slope), c.radius(0));
  if (const double limit = overflow_of(c.op); limit > 0) {
    if (error == kNoValue) error = c.b.times(c.b.abs(centre), 0);
    error = c.b.unless_over(c.magnitude(0), limit, error);
  }
  finish_function(c, centre, error, c.b.add(c.b.abs(centre), error), f);
  return "";
}

// x, or slope * x below 0.
std::string rule_prelu(RuleContext& c) {
  if (!c.exact(1)) return "its slopes are computed";
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId most = c.b.op("Max", {c.b.abs(c.in[1].centre), c.b.constant(1.0)});
  ValueId radius = c.radius(0) == kNoValue ? kNoValue : c.b.mul(c.radius(0), most);
  if (const ValueId flushed = c.radius(1); flushed != kNoValue)
    radius = c.b.add(radius, c.b.mul(c.magnitude(0), flushed));
  c.finish(0, centre, radius, 1);
  return "";
}

// Add, Sub, Sum, Mean.
std::string rule_sum(RuleContext& c) {
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const bool partial = c.in.size() > 2 || (c.op.type == "Mean" && c.in.size() > 1);
  ValueId radius = kNoValue, size = kNoValue;
  for (size_t i = 0; i < c.in.size(); ++i) {
    radius = c.b.add(radius, c.radius(i));
    if (partial) size = c.b.add(size, c.magnitude(i));
  }
  const auto n = static_cast<double>(c.in.size());
  if (c.op.type == "Mean") radius = c.b.times(radius, 1 / n * (1 + kCentre));
  if (c.in.size() > 2) {
    const Unit unit = step_unit(c.op.policy);
    if (n * unit.u > 0.25) return "it adds too many";
    radius = c.b.add(radius, c.b.plus(c.b.times(size, 2 * n * unit.u), n * unit.eta));
  }
  if (partial) {  // partial sums may be larger than the result
    if (radius == kNoValue) radius = c.b.times(size, 0);
    radius = c.b.unless_over(c.b.times(size, 1 + 2 * n * step_unit(c.op.policy).u), step_unit(c.op.policy).max, radius);
  }
  c.finish(0, centre, radius, 2);
  return "";
}

std::string rule_mul(RuleContext& c) {
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId a = c.radius(0), r = c.radius(1);
  ValueId radius = a == kNoValue ? kNoValue : c.b.mul(a, c.magnitude(1));
  if (r != kNoValue) radius = c.b.add(radius, c.b.mul(c.b.abs(c.in[0].centre), r));
  c.finish(0, centre, radius, 1);
  return "";
}

// |a'/b' - a/b| <= (Ra + |a/b| Rb) / (|b| - Rb)
std::string rule_div(RuleContext& c) {
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId a = c.radius(0), r = c.radius(1);
  ValueId radius = a;
  if (r != kNoValue) radius = c.b.add(radius, c.b.mul(c.b.abs(centre), r));
  if (radius != kNoValue) {
    const ValueId least = c.b.sub(c.b.abs(c.in[1].centre), r);
    radius = c.b.where_positive(least, c.b.op("Div", {radius, least}));
  }
  // 1 / c in the place of a division, where a runtime does that, is one more rounding.
  c.finish(0, centre, radius, 2);
  return "";
}

std::string rule_reciprocal(RuleContext& c) {
  const ValueId centre = c.b.clone(c.op, c.centres())[0], r = c.radius(0);
  ValueId radius = kNoValue;
  if (r != kNoValue) {
    const ValueId least = c.b.sub(c.b.abs(c.in[0].centre), r);
    radius = c.b.where_positive(least, c.b.op("Div", {c.b.mul(c.b.abs(centre), r), least}));
  }
  c.finish(0, centre, radius, 1);
  return "";
}

// Whole exponents from 1 on: |x^p - y^p| <= (|x| + r)^p - |x|^p.
std::string rule_pow(RuleContext& c) {
  const auto& exponent = c.graph.at(c.op.inputs[1]).constant;
  if (!exponent || exponent->size() != 1) return "its exponent is computed";
  const double p = exponent->float_at(0);
  if (p < 1 || p > 64 || p != std::floor(p)) return "its exponent is no whole number from 1 to 64";
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId top = c.b.op("Pow", {c.magnitude(0), c.in[1].centre});
  const ValueId below = c.b.op("Pow", {c.b.abs(c.in[0].centre), c.in[1].centre});
  const Unit unit = function_unit(c.op.policy);
  const ValueId error = c.b.plus(c.b.times(top, 4 * unit.u + 8 * kCentre), 4 * unit.eta);
  c.finish(0, centre, c.b.add(c.b.sub(top, below), error), 1);
  return "";
}

}  // namespace assay::audit
