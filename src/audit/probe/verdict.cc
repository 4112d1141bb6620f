// Group by group: what the likeliest policy explains, and which others explain it too.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "audit/probe/read.h"

namespace assay::audit {
namespace {

constexpr size_t kNamed = 24;  // policies listed for a group

std::vector<std::string> groups_of(const std::vector<FitCase>& cases) {
  std::vector<std::string> groups;
  for (const FitCase& one : cases)
    if (std::ranges::find(groups, one.group) == groups.end()) groups.push_back(one.group);
  return groups;
}

using Wanted = std::function<bool(const FitCase&)>;

bool exact_on(const Fit& fit, const std::vector<FitCase>& cases, const Wanted& wanted) {
  for (size_t c = 0; c < cases.size(); ++c)
    for (const ArrayFit& array : fit.cases[c]->arrays)
      if (wanted(cases[c]) && array.equal < array.elements) return false;
  return true;
}

ProbeFit fit_on(const std::string& name, const std::vector<FitCase>& cases, const Wanted& wanted, const FitResult& fit,
                const std::vector<Allowance>& allowed) {
  ProbeFit verdict{.name = name};
  const Fit& best = fit.groups.front().fit;
  bool inside = !allowed.empty();
  size_t at = 0;
  for (size_t c = 0; c < cases.size(); ++c)
    for (const ArrayFit& array : best.cases[c]->arrays) {
      const Allowance own = allowed.empty() ? Allowance{} : allowed[at];
      ++at;
      if (!wanted(cases[c])) continue;
      verdict.elements += array.elements;
      verdict.equal += array.equal;
      verdict.worst_steps = std::max(verdict.worst_steps, array.worst_steps);
      verdict.max_abs = std::max(verdict.max_abs, array.max_abs);
      inside = inside && own.used <= 1;
      if (own.used >= verdict.used) verdict.used = own.used, verdict.bound = own.bound;
    }
  if (inside) verdict.kind = FitGroup::Kind::rounding;
  if (verdict.equal == verdict.elements) verdict.kind = FitGroup::Kind::exact;
  for (const FitGroup& other : fit.groups) {
    if (!exact_on(other.fit, cases, wanted)) continue;
    for (const Hypothesis& h : other.members)
      if (verdict.exact.size() < kNamed) verdict.exact.push_back(h.label());
  }
  return verdict;
}

GroupVerdict verdict_of(const std::string& group, const std::vector<FitCase>& cases, const FitResult& fit,
                        const std::vector<Allowance>& allowed) {
  const Wanted in_group = [&](const FitCase& one) { return one.group == group; };
  GroupVerdict verdict;
  static_cast<ProbeFit&>(verdict) = fit_on(group, cases, in_group, fit, allowed);
  for (const FitCase& one : cases)
    if (in_group(one))
      verdict.probes.push_back(fit_on(
          one.name, cases, [&](const FitCase& other) { return &other == &one; }, fit, allowed));
  return verdict;
}

/// The input of a function over an ascending range; null for other probes.
const ir::Tensor* ascending_input(const FitCase& one) {
  if (one.inputs.size() != 1 || one.observed.size() != 1) return nullptr;
  const ir::Tensor& x = one.inputs[0].tensor;
  if (x.rank() != 1 || x.size() != one.observed[0].tensor.size()) return nullptr;
  for (int64_t i = 1; i < x.size(); ++i)
    if (!(x.float_at(i) > x.float_at(i - 1))) return nullptr;
  return &x;
}

/// A function that gives one value, or values far from its own, is broken: its segments would say nothing.
void describe_function(const ir::Tensor& x, const ir::Tensor& observed, const ir::Tensor& given, ProbeFit& probe) {
  if (same_everywhere(observed) && !same_everywhere(given)) {
    const double value = observed.float_at(0);
    probe.constant = std::isnan(value) ? "NaN" : fmt::format("{:.9g}", value);
  } else if (follows(observed, given)) {
    probe.segments = straight_segments(x, observed);
    probe.segments_expected = straight_segments(x, given);
  }
}

/// What is to say of functions that the policy does not give.
Status describe_functions(Evaluator& evaluator, const profiles::Variant& policy, std::vector<GroupVerdict>& groups) {
  ASSAY_TRY(const std::vector<Arrays> given, evaluator.outputs(policy));
  for (GroupVerdict& group : groups)
    for (ProbeFit& probe : group.probes) {
      const auto& cases = evaluator.cases();
      const auto one = std::ranges::find(cases, probe.name, &FitCase::name);
      if (probe.kind == FitGroup::Kind::exact || one == cases.end()) continue;
      const ir::Tensor* x = ascending_input(*one);
      if (x == nullptr) continue;
      describe_function(*x, one->observed[0].tensor, given[static_cast<size_t>(one - cases.begin())][0].tensor, probe);
    }
  return {};
}

}  // namespace

bool fits(const ProbeVerdict& verdict) {
  const Fit& best = verdict.fit.groups.front().fit;
  return 8 * best.equal >= best.elements;
}

Result<ProbeVerdict> judge_probes(ProbeMode mode, const std::vector<Hypothesis>& named,
                                  std::shared_ptr<const Threads> threads, const FitOptions& options) {
  Evaluator evaluator(std::move(mode.cases), std::move(threads));
  ProbeVerdict verdict{.mode = std::move(mode.name), .fit = {}, .groups = {}};
  FitOptions search = options;
  search.judge = false;  // that is said of each probe
  ASSAY_TRY(verdict.fit, fit(evaluator, named, search));
  std::vector<Allowance> allowed;
  if (verdict.fit.verdict != FitResult::Verdict::exact) {
    ASSAY_TRY(allowed, allowances(evaluator, verdict.fit.groups.front().members.front().policy, Noise::by_magnitude));
  }
  for (const std::string& group : groups_of(evaluator.cases()))
    verdict.groups.push_back(verdict_of(group, evaluator.cases(), verdict.fit, allowed));
  if (verdict.fit.verdict != FitResult::Verdict::exact)
    ASSAY_CHECK(describe_functions(evaluator, verdict.fit.groups.front().members.front().policy, verdict.groups));
  return verdict;
}

}  // namespace assay::audit
