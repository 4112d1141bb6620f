// Sums of products and of terms, normalisation by given statistics, softmax.
#include <algorithm>
#include <cmath>

#include "audit/bounds/rules.h"

namespace assay::audit {

using ir::kNoValue;
using ir::ValueId;

namespace {
using Dims = std::vector<ir::Dim>;

// Product of dimensions [first, last); -1 where one is not known.
int64_t count_of(const Dims& dims, size_t first, size_t last) {
  int64_t n = 1;
  for (size_t i = first; i < last; ++i) {
    if (!dims[i].known() || (dims[i].value != 0 && n > kMostTerms)) return dims[i].known() ? n : -1;
    n *= dims[i].value;
  }
  return n;
}

// Products in one sum of a contraction; -1 where it is not known.
int64_t products(const RuleContext& c) {
  const Dims w = c.dims(1);
  const std::string& type = c.op.type;
  if (type == "Conv") return w.size() < 3 ? -1 : count_of(w, 1, w.size());
  if (type == "ConvTranspose") return w.size() < 3 ? -1 : count_of(w, 0, 1) * count_of(w, 2, w.size());
  if (type == "Gemm") {
    if (w.size() != 2) return -1;
    return w[c.op.attr_int("transB", 0) != 0 ? 1 : 0].value;
  }
  if (w.size() == 1) return w[0].value;
  if (w.size() > 1) return w[w.size() - 2].value;
  const Dims a = c.dims(0);
  return a.empty() ? -1 : a.back().value;
}

/// The factors of a Gemm, not below `least` in size; 1 for other contractions.
struct Factors {
  float alpha = 1, beta = 1;
};
Factors factors_of(const ir::Op& op, float least) {
  if (op.type != "Gemm") return {};
  return {std::max(std::abs(op.attr_float("alpha", 1)), least), std::max(std::abs(op.attr_float("beta", 1)), least)};
}

ir::Op with_factors(const ir::Op& op, const Factors& factors) {
  ir::Op out = op;
  if (op.type != "Gemm") return out;
  out.set_attr("alpha", factors.alpha);
  out.set_attr("beta", factors.beta);
  return out;
}

// Exact operands are rounded as they enter (TF32 and the like) before anything else: what they become is known.
void round_constants(RuleContext& c) {
  if (!c.op.policy.operand) return;
  for (Bound& bound : c.in) {
    const auto constant = bound.centre == kNoValue ? nullptr : c.b.graph.at(bound.centre).constant;
    if (&bound - c.in.data() > 1 || constant == nullptr || bound.radius != kNoValue) continue;
    ir::Tensor rounded = ir::Tensor::allocate(ir::ElemType::float64, constant->dims());
    for (int64_t k = 0; k < rounded.size(); ++k)
      rounded.mutable_data<double>()[k] = num::round(constant->data<double>()[k], *c.op.policy.operand);
    bound.centre = c.b.constant(std::move(rounded));
  }
}

// How an operand is rounded as it enters a contraction.
ValueId entering(RuleContext& c, size_t i, const Unit* unit) {
  const ValueId r = c.radius(i);
  if (unit == nullptr || c.b.graph.at(c.in[i].centre).constant) return r;
  const ValueId rounding = c.b.plus(c.b.times(c.magnitude(i), unit->u), unit->eta);
  return c.b.unless_over(c.magnitude(i), unit->max, c.b.add(r, rounding));
}
}  // namespace

// MatMul, Gemm, Conv, ConvTranspose: sum |x' w' - x w| <= Rx (|w| + Rw) + |x| Rw, and of the adding g sum |x' w'| +
// eta.
std::string rule_product(RuleContext& c) {
  const int64_t n = products(c);
  if (n < 0) return "the length of its sums is not known";
  const SumError sum = product_error(c.op.policy, n);
  if (!std::isfinite(sum.g) || sum.g > 0.5)
    return "sums of " + std::to_string(n) + " products have no bound in its accumulator";
  round_constants(c);
  const ir::Op like = with_factors(c.op, factors_of(c.op, 0));
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  Unit entry;
  const bool enters = c.op.policy.operand.has_value();
  if (enters) entry = unit_of(*c.op.policy.operand);
  const ValueId rx = entering(c, 0, enters ? &entry : nullptr), rw = entering(c, 1, enters ? &entry : nullptr);
  if (rw == kNoValue) c.entered = rx;
  const auto grown = [&](size_t i, ValueId r) {
    const ValueId size = c.b.add(c.b.abs(c.in[i].centre), r);
    return sum.tiny > 0 ? c.b.plus(size, sum.tiny) : size;
  };
  const ValueId mx = grown(0, rx), mw = grown(1, rw);
  std::vector<ValueId> inputs = {c.b.add(c.b.times(mx, sum.g), rx), mw};
  if (c.has(2)) inputs.push_back(c.b.add(c.b.times(c.magnitude(2), sum.g), c.radius(2)));
  ValueId radius = c.b.clone(like, inputs)[0];
  if (rw != kNoValue) radius = c.b.add(radius, c.b.clone(like, {mx, rw})[0]);
  // Whatever is added in whatever order, before and after a factor, is at most this.
  const Factors whole = factors_of(c.op, 1);
  std::vector<ValueId> sizes = {mx, mw};
  if (c.has(2)) sizes.push_back(c.magnitude(2));
  const ValueId size = c.b.times(c.b.clone(with_factors(c.op, whole), sizes)[0], 1 + sum.g);
  const bool scaled = whole.alpha > 1 || factors_of(c.op, 0).alpha < 1;
  const double most = scaled ? std::min(sum.max, step_unit(c.op.policy).max) : sum.max;
  radius = c.b.unless_over(size, most, radius);
  radius = c.b.plus(radius, sum.eta * (1 + 2 * static_cast<double>(whole.alpha)));
  const bool twice = c.op.policy.bias == num::Bias::after_store && c.has(2);
  if (twice) {
    const auto stored = stored_rounding(c.op.policy, c.graph.at(c.op.outputs[0]).storage);
    const Unit unit = stored ? unit_of(*stored) : step_unit(c.op.policy);
    radius = c.b.add(radius, c.b.plus(c.b.times(size, unit.u), unit.eta));
    radius = c.b.unless_over(size, unit.max, radius);
  }
  c.finish(0, centre, radius, twice ? 2 : 1);
  return "";
}

// y = x a + (bias - mean a), a = scale / sqrt(var + eps): the operator itself, on magnitudes, gives the bound.
std::string rule_batch_norm(RuleContext& c) {
  if (c.op.attr_int("training_mode", 0) != 0) return "training has no rule";
  for (size_t i = 1; i < 5; ++i)
    if (!c.exact(i)) return "its statistics are computed";
  const Unit unit = step_unit(c.op.policy);
  const double kappa = 16 * unit.u;
  if (kappa > 0.25) return "its arithmetic is too narrow";
  const auto variance = c.b.graph.at(c.in[4].centre).constant;
  if (variance == nullptr) return "its statistics are computed";
  const double epsilon = c.op.attr_float("epsilon", 1e-5F), flushed = flushed_below(c.op.policy);
  for (int64_t i = 0; i < variance->size(); ++i)
    if (!(variance->float_at(i) + epsilon > 0)) return "a variance is not above 0";
  const double least = flushed > 0 ? flushed : unit.eta / unit.u;  // smallest normal number
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId x = c.b.add(c.b.times(c.magnitude(0), kappa), c.b.times(c.radius(0), 1 + kappa));
  const ValueId radius = c.b.clone(c.op, {x, c.b.abs(c.in[1].centre), c.b.times(c.b.abs(c.in[2].centre), kappa),
                                          c.b.times(c.b.abs(c.in[3].centre), -kappa), c.in[4].centre})[0];
  // What underflows on the way to a, and in the product, is far below the statistics' own size.
  const ValueId tiny =
      c.b.clone(c.op, {c.b.times(c.b.abs(c.in[0].centre), 0), c.b.abs(c.in[1].centre),
                       c.b.plus(c.b.times(c.b.abs(c.in[2].centre), 0), 64 * unit.eta),
                       c.b.plus(c.b.times(c.b.abs(c.in[3].centre), 0), -64 * unit.eta), c.in[4].centre})[0];
  // a may be off by what underflows, and x - mean and its product overflow where the result does not.
  const ValueId deviation = c.b.op("Sqrt", {c.b.plus(c.in[4].centre, epsilon)});
  const ValueId zeros = c.b.times(c.in[2].centre, 0), less_mean = c.b.times(c.b.abs(c.in[3].centre), -1);
  const auto sized = [&](ValueId scale, ValueId bias) {
    return c.b.clone(c.op, {c.magnitude(0), scale, bias, less_mean, c.in[4].centre})[0];
  };
  const ValueId apart = c.b.times(sized(deviation, zeros), 1 + kappa);
  const ValueId size = c.b.times(sized(c.b.abs(c.in[1].centre), c.b.abs(c.in[2].centre)), 1 + kappa);
  ValueId error = c.b.add(c.b.add(radius, tiny), c.b.times(apart, 64 * unit.eta));
  error = c.b.unless_over(size, unit.max, c.b.unless_over(apart, unit.max, error));
  // a itself, where all that it meets is small.
  const ValueId ones = c.b.plus(c.b.times(c.b.abs(c.in[0].centre), 0), 1);
  const ValueId factor = c.b.clone(c.op, {ones, c.b.abs(c.in[1].centre), zeros, zeros, c.in[4].centre})[0];
  error = c.b.unless_over(c.b.times(factor, 1 + kappa), unit.max, error);
  // A channel whose variance is at an end of the range has no bound.
  const ValueId spread = c.b.plus(c.in[4].centre, epsilon);
  const ValueId lost = c.b.unless_over(spread, 0.5 * unit.max, c.b.where_positive(c.b.plus(spread, -2 * least), zeros));
  error = c.b.add(error, sized(zeros, lost));
  c.finish(0, centre, error, 2);
  return "";
}

// exp(x_i) / sum exp(x_j): perturbed by r_i, each factor by at most exp(r_i + r_max).
std::string rule_softmax(RuleContext& c) {
  const Dims dims = c.dims(0);
  const auto rank = static_cast<int64_t>(dims.size());
  int64_t axis = c.op.attr_int("axis", -1);
  if (axis < 0) axis += rank;
  if (rank == 0 || axis < 0 || axis >= rank || !dims[static_cast<size_t>(axis)].known())
    return "the length of its sums is not known";
  const int64_t n = dims[static_cast<size_t>(axis)].value;
  const Unit unit = function_unit(c.op.policy);
  const SumError sum = term_error(c.op.policy, n);
  if (!std::isfinite(sum.g) || sum.g > 0.25 || static_cast<double>(n) >= sum.max)
    return "its sum has no bound in its accumulator";
  const ValueId centre = c.b.clone(c.op, c.centres())[0];
  const ValueId axes = c.b.constant(ir::Dims{axis});
  const auto most = [&](ValueId x) { return c.b.op("ReduceMax", {x, axes}, {{"keepdims", int64_t{1}}}); };
  const ValueId size = c.magnitude(0);
  const ValueId apart = c.b.add(size, most(size));  // >= |x - max|
  ValueId r = c.b.plus(c.b.times(apart, 2 * unit.u), 2 * unit.eta);
  r = c.b.add(c.full_radius(0), r);
  r = c.b.add(r, most(r));
  const double relative = sum.g + 16 * unit.u;
  if (c.op.type == "LogSoftmax") {
    const ValueId rounding = c.b.times(c.b.plus(apart, 64), 8 * unit.u);
    const ValueId radius = c.b.plus(c.b.add(r, rounding), 4 * relative + 64 * unit.eta);
    c.finish(0, centre, c.b.unless_over(apart, unit.max, radius), 1);
    return "";
  }
  const ValueId factor = c.b.plus(c.b.times(c.b.op("Exp", {r}), 1 + 2 * relative), -1 + 64 * kCentre);
  const double eta = (static_cast<double>(n) + 4) * (unit.eta + sum.eta) * 4;
  c.finish(0, centre, c.b.plus(c.b.mul(centre, factor), eta), 1);
  return "";
}

int64_t reduced_terms(const RuleContext& c) {
  const Dims dims = c.dims(0);
  if (c.op.type == "AveragePool") {
    int64_t n = 1;
    for (const int64_t k : c.op.attr_ints("kernel_shape")) n *= k;
    return n;
  }
  if (c.op.type == "GlobalAveragePool") return dims.size() < 3 ? -1 : count_of(dims, 2, dims.size());
  if (dims.empty()) return -1;
  if (!c.has(1)) return c.op.attr_int("noop_with_empty_axes", 0) != 0 ? 1 : count_of(dims, 0, dims.size());
  const auto& axes = c.graph.at(c.op.inputs[1]).constant;
  if (!axes) return -1;
  int64_t n = 1;
  for (const int64_t axis : axes->ints()) {
    const ir::Dim& d = dims[static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(dims.size()) : axis)];
    if (!d.known()) return -1;
    n *= d.value;
  }
  return axes->size() == 0 && c.op.attr_int("noop_with_empty_axes", 0) == 0 ? count_of(dims, 0, dims.size()) : n;
}

