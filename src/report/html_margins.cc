// How near decisions are to flipping.
#include <fmt/format.h>

#include <map>

#include "report/html_parts.h"
#include "report/margins_text.h"
#include "report/words.h"

namespace assay::report::html {
namespace {

std::string forecast(const audit::AuditResult& audit, const audit::CandidateResult& c) {
  if (!c.forecast) return "";
  const audit::Forecast& f = *c.forecast;
  std::string out =
      fmt::format("<tr><td class=\"mono\">{}</td><td>{}</td><td class=\"r\">{}</td><td>{}</td>", escape(c.info.program),
                  spark(f.margin_in_errors, "errors"), grouped(f.unchanged), spark(f.error_ulp, "ULP"));
  const audit::Expectation expected = audit::expected_flips(f, audit.expect > 0 ? audit.expect : audit.samples);
  out += "<td>" + escape(expectation_text(expected));
  if (const std::string whose = foretold_text(c); !whose.empty())
    out += "<br><span class=\"soft\">" + escape(whose) + "</span>";
  out += "</td><td>";
  const std::string proof = proof_text(f.proof);
  out += proof.empty() ? "not asked for" : escape(proof);
  for (const auto& [operation, why] : f.proof.stops)
    out += fmt::format("<br><span class=\"soft\">stops at {}: {}</span>", escape(operation), escape(why));
  if (const auto& first = f.proof.first_unbounded)
    out += fmt::format("<br><span class=\"soft\">in sample {} no bound beyond {}: {}</span>", first->sample,
                       escape(first->operation), escape(first->why));
  return out + "</td></tr>";
}
}  // namespace

std::string margins(const audit::AuditResult& audit) {
  std::map<ir::ElemType, std::vector<const audit::CandidateResult*>> groups;
  for (const audit::CandidateResult& c : audit.candidates) groups[c.storage].push_back(&c);
  std::string out =
      "<p class=\"small soft\">How far the reference's scores stand from the boundary. Each bar doubles the distance; "
      "heights are logarithmic.</p>"
      "<div class=\"legend\"><span><i style=\"background:var(--bar)\"></i>samples</span><span><i "
      "style=\"background:var(--red)\"></i>flips</span>"
      "<span><i style=\"background:var(--band)\"></i>rounding interval</span></div>";
  for (const auto& [storage, like] : groups) out += margin_chart(audit, like);
  std::string rows;
  for (const audit::CandidateResult& c : audit.candidates) rows += forecast(audit, c);
  if (rows.empty()) return out;
  return out +
         "<h4>In units of the errors that are really made</h4><div class=\"scroll\"><table><thead><tr><th "
         "scope=\"col\">candidate</th><th scope=\"col\">margin over error</th><th scope=\"col\">unchanged</th><th "
         "scope=\"col\">error, ULP</th><th scope=\"col\">statistics: on more samples like these</th><th "
         "scope=\"col\">proof</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

}  // namespace assay::report::html
