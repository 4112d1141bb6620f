// What "within rounding" means where no policy gives the recorded bits: hardware does not document the order of its
// sums nor the last bit of its functions, so both are varied, and what that changes is measured.
#include <algorithm>
#include <cmath>

#include "audit/fingerprint/fit.h"
#include "audit/fingerprint/vocabulary.h"
#include "audit/metrics/counts.h"
#include "profiles/settings.h"

namespace assay::audit {
namespace {

using num::Accumulator;

void set_order(profiles::Variant& policy, Accumulator accumulator, uint32_t field, const char* numeric) {
  profiles::Statement statement;
  statement.match.classes = {numeric};
  statement.policy.accumulator = accumulator;
  statement.policy.sum = accumulator;
  statement.fields = field;
  policy.statements.push_back(std::move(statement));
}

uint32_t field_named(std::string_view name) {
  const auto names = profiles::setting_names();
  return 1U << static_cast<uint32_t>(std::ranges::find(names, name) - names.begin());
}

/// The same sums in another order: rounded steps stay as they are.
Accumulator reordered(const Accumulator& from, Accumulator::Kind kind, bool fused, int lanes) {
  Accumulator to;
  to.kind = kind;
  to.fused = fused;
  to.lanes = lanes;
  to.step = from.kind == Accumulator::Kind::chain || from.kind == Accumulator::Kind::lanes ? from.step : std::nullopt;
  to.flush_subnormals = from.flush_subnormals;
  return to;
}

std::vector<profiles::Variant> alternatives(const profiles::Variant& best) {
  struct Order {
    Accumulator::Kind kind;
    bool fused;
    int lanes;
  };
  constexpr Order kOrders[] = {{Accumulator::Kind::chain, true, 1},
                               {Accumulator::Kind::chain, false, 1},
                               {Accumulator::Kind::lanes, true, 8},
                               {Accumulator::Kind::lanes, false, 16}};
  profiles::Profile profile;
  profile.variants.push_back(best);
  profile.storage = best.storage.type;
  const num::Policy product =
      profiles::policy_for(profile, 0, {.domain = "", .op = "MatMul", .numeric = "contraction"});
  const num::Policy sum = profiles::policy_for(profile, 0, {.domain = "", .op = "ReduceSum", .numeric = "reduction"});
  std::vector<profiles::Variant> all;
  for (const Order& order : kOrders) {
    profiles::Variant next = best;
    set_order(next, reordered(product.accumulator, order.kind, order.fused, order.lanes), field_named("accumulator"),
              "contraction");
    for (const char* numeric : {"reduction", "composite"})
      set_order(next, reordered(sum.sum.value_or(Accumulator{}), order.kind, true, order.lanes), field_named("sum"),
                numeric);
    all.push_back(std::move(next));
  }
  for (const PolicyChange& change : vocabulary())
    if (change.choice == "functions" || change.label == "bias first" || change.label == "bias after")
      all.push_back(changed(best, change));
  return all;
}

/// A step of the observed lattice at its largest finite magnitude.
double step_of(const ir::Tensor& observed) {
  LatticeCounts counts;
  add_lattice(counts, observed);
  const bool wide = observed.elem() == ir::ElemType::float64;
  const num::FormatId own = wide ? num::FormatId::float64 : num::FormatId::float32;
  double largest = 0;
  for (int64_t i = 0; i < observed.size(); ++i)
    if (std::isfinite(observed.float_at(i))) largest = std::max(largest, std::abs(observed.float_at(i)));
  if (largest == 0) return 0;
  return std::ldexp(1.0, std::ilogb(largest) - num::format(counts.verdict().format.value_or(own)).significand_bits);
}

double spread(const ir::Tensor& a, const ir::Tensor& b) {
  double most = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double apart = std::abs(a.float_at(i) - b.float_at(i));
    if (std::isfinite(apart)) most = std::max(most, apart);
  }
  return most;
}

/// Whether `given` lies on a lattice that `observed` does not lie on.
bool narrower(const ir::Tensor& given, const ir::Tensor& observed) {
  LatticeCounts left, right;
  add_lattice(left, given);
  add_lattice(right, observed);
  const num::FormatId own = left.from_float64 ? num::FormatId::float64 : num::FormatId::float32;
  for (size_t k = 0; k < left.off.size() && num::kLatticeCandidates[k] != own; ++k) {
    const bool on = left.off[k] == 0 && left.evidence_bits(num::kLatticeCandidates[k]) >= num::kEnoughEvidence;
    if (on && right.off[k] > 0) return true;
  }
  return false;
}

}  // namespace

Result<RoundingBounds> rounding_bounds(Evaluator& evaluator, const profiles::Variant& policy) {
  ASSAY_TRY(const std::vector<Arrays> from, evaluator.outputs(policy));
  std::vector<double> spreads;
  for (const Arrays& one : from) spreads.resize(spreads.size() + one.size());
  for (const profiles::Variant& other_policy : alternatives(policy)) {
    ASSAY_TRY(const std::vector<Arrays> other, evaluator.outputs(other_policy));
    size_t at = 0;
    for (size_t c = 0; c < from.size(); ++c)
      for (size_t i = 0; i < from[c].size(); ++i, ++at)
        spreads[at] = std::max(spreads[at], spread(from[c][i].tensor, other[c][i].tensor));
  }
  RoundingBounds bounds;
  for (size_t c = 0; c < from.size(); ++c)
    for (size_t i = 0; i < from[c].size(); ++i) {
      const ir::Tensor& observed = evaluator.cases()[c].observed[i].tensor;
      bounds.largest.push_back(2 * spreads[bounds.largest.size()] + step_of(observed));
      bounds.lattices_fit = bounds.lattices_fit && !narrower(from[c][i].tensor, observed);
    }
  return bounds;
}

bool within(const Fit& fit, const RoundingBounds& bounds) {
  size_t at = 0;
  for (const auto& one : fit.cases)
    for (const ArrayFit& array : one->arrays)
      if (array.max_abs > bounds.largest[at++]) return false;
  return bounds.lattices_fit;
}

std::optional<FitStart> start_of(const FitCase& one, const CaseFit& fit, const double* bounds) {
  const ir::Graph& graph = *one.model->graph;
  FitStart start;
  for (const ir::Op& op : graph.ops)
    for (const ir::ValueId id : op.outputs) {
      if (id == ir::kNoValue) continue;
      const auto array = std::ranges::find(fit.arrays, graph.at(id).name, &ArrayFit::name);
      if (array == fit.arrays.end()) continue;
      if (array->max_abs <= bounds[array - fit.arrays.begin()]) {
        start.after.push_back(array->name);
        continue;
      }
      start.array = array->name;
      start.operation = graph.describe(op);
      return start;
    }
  return std::nullopt;
}

}  // namespace assay::audit
