#include "report/case_words.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/words.h"

namespace assay::report {
namespace {
constexpr size_t kMostNamed = 4;  // operations in one sentence
}

std::string case_words(const audit::AuditResult& audit, const audit::CandidateResult& c, const audit::Case& one) {
  const auto kind = audit.rule.kind;
  const bool all = one.variants.size() == c.variants.size();
  return fmt::format(
      "sample {}: {} under {} of {}", one.sample, change_text(one, kind),
      all ? std::string(c.variants.size() == 1 ? "the one variant" : "every variant") : join(one.variants, ", "),
      c.info.program);
}

std::string case_numbers(const audit::AuditResult& audit, const audit::CandidateResult& c, const audit::Case& one) {
  const std::string blame = blame_words(c, one);
  return fmt::format("score {}, here {}; margin {} ULP of {}; {}{}", score_text(one.reference_score, audit.score_type),
                     score_text(one.candidate_score, audit.score_type), ulp_text(one.margin_ulp),
                     ir::elem_name(c.storage),
                     one.explained_by_output_rounding ? "output rounding alone explains it"
                                                      : "the difference comes from inside the model",
                     blame.empty() ? "" : "; " + blame);
}

std::string blame_words(const audit::CandidateResult& candidate, const audit::Case& one) {
  if (!candidate.blame) return "";
  const auto& samples = candidate.blame->samples;
  const auto found = std::ranges::find(samples, one.sample, &audit::SampleBlame::sample);
  if (found == samples.end()) return "";
  const auto name = [&](size_t i) {
    const audit::BlamedOp& op = candidate.blame->ops[i];
    return op.type + " '" + called(op, candidate.blame->ops) + "'";
  };
  std::vector<std::string> names;
  const bool alone = !found->undo.empty();
  for (const size_t i : alone ? found->undo : found->smallest) {
    if (names.size() == kMostNamed) {
      names.emplace_back("...");
      break;
    }
    names.push_back(name(i));
  }
  if (names.empty()) return "";
  return "keeping " + join(names, alone ? " or " : " and ") + " in float32 undoes it";
}

void for_each_case(const audit::CandidateResult& candidate,
                   const std::function<void(const audit::Case& one, bool flip)>& body) {
  for (const audit::Case& one : candidate.flips) body(one, true);
  for (const audit::Case& one : candidate.at_risk) body(one, false);
}

}  // namespace assay::report
