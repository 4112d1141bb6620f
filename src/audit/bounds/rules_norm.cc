// Normalisation by the data's own mean and variance, composed of its steps.
#include <algorithm>
#include <cmath>

#include "audit/bounds/rules.h"
#include "ops/def.h"

namespace assay::audit {

using ir::kNoValue;
using ir::ValueId;

namespace {
// A value inside of the operation: what the next step reads.
struct Inner {
  ValueId centre, radius;
};

class Steps {
 public:
  Steps(const RuleContext& c, ValueId axes, int64_t n)
      : b_(c.b),
        axes_(axes),
        unit_(function_unit(c.op.policy)),
        sum_(term_error(c.op.policy, n)),
        n_(static_cast<double>(n)) {}

  bool bounded() const { return std::isfinite(sum_.g) && sum_.g < 0.25 && unit_.u < 0.05; }

  // One rounding of a step.
  Inner rounded(ValueId centre, ValueId radius, double steps = 1) const {
    const ValueId size = b_.add(b_.abs(centre), radius);
    const ValueId wide = b_.add(radius, b_.plus(b_.times(size, 2 * steps * unit_.u), 2 * steps * unit_.eta));
    return {centre, b_.unless_over(size, unit_.max, wide)};
  }
  Inner mean(const Inner& x) const {
    const ValueId size = b_.add(b_.abs(x.centre), x.radius);
    const ValueId radius = over_axes(b_.add(x.radius, b_.times(size, sum_.g)));
    return rounded(over_axes(x.centre), b_.unless_over(over_axes(size), most(), b_.plus(radius, sum_.eta)));
  }
  Inner minus(const Inner& x, const Inner& y) const {
    return rounded(b_.sub(x.centre, y.centre), b_.add(x.radius, y.radius));
  }
  // mean(d^2): (|d| + r)^2 - d^2 is what the radius adds, g of the whole what summing does.
  Inner mean_square(const Inner& d) const {
    const ValueId size = b_.add(b_.abs(d.centre), d.radius);
    const ValueId square = over_axes(b_.mul(size, size)), centre = over_axes(b_.mul(d.centre, d.centre));
    const ValueId radius = b_.add(b_.sub(square, centre), b_.times(square, sum_.g + 16 * kCentre));
    return rounded(centre, b_.unless_over(square, most(), b_.plus(radius, sum_.eta)));
  }
  // 1 / sqrt(v + eps): convex, so the lower end of the interval is the worse.
  Inner inverse_root(const Inner& v, double epsilon) const {
    const Inner s = rounded(b_.plus(v.centre, epsilon), v.radius);
    const ValueId low = b_.sub(s.centre, s.radius);
    const ValueId centre = b_.op("Reciprocal", {b_.op("Sqrt", {s.centre})});
    const ValueId high = b_.op("Reciprocal", {b_.op("Sqrt", {low})});
    const ValueId radius = b_.add(b_.sub(high, centre), b_.times(high, 8 * kCentre));
    return rounded(centre, b_.where_positive(low, radius), 4);
  }
  Inner times(const Inner& x, const Inner& y) const {
    const ValueId most = b_.add(b_.abs(y.centre), y.radius);
    ValueId radius = b_.mul(x.radius, most);
    if (y.radius != kNoValue) radius = b_.add(radius, b_.mul(b_.abs(x.centre), y.radius));
    return rounded(b_.mul(x.centre, y.centre), radius);
  }
  Inner plus(const Inner& x, const Inner& y) const {
    return rounded(b_.op("Add", {x.centre, y.centre}), b_.add(x.radius, y.radius));
  }

