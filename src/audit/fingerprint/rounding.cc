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

}  // namespace

Result<std::vector<double>> rounding_bounds(Evaluator& evaluator, const profiles::Variant& best) {
  ASSAY_TRY(const std::vector<Arrays> from, evaluator.outputs(best));
  std::vector<double> spreads, bounds;
  for (const Arrays& one : from) spreads.resize(spreads.size() + one.size());
  for (const profiles::Variant& policy : alternatives(best)) {
    ASSAY_TRY(const std::vector<Arrays> other, evaluator.outputs(policy));
    size_t at = 0;
    for (size_t c = 0; c < from.size(); ++c)
      for (size_t i = 0; i < from[c].size(); ++i, ++at)
        spreads[at] = std::max(spreads[at], spread(from[c][i].tensor, other[c][i].tensor));
  }
  for (const FitCase& one : evaluator.cases())
    for (const NamedArray& observed : one.observed)
      bounds.push_back(2 * spreads[bounds.size()] + step_of(observed.tensor));
  return bounds;
}

bool within(const Fit& fit, const std::vector<double>& bounds) {
  size_t at = 0;
  for (const auto& one : fit.cases)
    for (const ArrayFit& array : one->arrays)
      if (array.max_abs > bounds[at++]) return false;
  return true;
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
