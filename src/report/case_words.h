// A changed decision in words; shared by the reports for machines and for pull requests.
#pragma once
#include <functional>
#include <string>

#include "audit/audit.h"

namespace assay::report {

/// "sample 1234: negative -> positive under every variant of coreml-nn-gpu".
std::string case_words(const audit::AuditResult& audit, const audit::CandidateResult& candidate,
                       const audit::Case& one);
/// "score 0.49995, here 0.5; margin 0.21 ULP of float16; output rounding alone explains it".
std::string case_numbers(const audit::AuditResult& audit, const audit::CandidateResult& candidate,
                         const audit::Case& one);
/// "keeping Conv 'stem' in float32 undoes it"; empty where blame was not searched or found nothing.
std::string blame_words(const audit::CandidateResult& candidate, const audit::Case& one);
/// Flips, then samples at risk, each ascending by sample.
void for_each_case(const audit::CandidateResult& candidate,
                   const std::function<void(const audit::Case& one, bool flip)>& body);

}  // namespace assay::report
