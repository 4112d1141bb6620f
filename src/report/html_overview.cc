// The verdict of an audit at a glance.
#include <fmt/format.h>

#include <algorithm>

#include "report/html_parts.h"
#include "report/trace_text.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using audit::AuditResult;
using audit::CandidateResult;

// "2 of 6 programs flip decisions": the verdict of a whole audit in one sentence.
std::string lead(const AuditResult& audit) {
  size_t flip = 0, risk = 0, most = 0;
  for (const CandidateResult& c : audit.candidates) {
    most = std::max(most, c.flips.size());
    if (!c.flips.empty()) {
      ++flip;
    } else if (!c.at_risk.empty()) {
      ++risk;
    }
  }
  const size_t n = audit.candidates.size();
  if (flip == 0 && risk == 0) return fmt::format("Every decision is the same under {}.", how_many(n, "candidate"));
  std::string out;
  if (flip > 0)
    out = fmt::format("{} of {} {} otherwise, on up to {} of {}.", flip, how_many(n, "candidate"),
                      flip == 1 ? "decides" : "decide", grouped(most), how_many(audit.samples, "sample"));
  if (risk > 0)
    out += fmt::format("{}{} {} decisions at risk.", out.empty() ? "" : " ", risk,
                       risk == 1 ? "candidate has" : "candidates have");
  return out;
}

std::string card(const AuditResult& audit, const CandidateResult& c) {
  const audit::Differences d = audit::together(c.primary().differences);
  const char* kind = !c.flips.empty() ? "flip" : !c.at_risk.empty() ? "risk" : "";
  const auto explained = std::count_if(c.flips.begin(), c.flips.end(),
                                       [](const audit::Case& f) { return f.explained_by_output_rounding; });
  std::string out = fmt::format(
      "<div class=\"card {}\"><div class=\"name\">{}{}</div><div class=\"big\">{}</div>", kind, escape(c.info.program),
      c.info.emulated ? " <span class=\"tag\">emulated</span>" : " <span class=\"tag\">recorded</span>",
      verdict_text(c));
  out += fmt::format("<div class=\"small soft\">safe {} &#183; at risk {} &#183; flips {} of {}</div><dl>",
                     grouped(c.safe), grouped(c.at_risk.size()), grouped(c.flips.size()), grouped(audit.samples));
  if (!c.flips.empty())
    out += fmt::format("<dt>explained by rounding</dt><dd>{} of {}</dd>", explained, c.flips.size());
  if (audit.labels) {
    const auto now = audit::metrics_of(c.primary().tally, audit.rule.kind).accuracy;
    const auto before = audit::metrics_of(audit.reference_tally, audit.rule.kind).accuracy;
    out +=
        fmt::format("<dt>accuracy</dt><dd>{} <span class=\"faint\">was {}</span></dd>", percent(now), percent(before));
  }
  out += fmt::format(
      "<dt>largest difference</dt><dd>{}</dd><dt>outputs lie on</dt><dd>{}</dd><dt>variants run</dt><dd>{}</dd>",
      largest_text(d), escape(lattice_text(c.primary().lattice)), c.variants.size());
  if (c.primary().tally.non_finite + audit.reference_tally.non_finite > 0)
    out += fmt::format("<dt>samples with NaN or infinity</dt><dd>{} (reference {})</dd>",
                       grouped(c.primary().tally.non_finite), grouped(audit.reference_tally.non_finite));
  return out + "</dl></div>";
}

// Whether a converted model is the same in exact arithmetic.
std::string conversion(const CandidateResult& c) {
  if (!c.conversion) return "";
  const bool changed = c.conversion->outcome == audit::Conversion::Outcome::changed;
  return fmt::format("<p class=\"small\"><span class=\"mono\">{}</span>: {}{}</p>", escape(c.info.program),
                     escape(conversion_text(*c.conversion)),
                     changed ? " <span class=\"tag red\">another model</span>" : "");
}

std::string broken(const Section& section) {
  if (section.findings.empty()) return "";
  std::string out = "<ul class=\"breaks\">";
  for (const audit::Finding& finding : section.findings)
    out += "<li><b>" + escape(finding.rule) + "</b>: " + escape(finding.message) + "</li>";
  return out + "</ul>";
}
}  // namespace

std::string overview(const Section& section) {
  const AuditResult& audit = *section.audit;
  std::string out = broken(section) + "<p class=\"lead\">" + lead(audit) + "</p><div class=\"cards\">";
  for (const CandidateResult& c : audit.candidates) out += card(audit, c);
  out += "</div>";
  for (const CandidateResult& c : audit.candidates) out += conversion(c);
  if (!audit.labels) return out;
  out += "<h4>Confusion matrices</h4><div class=\"matrices\">" +
         confusion(audit, audit.reference, audit.reference_tally, nullptr);
  for (const CandidateResult& c : audit.candidates)
    out += confusion(audit, c.info, c.primary().tally, &audit.reference_tally);
  return out + "</div>";
}

std::string differences(const audit::AuditResult& audit) {
  std::string out =
      "<div class=\"scroll\"><table><tr><th>program</th><th>output</th><th class=\"r\">max |diff|</th><th "
      "class=\"r\">max relative</th><th class=\"r\">max ULP</th><th class=\"r\">equal</th><th>absolute differences by "
      "power of two</th></tr>";
  for (const audit::CandidateResult& c : audit.candidates) {
    for (const audit::Differences& d : c.primary().differences)
      out += fmt::format(
          "<tr><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td><td "
          "class=\"r\">{}{}</td><td class=\"r\">{:.1f}%</td><td>{}</td></tr>",
          escape(c.info.program), escape(d.output), short_number(d.max_abs), short_number(d.max_rel),
          grouped(d.max_ulp),
          d.nan_mismatches > 0
              ? fmt::format(" <span class=\"tag red\">{} NaN on one side</span>", grouped(d.nan_mismatches))
              : "",
          d.elements == 0 ? 100.0 : 100.0 * static_cast<double>(d.equal) / static_cast<double>(d.elements),
          spark(d.abs, ""));
  }
  return out + "</table></div>";
}

}  // namespace assay::report::html
