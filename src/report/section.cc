#include "report/section.h"

#include <algorithm>

namespace assay::report {

bool fails(const Section& section, size_t candidate, const audit::Case& one, bool flip) {
  if (section.fail_on == audit::FailOn::none || (!flip && section.fail_on != audit::FailOn::at_risk)) return false;
  if (candidate >= section.allowed.size()) return true;
  const auto& allowed = section.allowed[candidate];
  return std::find(allowed.begin(), allowed.end(), one.sample) == allowed.end();
}

bool fails(const Section& section) {
  if (!section.findings.empty()) return true;
  for (size_t c = 0; c < section.audit->candidates.size(); ++c) {
    const audit::CandidateResult& candidate = section.audit->candidates[c];
    const auto any = [&](const std::vector<audit::Case>& cases, bool flip) {
      return std::ranges::any_of(cases, [&](const audit::Case& one) { return fails(section, c, one, flip); });
    };
    if (any(candidate.flips, true) || any(candidate.at_risk, false)) return true;
  }
  return false;
}

}  // namespace assay::report