 private:
  double most() const { return sum_.max / n_; }  // a mean is n times smaller than its sum
  ValueId over_axes(ValueId x) const { return b_.op("ReduceMean", {x, axes_}, {{"keepdims", int64_t{1}}}); }
  Builder& b_;
  ValueId axes_;
  Unit unit_;
  SumError sum_;
  double n_;
};
}  // namespace

// ReduceSumSquare, ReduceL2: (|x| + r)^2 - x^2 is what the radius adds; a sum of squares is never below 0.
std::string rule_squares(RuleContext& c) {
  const int64_t n = reduced_terms(c);
  if (n < 0) return "the length of its sums is not known";
  const SumError sum = term_error(c.op.policy, n);
  const Unit unit = function_unit(c.op.policy);
  if (!std::isfinite(sum.g) || sum.g > 0.25) return "its sums have no bound in its accumulator";
  ir::Op squares = c.op;
  squares.type = "ReduceSumSquare";
  squares.def = ops::find_op("", "ReduceSumSquare");
  std::vector<ValueId> inputs = c.centres();
  const ValueId total = c.b.clone(squares, inputs)[0];
  inputs[0] = c.magnitude(0);
  const ValueId most = c.b.clone(squares, inputs)[0];
  ValueId radius = c.b.add(c.b.sub(most, total), c.b.times(most, sum.g + 4 * unit.u + 16 * kCentre));
  radius = c.b.unless_over(most, sum.max, c.b.plus(radius, sum.eta + 4 * unit.eta * static_cast<double>(n + 1)));
  if (c.op.type == "ReduceSumSquare") {
    c.finish(0, total, radius, 1);
    return "";
  }
  const ValueId centre = c.b.op("Sqrt", {total}), high = c.b.op("Sqrt", {c.b.add(total, radius)});
  const ValueId low = c.b.op("Sqrt", {c.b.max(c.b.sub(total, radius), c.b.constant(0.0))});
  const ValueId error = c.b.max(c.b.sub(high, centre), c.b.sub(centre, low));
  c.finish(0, centre, c.b.add(error, c.b.times(high, 4 * unit.u)), 2);
  return "";
}

// LayerNormalization, InstanceNormalization, RMSNormalization: d / sqrt(mean(d^2) + eps) * scale + bias.
std::string rule_norm(RuleContext& c) {
  for (size_t k = 1; k < c.op.outputs.size(); ++k)
    if (c.op.outputs[k] != kNoValue) return "its statistics are outputs";
  const std::vector<ir::Dim> dims = c.dims(0);
  const auto rank = static_cast<int64_t>(dims.size());
  const bool instance = c.op.type == "InstanceNormalization", centred = c.op.type != "RMSNormalization";
  int64_t first = instance ? 2 : c.op.attr_int("axis", -1);
  if (first < 0) first += rank;
  ir::Dims axes;
  int64_t n = 1;
  for (int64_t axis = first; axis < rank; ++axis) {
    if (!dims[static_cast<size_t>(axis)].known() || n > kMostTerms) return "the length of its sums is not known";
    n *= dims[static_cast<size_t>(axis)].value;
    axes.push_back(axis);
  }
  if (axes.empty()) return "the length of its sums is not known";
  const Steps steps(c, c.b.constant(axes), n);
  if (!steps.bounded()) return "its sums have no bound in its accumulator";
  Inner d{c.in[0].centre, c.full_radius(0)};
  if (centred) d = steps.minus(d, steps.mean(d));
  double epsilon = static_cast<double>(c.op.attr_float("epsilon", 1e-5F));
  if (c.op.policy.attribute) epsilon = num::round(epsilon, *c.op.policy.attribute);
  Inner y = steps.times(d, steps.inverse_root(steps.mean_square(d), epsilon));
  for (size_t i = 1; i < c.in.size(); ++i) {
    if (!c.has(i)) continue;
    Inner operand{c.in[i].centre, c.radius(i)};
    if (instance) {  // one value a channel
      ir::Dims shape(static_cast<size_t>(rank - 1), 1);
      shape[0] = -1;
      const auto spread = [&](ValueId id) {
        return id == kNoValue ? id : c.b.op("Reshape", {id, c.b.constant(shape)});
      };
      operand = {spread(operand.centre), spread(operand.radius)};
    }
    y = i == 1 ? steps.times(y, operand) : steps.plus(y, operand);
  }
  c.finish(0, y.centre, y.radius, 1);
  return "";
}

}  // namespace assay::audit
