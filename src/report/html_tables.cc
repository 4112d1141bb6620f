// Confusion matrices.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {
using audit::Rule;

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

}  // namespace assay::report::html
