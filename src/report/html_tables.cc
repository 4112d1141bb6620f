// Confusion matrices, flips and evidence.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using audit::Rule;

constexpr size_t kMostRows = 1000;  // of one table on the page; the JSON has all
constexpr int64_t kMostClasses = 16;

uint64_t cell(const audit::Tally& t, int64_t label, int64_t decision) {
  const auto it = t.cells.find({label, decision});
  return it == t.cells.end() ? 0 : it->second;
}

std::string delta(uint64_t now, uint64_t before) {
  if (now == before) return "";
  const bool more = now > before;
  return fmt::format("<span class=\"delta\">{}{}</span>", more ? "+" : "&#8722;",
                     grouped(more ? now - before : before - now));
}

std::string binary(const audit::Tally& t, const audit::Tally* against) {
  const auto one = [&](int64_t label, int64_t decision, const char* name) {
    const uint64_t n = cell(t, label, decision);
    return fmt::format("<div class=\"c {}\">{}<small>{} {}</small></div>", label == decision ? "good" : "bad",
                       grouped(n), name, against == nullptr ? "" : delta(n, cell(*against, label, decision)));
  };
  return "<div class=\"cm\"><div></div><div class=\"h\">says no</div><div class=\"h\">says yes</div><div "
         "class=\"v\">is no</div>" +
         one(0, 0, "TN") + one(0, 1, "FP") + "<div class=\"v\">is yes</div>" + one(1, 0, "FN") + one(1, 1, "TP") +
         "</div>";
}

std::string matrix(const audit::AuditResult& audit, const audit::Tally& t, const audit::Tally* against) {
  std::string out = "<div class=\"scroll\"><table><tr><th></th>";
  for (int64_t d = 0; d < audit.classes; ++d) out += fmt::format("<th class=\"r\">{}</th>", d);
  for (int64_t label = 0; label < audit.classes; ++label) {
    out += fmt::format("</tr><tr><th>{}</th>", label);
    for (int64_t d = 0; d < audit.classes; ++d) {
      const uint64_t n = cell(t, label, d);
      out += fmt::format("<td class=\"r\">{} {}</td>", grouped(n),
                         against == nullptr ? "" : delta(n, cell(*against, label, d)));
    }
  }
  return out + "</tr></table></div>";
}

std::string decisions(const audit::Case& one, Rule::Kind kind) {
  if (!one.change.empty()) return escape(one.change.words);
  return escape(decision_text(one.reference_decision, kind)) + " &#8594; " +
         escape(decision_text(one.candidate_decision, kind));
}

std::string case_row(const audit::AuditResult& audit, const audit::CandidateResult& c, const audit::Case& one,
                     bool flip) {
  const auto kind = audit.rule.kind;
  std::vector<std::string> names = one.variants;
  const bool all = names.size() == c.variants.size();
  return fmt::format(
      "<tr><td class=\"r\">{}</td><td class=\"r\">{}</td><td class=\"r mono\">{}</td><td class=\"r mono\">{}</td>"
      "<td class=\"n\">{}</td><td class=\"r\">{}</td><td "
      "class=\"r\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
      one.sample, one.label ? std::to_string(*one.label) : "&#8211;",
      escape(score_text(one.reference_score, audit.score_type)),
      escape(score_text(one.candidate_score, audit.score_type)), decisions(one, kind), ulp_text(one.margin_ulp),
      ulp_text(one.candidate_margin_ulp),
      one.explained_by_output_rounding ? "output rounding alone" : "inside the model",
      flip ? "<span class=\"tag red\">flips</span>" : "<span class=\"tag amber\">at risk</span>",
      all ? fmt::format("all {}", c.variants.size()) : escape(join(names, ", ")));
}

std::string line(const audit::EvidenceLine& e) {
  return fmt::format("<tr><td>{}{}</td><td class=\"soft\">{}</td><td><span class=\"tag\">{}</span></td></tr>",
                     escape(e.what), e.reason.empty() ? "" : "<br><span class=\"soft\">" + escape(e.reason) + "</span>",
                     escape(e.source), escape(e.certainty));
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
        short_number(d.max_abs), grouped(d.max_ulp));
    if (audit.labels)
      out += fmt::format("<td class=\"r\">{}</td>", percent(audit::metrics_of(v.tally, audit.rule.kind).accuracy));
    out += fmt::format("<td>{}</td></tr>", escape(lattice_text(v.lattice)));
  }
  return out + "</table></div>";
}
}  // namespace

