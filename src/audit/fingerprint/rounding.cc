// What "within rounding" means where no policy gives the recorded bits: hardware does not document the order of its
// sums nor the last bit of its functions, so both are varied, and what that changes is measured.
#include <algorithm>
#include <cmath>

#include "audit/fingerprint/fit.h"
#include "audit/fingerprint/vocabulary.h"
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
Accumulator reordered(const Accumulator& from, Accumulator::Kind kind, bool fused, int lanes, int parts = 1) {
  Accumulator to;
  to.kind = kind;
  to.fused = fused;
  to.lanes = lanes;
  to.split_k = parts;
  to.step = from.kind == Accumulator::Kind::chain || from.kind == Accumulator::Kind::lanes ? from.step : std::nullopt;
  to.flush_subnormals = from.flush_subnormals;
  return to;
}

/// Parts of k have no kernel of their own: they are left out of large models.
std::vector<profiles::Variant> alternatives(const profiles::Variant& best, bool parts) {
  struct Order {
    Accumulator::Kind kind;
    bool fused;
    int lanes;
    int parts;  // of k, in products
  };
  constexpr Order kOrders[] = {{Accumulator::Kind::chain, true, 1, 1},
                               {Accumulator::Kind::chain, false, 1, 1},
                               {Accumulator::Kind::chain, true, 1, 16},
                               {Accumulator::Kind::lanes, true, 8, 1},
                               {Accumulator::Kind::lanes, false, 16, 1}};
  profiles::Profile profile;
  profile.variants.push_back(best);
  profile.storage = best.storage.type;
  const num::Policy product =
      profiles::policy_for(profile, 0, {.domain = "", .op = "MatMul", .numeric = "contraction"});
  const num::Policy sum = profiles::policy_for(profile, 0, {.domain = "", .op = "ReduceSum", .numeric = "reduction"});
  std::vector<profiles::Variant> all;
  for (const Order& order : kOrders) {
    if (order.parts > 1 && !parts) continue;
    profiles::Variant next = best;
    set_order(next, reordered(product.accumulator, order.kind, order.fused, order.lanes, order.parts),
              field_named("accumulator"), "contraction");
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

/// Grows `spreads` to what `other` changes of `from`, element by element.
void widen(std::vector<std::vector<double>>& spreads, const std::vector<Arrays>& from,
           const std::vector<Arrays>& other) {
  size_t at = 0;
  for (size_t c = 0; c < from.size(); ++c)
    for (size_t i = 0; i < from[c].size(); ++i, ++at) {
      std::vector<double>& spread = spreads[at];
      spread.resize(static_cast<size_t>(from[c][i].tensor.size()));
      for (size_t e = 0; e < spread.size(); ++e) {
        const auto k = static_cast<int64_t>(e);
        const double apart = std::abs(from[c][i].tensor.float_at(k) - other[c][i].tensor.float_at(k));
        if (std::isfinite(apart)) spread[e] = std::max(spread[e], apart);
      }
    }
}

/// The cases' models with functions of another library; empty where none calls such a function.
std::vector<std::shared_ptr<const backends::Model>> other_functions(const Evaluator& evaluator) {
  std::vector<std::shared_ptr<const backends::Model>> models;
  models.reserve(evaluator.cases().size());
  bool any = false;
  for (const FitCase& one : evaluator.cases()) {
    const auto other = with_other_functions(*one.model);
    any = any || other != nullptr;
    models.push_back(other != nullptr ? other : one.model);
  }
  if (!any) models.clear();
  return models;
}

}  // namespace

Result<std::vector<Allowance>> allowances(Evaluator& evaluator, const profiles::Variant& policy, Noise noise) {
  ASSAY_TRY(const std::vector<Arrays> from, evaluator.outputs(policy));
  size_t arrays = 0;
  for (const Arrays& one : from) arrays += one.size();
  std::vector<std::vector<double>> spreads(arrays);
  for (const profiles::Variant& other_policy : alternatives(policy, noise == Noise::by_magnitude)) {
    ASSAY_TRY(const std::vector<Arrays> other, evaluator.outputs(other_policy));
    widen(spreads, from, other);
  }
  if (const auto models = other_functions(evaluator); !models.empty()) {
    ASSAY_TRY(const std::vector<Arrays> other, evaluator.outputs(policy, models));
    widen(spreads, from, other);
  }
  std::vector<Allowance> all;
  for (size_t c = 0; c < from.size(); ++c)
    for (size_t i = 0; i < from[c].size(); ++i)
      all.push_back(
          allowance_of(evaluator.cases()[c].observed[i].tensor, from[c][i].tensor, spreads[all.size()], noise));
  return all;
}

}  // namespace assay::audit
