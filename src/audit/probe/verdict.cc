// Group by group: what the likeliest policy explains, and which others explain it too.
#include <algorithm>

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

bool exact_on(const Fit& fit, const std::vector<FitCase>& cases, const std::string& group) {
  for (size_t c = 0; c < cases.size(); ++c)
    for (const ArrayFit& array : fit.cases[c]->arrays)
      if (cases[c].group == group && array.equal < array.elements) return false;
  return true;
}

GroupVerdict verdict_of(const std::string& group, const std::vector<FitCase>& cases, const FitResult& fit,
                        const std::vector<double>& bounds) {
  GroupVerdict verdict{.group = group};
  const Fit& best = fit.groups.front().fit;
  bool inside = true;
  size_t at = 0;
  for (size_t c = 0; c < cases.size(); ++c) {
    if (cases[c].group == group) verdict.probes.push_back(cases[c].name);
    for (const ArrayFit& array : best.cases[c]->arrays) {
      const double bound = bounds.empty() ? 0 : bounds[at];
      ++at;
      if (cases[c].group != group) continue;
      verdict.elements += array.elements;
      verdict.equal += array.equal;
      verdict.worst_steps = std::max(verdict.worst_steps, array.worst_steps);
      verdict.max_abs = std::max(verdict.max_abs, array.max_abs);
      inside = inside && array.max_abs <= bound;
    }
  }
  if (verdict.equal == verdict.elements)
    verdict.kind = FitGroup::Kind::exact;
  else if (inside && !bounds.empty())
    verdict.kind = FitGroup::Kind::rounding;
  for (const FitGroup& other : fit.groups) {
    if (!exact_on(other.fit, cases, group)) continue;
    for (const Hypothesis& h : other.members)
      if (verdict.exact.size() < kNamed && h.changes.size() <= 1) verdict.exact.push_back(h.label());
  }
  return verdict;
}

}  // namespace

Result<ProbeVerdict> judge_probes(ProbeMode mode, const std::vector<Hypothesis>& named,
                                  std::shared_ptr<const Threads> threads, const FitOptions& options) {
  Evaluator evaluator(std::move(mode.cases), std::move(threads));
  ProbeVerdict verdict{.mode = std::move(mode.name), .fit = {}, .groups = {}};
  ASSAY_TRY(verdict.fit, fit(evaluator, named, options));
  std::vector<double> bounds;
  if (verdict.fit.verdict != FitResult::Verdict::exact) {
    ASSAY_TRY(bounds, rounding_bounds(evaluator, verdict.fit.groups.front().members.front().policy));
  }
  for (const std::string& group : groups_of(evaluator.cases()))
    verdict.groups.push_back(verdict_of(group, evaluator.cases(), verdict.fit, bounds));
  return verdict;
}

}  // namespace assay::audit
