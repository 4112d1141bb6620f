// What profiles state and do not model, variants, and where recordings come from.
#include <fmt/format.h>

#include <set>

#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
std::string line(const audit::EvidenceLine& e) {
  return fmt::format(
      "<tr data-certainty=\"{}\"><td>{}{}</td><td class=\"soft\">{}</td><td><span class=\"tag\">{}</span></td></tr>",
      escape(e.certainty), escape(e.what),
      e.reason.empty() ? "" : "<br><span class=\"soft\">" + escape(e.reason) + "</span>", escape(e.source),
      escape(e.certainty));
}

std::string row(const std::string& name, const std::string& text) {
  return fmt::format("<tr><td>{}</td><td class=\"mono\">{}</td></tr>", escape(name), escape(text));
}

std::string recording(const backends::Recording& recording) {
  std::string out = "<h4>Where it was recorded</h4><div class=\"scroll\"><table>";
  for (const auto& [name, text] : recording.facts) out += row(name, text);
  for (const auto& [name, text] : recording.options) out += row("option " + name, text);
  return out + "</table></div>";
}

std::string variants_table(const audit::AuditResult& audit, const audit::CandidateResult& c) {
  std::string out =
      "<div class=\"scroll\"><table><tr><th>variant</th><th class=\"r\">decides otherwise</th><th class=\"r\">max "
      "|diff|</th><th class=\"r\">max ULP</th>";
  if (audit.labels) out += "<th class=\"r\">accuracy</th>";
  out += "<th>outputs lie on</th></tr>";
  for (const audit::VariantResult& v : c.variants) {
    const audit::Differences d = audit::together(v.differences);
    out += fmt::format(
        "<tr><td class=\"mono\">{}{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td><td class=\"r\">{}</td>",
        escape(v.name), &v == &c.variants.front() ? " <span class=\"tag\">primary</span>" : "", grouped(v.differs),
        largest_text(d), largest_ulp_text(d));
    if (audit.labels)
      out += fmt::format("<td class=\"r\">{}</td>", percent(audit::metrics_of(v.tally, audit.rule.kind).accuracy));
    out += fmt::format("<td>{}</td></tr>", escape(lattice_text(v.lattice)));
  }
  return out + "</table></div>";
}
std::string candidate(const audit::AuditResult& audit, const audit::CandidateResult& c) {
  std::string out = fmt::format(
      "<details open><summary><span class=\"mono\">{}</span> <span class=\"soft small\">{} statements, {} not "
      "modelled, {} "
      "variants</span></summary>",
      escape(c.info.program), c.evidence.size(), c.not_modelled.size(), c.variants.size());
  if (c.info.recording) out += recording(*c.info.recording);
  out += "<h4>Variants</h4>" + variants_table(audit, c);
  if (!c.evidence.empty()) {
    out +=
        "<h4>What the profile states</h4><div class=\"scroll\"><table "
        "class=\"statements\"><thead><tr><th>statement</th><th>known "
        "from</th><th>certainty</th></tr></thead><tbody>";
    for (const audit::EvidenceLine& e : c.evidence) out += line(e);
    out += "</tbody></table></div>";
  }
  if (!c.not_modelled.empty()) {
    out +=
        "<h4>Not modelled</h4><div class=\"scroll\"><table class=\"statements\"><thead><tr><th>what, and "
        "why</th><th>known "
        "from</th><th>certainty</th></tr></thead><tbody>";
    for (const audit::EvidenceLine& e : c.not_modelled) out += line(e);
    out += "</tbody></table></div>";
  }
  return out + "</details>";
}

std::vector<std::string> certainties(const audit::AuditResult& audit) {
  std::set<std::string> out;
  for (const audit::CandidateResult& c : audit.candidates) {
    for (const audit::EvidenceLine& e : c.evidence) out.insert(e.certainty);
    for (const audit::EvidenceLine& e : c.not_modelled) out.insert(e.certainty);
  }
  return {out.begin(), out.end()};
}
}  // namespace

std::string evidence(const audit::AuditResult& audit) {
  std::string out = filters("Filter statements", "statements", {{"certainty", "certainty", certainties(audit)}});
  if (audit.reference.recording)
    out += fmt::format("<p class=\"small soft\">The reference was recorded with {}.</p>",
                       escape(recording_text(*audit.reference.recording)));
  for (const audit::CandidateResult& c : audit.candidates) out += candidate(audit, c);
  return out;
}

}  // namespace assay::report::html