std::string confusion(const audit::AuditResult& audit, const audit::ProgramInfo& info, const audit::Tally& tally,
                      const audit::Tally* against) {
  const audit::Metrics m = audit::metrics_of(tally, audit.rule.kind);
  std::string body;
  if (audit.rule.kind == Rule::Kind::threshold) {
    body = binary(tally, against);
  } else if (audit.rule.kind == Rule::Kind::argmax && audit.classes <= kMostClasses) {
    body = matrix(audit, tally, against);
  }
  std::string metrics = "accuracy " + percent(m.accuracy);
  if (m.precision) metrics += " &#183; precision " + percent(m.precision);
  if (m.recall) metrics += " &#183; recall " + percent(m.recall);
  if (m.f1) metrics += " &#183; F1 " + percent(m.f1);
  if (m.auc) metrics += fmt::format(" &#183; AUC {:.5f} &#177; {:.1g}", m.auc->value, m.auc->bound);
  return fmt::format("<figure><figcaption>{}{}</figcaption>{}<div class=\"metrics\">{}</div></figure>",
                     escape(info.program), against == nullptr ? "<span class=\"tag\">reference</span>" : "", body,
                     metrics);
}

std::string cases(const audit::AuditResult& audit, const audit::CandidateResult& c) {
  const size_t total = c.flips.size() + c.at_risk.size();
  if (total == 0) return "";
  std::vector<std::pair<const audit::Case*, bool>> rows;
  for (const audit::Case& one : c.flips) rows.emplace_back(&one, true);
  for (const audit::Case& one : c.at_risk) rows.emplace_back(&one, false);
  std::string out = fmt::format(
      "<h4><span class=\"mono\">{}</span> <span class=\"soft small\">margins in ULPs of {}</span></h4><div "
      "class=\"tall scroll\"><table><tr><th class=\"r\">sample</th><th "
      "class=\"r\">label</th>"
      "<th class=\"r\">reference score</th><th class=\"r\">score here</th><th>decision</th><th class=\"r\">margin</th>"
      "<th class=\"r\">margin here</th><th>explained by</th><th>verdict</th><th>variants</th></tr>",
      escape(c.info.program), ir::elem_name(c.storage));
  for (size_t i = 0; i < rows.size() && i < kMostRows; ++i) out += case_row(audit, c, *rows[i].first, rows[i].second);
  out += "</table></div>";
  if (rows.size() > kMostRows)
    out += fmt::format("<p class=\"small soft\">and {} more: the JSON has all.</p>", grouped(rows.size() - kMostRows));
  return out;
}

std::string evidence(const audit::AuditResult& audit, const audit::CandidateResult& c) {
  std::string out = fmt::format(
      "<details><summary><span class=\"mono\">{}</span> <span class=\"soft small\">{} statements, {} not modelled, {} "
      "variants</span></summary>",
      escape(c.info.program), c.evidence.size(), c.not_modelled.size(), c.variants.size());
  if (c.info.recording) out += recording(*c.info.recording);
  out += "<h4>Variants</h4>" + variants_table(audit, c);
  if (!c.evidence.empty()) {
    out +=
        "<h4>What the profile states</h4><div class=\"scroll\"><table><tr><th>statement</th><th>known "
        "from</th><th>certainty</th></tr>";
    for (const audit::EvidenceLine& e : c.evidence) out += line(e);
    out += "</table></div>";
  }
  if (!c.not_modelled.empty()) {
    out +=
        "<h4>Not modelled</h4><div class=\"scroll\"><table><tr><th>what, and why</th><th>known "
        "from</th><th>certainty</th></tr>";
    for (const audit::EvidenceLine& e : c.not_modelled) out += line(e);
    out += "</table></div>";
  }
  return out + "</details>";
}

}  // namespace assay::report::html
