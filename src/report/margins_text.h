// How near the decisions of a candidate are to flipping, in words (docs/margins.md).
#pragma once
#include <string>
#include <vector>

#include "audit/audit.h"

namespace assay::report {

/// A table of the candidates, whose names stand in `names`; empty where the audit has no forecast.
std::string margins_text(const std::vector<std::string>& names, const audit::AuditResult& audit);
/// "3.1 flips expected in 10,000 more samples (95 %: 1.2 to 7.5)".
std::string expectation_text(const audit::Expectation& expectation);
/// Whose flips are foretold, where the verdict counts others: those that flip under every variant. Else "".
std::string foretold_text(const audit::CandidateResult& candidate);
/// "no bound beyond Resize 'up': interpolation has no rule"; empty where nothing stops it.
std::string stops_text(const audit::Proof& proof);
/// "9,500 of 10,000 decisions cannot flip"; empty where no proof was asked for.
std::string proof_text(const audit::Proof& proof);

}  // namespace assay::report
