// How near the decisions of a candidate are to flipping, in words (docs/margins.md).
#pragma once
#include <string>

#include "audit/audit.h"

namespace assay::report {

/// Lines without the candidate's name; none where the audit has no forecast. `name` starts each line.
std::string margins_text(const std::string& name, const audit::CandidateResult& candidate,
                         const audit::AuditResult& audit);
/// "3.1 flips expected in 10,000 more samples (95 %: 1.2 to 7.5)".
std::string expectation_text(const audit::Expectation& expectation);
/// "9,500 of 10,000 decisions cannot flip"; empty where no proof was asked for.
std::string proof_text(const audit::Proof& proof);

}  // namespace assay::report
