#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::AuditResult;
using audit::CandidateResult;

const char* colour(const CandidateResult& c) {
  return !c.flips.empty() ? "red" : !c.at_risk.empty() ? "amber" : "green";
}

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
  if (flip == 0 && risk == 0)
    return fmt::format("Every decision is the same under {} {}.", n, n == 1 ? "candidate" : "candidates");
  std::string out;
  if (flip > 0)
    out = fmt::format("{} of {} {} decide otherwise, on up to {} of {} samples.", flip, n,
                      n == 1 ? "candidate" : "candidates", grouped(most), grouped(audit.samples));
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
  std::string out =
      fmt::format("<div class=\"card {}\"><div class=\"name\">{}{}</div><div class=\"big\">{}</div>", kind,
                  html::escape(c.info.program),
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
      short_number(d.max_abs), html::escape(lattice_text(c.primary().lattice)), c.variants.size());
  if (c.primary().tally.non_finite + audit.reference_tally.non_finite > 0)
    out += fmt::format("<dt>samples with NaN or infinity</dt><dd>{} (reference {})</dd>",
                       grouped(c.primary().tally.non_finite), grouped(audit.reference_tally.non_finite));
  return out + "</dl></div>";
}

std::string differences(const AuditResult& audit) {
  std::string out =
      "<div class=\"scroll\"><table><tr><th>program</th><th>output</th><th class=\"r\">max |diff|</th><th "
      "class=\"r\">max relative</th><th class=\"r\">max ULP</th><th class=\"r\">equal</th><th>absolute differences by "
      "power of two</th></tr>";
  for (const CandidateResult& c : audit.candidates) {
    for (const audit::Differences& d : c.primary().differences)
      out += fmt::format(
          "<tr><td class=\"mono\">{}</td><td class=\"mono\">{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td><td "
          "class=\"r\">{}{}</td><td class=\"r\">{:.1f}%</td><td>{}</td></tr>",
          html::escape(c.info.program), html::escape(d.output), short_number(d.max_abs), short_number(d.max_rel),
          grouped(d.max_ulp),
          d.nan_mismatches > 0
              ? fmt::format(" <span class=\"tag red\">{} NaN on one side</span>", grouped(d.nan_mismatches))
              : "",
          d.elements == 0 ? 100.0 : 100.0 * static_cast<double>(d.equal) / static_cast<double>(d.elements),
          html::spark(d.abs, ""));
  }
  return out + "</table></div>";
}

std::string margins(const AuditResult& audit) {
  std::map<ir::ElemType, std::vector<const CandidateResult*>> groups;
  for (const CandidateResult& c : audit.candidates) groups[c.storage].push_back(&c);
  std::string out =
      "<p class=\"small soft\">How far the reference's scores stand from the boundary. Each bar doubles the distance; "
      "heights are logarithmic.</p>"
      "<div class=\"legend\"><span><i style=\"background:var(--bar)\"></i>samples</span><span><i "
      "style=\"background:var(--red)\"></i>flips</span>"
      "<span><i style=\"background:var(--band)\"></i>rounding interval</span></div>";
  for (const auto& [storage, like] : groups) out += html::margin_chart(audit, like);
  return out;
}

std::string section(const Section& s, size_t index) {
  const AuditResult& audit = *s.audit;
  std::string out =
      fmt::format("<section id=\"audit-{}\"><h2>{}</h2><p class=\"soft\">{}{}{}; reference <code>{}</code></p>", index,
                  html::escape(s.title), html::escape(s.subtitle), s.subtitle.empty() ? "" : ": ",
                  html::escape(rule_text(audit)), html::escape(audit.reference.program));
  out += "<p class=\"lead\">" + lead(audit) + "</p><div class=\"cards\">";
  for (const CandidateResult& c : audit.candidates) out += card(audit, c);
  out += "</div>";
  if (audit.labels) {
    out += "<h3>Confusion matrices</h3><div class=\"matrices\">" +
           html::confusion(audit, audit.reference, audit.reference_tally, nullptr);
    for (const CandidateResult& c : audit.candidates)
      out += html::confusion(audit, c.info, c.primary().tally, &audit.reference_tally);
    out += "</div>";
  }
  std::string cases;
  for (const CandidateResult& c : audit.candidates) cases += html::cases(audit, c);
  out += "<h3>Decisions that change</h3>" + (cases.empty() ? "<p class=\"soft\">None.</p>" : cases);
  out += "<h3>Margins</h3>" + margins(audit);
  out += "<h3>Differences of outputs</h3>" + differences(audit);
  out += "<h3>Evidence</h3>";
  if (audit.reference.recording)
    out += fmt::format("<p class=\"small soft\">The reference was recorded with {}.</p>",
                       html::escape(recording_text(*audit.reference.recording)));
  for (const CandidateResult& c : audit.candidates) out += html::evidence(audit, c);
  return out + "</section>";
}

std::string contents(std::span<const Section> sections) {
  if (sections.size() < 2) return "";
  std::string out = "<nav class=\"toc\">";
  for (size_t i = 0; i < sections.size(); ++i) {
    out += fmt::format("<a href=\"#audit-{}\"><b>{}</b><span>", i, html::escape(sections[i].title));
    for (const CandidateResult& c : sections[i].audit->candidates)
      out += fmt::format("<i class=\"tag {}\" title=\"{}\">{}</i> ", colour(c), html::escape(c.info.program),
                         verdict_text(c));
    out += "</span></a>";
  }
  return out + "</nav>";
}
}  // namespace

std::string to_html(std::span<const Section> sections, const std::string& version) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">"
      "<meta name=\"color-scheme\" content=\"light dark\"><meta http-equiv=\"Content-Security-Policy\" "
      "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
      "<title>Assay report</title><style>";
  out += html::style();
  out +=
      "</style></head><body><header><div class=\"brand\">ASSAY</div><h1>Does it decide differently where it will "
      "run?</h1>"
      "<p class=\"soft\">Every verdict stands beside the numbers that it rests on. A decision is <b>safe</b> when "
      "every variant of the candidate decides as the reference does, "
      "<b>flips</b> when every variant decides otherwise, and is <b>at risk</b> when they disagree.</p>";
  out += contents(sections) + "</header><main>";
  for (size_t i = 0; i < sections.size(); ++i) out += section(sections[i], i);
  out += fmt::format(
      "</main><footer><p>Assay {}. Programs tagged <i>emulated</i> were computed by Assay's engine from what their "
      "profile states; they are not the device. "
      "What a profile does not model is listed under Evidence.</p></footer></body></html>\n",
      html::escape(version));
  return out;
}

}  // namespace assay::report
