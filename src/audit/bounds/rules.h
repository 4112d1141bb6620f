// One sound rule an operator: from bounds of the operands to bounds of the results. A bound is a centre, computed in
// float64, and a radius: every program that rounds as the policies say has its value within the radius of the centre.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "audit/bounds/builder.h"
#include "audit/bounds/units.h"

namespace assay::audit {

struct Bound {
  ir::ValueId centre = ir::kNoValue;  ///< float64; for what is no floating-point value the value itself, which is exact
  ir::ValueId radius = ir::kNoValue;  ///< kNoValue: the value is exact
  ir::ValueId raw = ir::kNoValue;     ///< an exact value in its declared type: inputs and constants
  bool is_float = true;
  bool stopped = false;                    ///< no bound is known
  std::optional<num::Rounding> lattice{};  ///< of the values; absent: of the compute type
};

/// What a rule works with. Rules return why they do not apply, or nothing.
struct RuleContext {
  const ir::Graph& graph;  ///< resolved
  const ir::Op& op;
  Builder& b;
  std::vector<Bound> in;   ///< one for each input, without a centre where it is absent
  std::vector<Bound> out;  ///< to be filled by finish()
  /// Of a sum of products with exact weights: the radius of the other operand as it enters.
  ir::ValueId entered = ir::kNoValue;

  bool has(size_t i) const { return i < in.size() && in[i].centre != ir::kNoValue; }
  bool exact(size_t i) const { return in[i].radius == ir::kNoValue; }
  ir::ValueId centre(size_t i) const { return has(i) ? in[i].centre : ir::kNoValue; }
  /// Of the operand as the operation reads it: flushed where the policy says so.
  ir::ValueId radius(size_t i) const;
  ir::ValueId magnitude(size_t i);    ///< |centre| + radius
  ir::ValueId full_radius(size_t i);  ///< with a tensor of zeros for none
  std::vector<ir::ValueId> centres() const;
  /// Static dimensions of an input; empty where they are not known.
  std::vector<ir::Dim> dims(size_t i) const;

  /// The result `k`: `radius` around `centre` before `steps` roundings of the arithmetic and the store.
  void finish(size_t k, ir::ValueId centre, ir::ValueId radius, int steps);
  /// The same of what only picks among operands: it is on their lattice already.
  void finish_picked(size_t k, ir::ValueId centre, ir::ValueId radius);

 private:
  void round(size_t k, ir::ValueId centre, ir::ValueId radius, const Unit& unit);
};

using Rule = std::string (*)(RuleContext& c);
/// Null where there is none.
Rule rule_for(const ir::Op& op);

// The rules, by file.
std::string rule_move(RuleContext& c);
std::string rule_concat(RuleContext& c);
std::string rule_where(RuleContext& c);
std::string rule_shape(RuleContext& c);
std::string rule_cast(RuleContext& c);
std::string rule_max_pool(RuleContext& c);
std::string rule_pick(RuleContext& c);
std::string rule_monotone(RuleContext& c);
std::string rule_lipschitz(RuleContext& c);
std::string rule_prelu(RuleContext& c);
std::string rule_sum(RuleContext& c);
std::string rule_mul(RuleContext& c);
std::string rule_div(RuleContext& c);
std::string rule_reciprocal(RuleContext& c);
std::string rule_pow(RuleContext& c);
std::string rule_product(RuleContext& c);
std::string rule_batch_norm(RuleContext& c);
std::string rule_softmax(RuleContext& c);
std::string rule_reduce(RuleContext& c);
std::string rule_norm(RuleContext& c);
std::string rule_squares(RuleContext& c);

/// Terms in one sum of a pooling or a reduction; -1 where it is not known.
int64_t reduced_terms(const RuleContext& c);

/// Error terms of a unary function beyond its operand's: |computed - f(x)| <= u (relative |f| + absolute + linear |x|),
/// u being the arithmetic's step; and |f(x) - f(y)| <= slope |x - y|.
struct FunctionBound {
  double relative = 0, absolute = 0, linear = 0, slope = 0;
  bool monotone = false;  ///< rising over all of its domain: bounds come from both ends
};
FunctionBound function_bound(const ir::Op& op);

}  // namespace assay::audit
