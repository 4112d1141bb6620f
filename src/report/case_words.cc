#include "report/case_words.h"

#include <fmt/format.h>

#include "base/text.h"
#include "report/words.h"

namespace assay::report {

std::string case_words(const audit::AuditResult& audit, const audit::CandidateResult& c, const audit::Case& one) {
  const auto kind = audit.rule.kind;
  const bool all = one.variants.size() == c.variants.size();
  return fmt::format(
      "sample {}: {} under {} of {}", one.sample, change_text(one, kind),
      all ? std::string(c.variants.size() == 1 ? "the one variant" : "every variant") : join(one.variants, ", "),
      c.info.program);
}

std::string case_numbers(const audit::AuditResult& audit, const audit::CandidateResult& c, const audit::Case& one) {
  return fmt::format("score {}, here {}; margin {} ULP of {}; {}", score_text(one.reference_score, audit.score_type),
                     score_text(one.candidate_score, audit.score_type), ulp_text(one.margin_ulp),
                     ir::elem_name(c.storage),
                     one.explained_by_output_rounding ? "output rounding alone explains it"
                                                      : "the difference comes from inside the model");
}

void for_each_case(const audit::CandidateResult& candidate,
                   const std::function<void(const audit::Case& one, bool flip)>& body) {
  for (const audit::Case& one : candidate.flips) body(one, true);
  for (const audit::Case& one : candidate.at_risk) body(one, false);
}

}  // namespace assay::report