// Of a mean that multiplies by 1 / n, rounded to the result's format: relative to the mean.
double reciprocal_error(const num::Policy& policy, int64_t n) {
  if (!policy.divide_by_reciprocal || !policy.result) return 0;
  const Unit unit = unit_of(*policy.result);
  return unit.u + unit.eta * static_cast<double>(n);
}

// Sums and means: the operator itself on r + g |x|.
std::string rule_reduce(RuleContext& c) {
  const int64_t n = reduced_terms(c);
  if (n < 0) return "the length of its sums is not known";
  SumError sum = term_error(c.op.policy, n);
  const double reciprocal = reciprocal_error(c.op.policy, n);
  sum.g += 2 * reciprocal;
  if (!std::isfinite(sum.g) || sum.g > 0.5)
    return "sums of " + std::to_string(n) + " terms have no bound in its accumulator";
  std::vector<ValueId> inputs = c.centres();
  const ValueId centre = c.b.clone(c.op, inputs)[0];
  inputs[0] = c.b.add(c.b.times(c.magnitude(0), sum.g), c.b.times(c.radius(0), 1 + reciprocal));
  ValueId radius = c.b.clone(c.op, inputs)[0];
  const double terms = static_cast<double>(std::max<int64_t>(n, 1));
  radius = c.b.unless_over(radius, sum.g * sum.max / terms, radius);  // a mean is n times smaller than its sum
  c.finish(0, centre, c.b.plus(radius, sum.eta), 2);
  return "";
}

}  // namespace assay::audit
