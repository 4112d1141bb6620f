// Decisions that change.
#include <fmt/format.h>

#include "base/text.h"
#include "report/case_words.h"
#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using audit::AuditResult;
using audit::CandidateResult;

constexpr size_t kMostRows = 1000;  // of one candidate; the JSON has all

std::string decisions(const audit::Case& one, audit::Rule::Kind kind) {
  if (!one.change.empty()) return escape(one.change.words);
  return escape(decision_text(one.reference_decision, kind)) + " &#8594; " +
         escape(decision_text(one.candidate_decision, kind));
}

std::string picture(const Section& section, const audit::Case& one) {
  if (section.pictures.empty()) return "";
  const auto found = section.pictures.find(one.sample);
  if (found == section.pictures.end()) return "<td></td>";
  return fmt::format("<td><img src=\"{}\" alt=\"sample {}\" width=\"64\"></td>", found->second, one.sample);
}

std::string explained(const audit::Case& one) {
  return one.explained_by_output_rounding ? "output rounding alone" : "inside the model";
}

std::string row(const Section& section, size_t c, const audit::Case& one, bool flip) {
  const AuditResult& audit = *section.audit;
  const CandidateResult& candidate = audit.candidates[c];
  const std::string allowed = flip && !section.allowed.empty() && !fails(section, c, one, flip) ? ", allowed" : "";
  return fmt::format(
      "<tr data-candidate=\"{}\" data-verdict=\"{}\" data-explained=\"{}\">{}<td class=\"r\">{}</td><td "
      "class=\"mono\">{}</td><td class=\"r\">{}</td><td class=\"r mono\">{}</td><td class=\"r mono\">{}</td><td "
      "class=\"n\">{}</td><td class=\"n\"><span class=\"tag {}\">{}{}</span></td><td class=\"r\">{} {}</td><td "
      "class=\"r\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
      escape(candidate.info.program), flip ? "flips" : "at risk", explained(one), picture(section, one), one.sample,
      escape(candidate.info.program), one.label ? std::to_string(*one.label) : "&#8211;",
      escape(score_text(one.reference_score, audit.score_type)),
      escape(score_text(one.candidate_score, audit.score_type)), decisions(one, audit.rule.kind),
      flip ? "red" : "amber", flip ? "flips" : "at risk", allowed, ulp_text(one.margin_ulp),
      ir::elem_name(candidate.storage), ulp_text(one.candidate_margin_ulp), explained(one),
      one.variants.size() == candidate.variants.size() ? fmt::format("all {}", candidate.variants.size())
                                                       : escape(join(one.variants, ", ")));
}
}  // namespace

std::string cases(const Section& section) {
  std::string rows;
  std::vector<std::string> names;
  size_t more = 0;
  for (size_t c = 0; c < section.audit->candidates.size(); ++c) {
    size_t listed = 0;
    for_each_case(section.audit->candidates[c], [&](const audit::Case& one, bool flip) {
      if (listed++ < kMostRows)
        rows += row(section, c, one, flip);
      else
        ++more;
    });
    if (listed > 0) names.push_back(section.audit->candidates[c].info.program);
  }
  if (rows.empty()) return "<p class=\"soft\">None.</p>";
  std::string out = filters("Filter decisions", "cases",
                            {{"candidate", "candidate", names},
                             {"verdict", "verdict", {"flips", "at risk"}},
                             {"explained", "explained by", {"output rounding alone", "inside the model"}}});
  out +=
      "<div class=\"tall scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Decisions that change\"><table "
      "class=\"cases\"><thead><tr>";
  if (!section.pictures.empty()) out += "<th scope=\"col\">image</th>";
  for (const char* name : {"sample", "candidate", "label", "reference score", "score here", "decision", "verdict",
                           "margin, ULP", "margin here", "explained by", "variants"})
    out += fmt::format("<th scope=\"col\">{}</th>", name);
  out += "</tr></thead><tbody>" + rows + "</tbody></table></div>";
  if (more > 0) out += fmt::format("<p class=\"small soft\">and {} more: the JSON has all.</p>", grouped(more));
  if (!section.pictures.empty())
    out += "<p class=\"small soft\">Images are scaled from the least to the largest value of each.</p>";
  return out;
}

}  // namespace assay::report::html
