#include "report/html.h"

#include <fmt/format.h>

#include "base/sha256.h"
#include "report/base64.h"
#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::AuditResult;
using audit::CandidateResult;

const char* colour(const CandidateResult& c) {
  return !c.flips.empty() ? "red" : !c.at_risk.empty() ? "amber" : "green";
}

std::string section(const Section& s, size_t index) {
  const AuditResult& audit = *s.audit;
  const std::string prefix = fmt::format("audit-{}", index);
  return fmt::format("<section id=\"{}\"><h2>{}</h2><p class=\"soft\">{}{}{}; reference <code>{}</code></p>", prefix,
                     html::escape(s.title), html::escape(s.subtitle), s.subtitle.empty() ? "" : ": ",
                     html::escape(rule_text(audit)), html::escape(audit.reference.program)) +
         html::tabs(prefix, "Parts of " + s.title,
                    {{"overview", "Overview", html::overview(s)},
                     {"decisions", "Decisions that change", html::cases(s)},
                     {"margins", "Margins", html::margins(audit)},
                     {"operations", "Operations", html::operations(s, prefix)},
                     {"blame", "Blame", html::blame(audit)},
                     {"repair", "Repair", html::repairs(s)},
                     {"differences", "Differences of outputs", html::differences(audit)},
                     {"evidence", "Evidence", html::evidence(audit)},
                     {"again", "Run it again", html::reproduce(s)}}) +
         "</section>";
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

// Nothing is loaded, sent or embedded, and no script runs but ours.
std::string policy() {
  Sha256 hash;
  hash.add(html::script());
  const Sha256::Digest digest = hash.digest();
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-" + to_base64(bytes) +
         "'; base-uri 'none'; form-action 'none'";
}

std::string head() {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
         "content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\"><meta "
         "http-equiv=\"Content-Security-Policy\" content=\"" +
         policy() + "\"><title>Assay report</title><style>" + std::string(html::style()) +
         "</style></head><body><a class=\"skip\" href=\"#main\">To the audits</a>";
}
}  // namespace

std::string to_html(std::span<const Section> sections, const std::string& version) {
  std::string out = head();
  out +=
      "<header><div class=\"brand\">ASSAY</div><h1>Does it decide differently where it will run?</h1>"
      "<p class=\"soft\">Every verdict stands beside the numbers that it rests on. A decision is <b>safe</b> when "
      "every variant of the candidate decides as the reference does, "
      "<b>flips</b> when every variant decides otherwise, and is <b>at risk</b> when they disagree.</p>";
  out += contents(sections) + "</header><main id=\"main\">";
  for (size_t i = 0; i < sections.size(); ++i) out += section(sections[i], i);
  out += fmt::format(
      "</main><footer><p>Assay {}. Programs tagged <i>emulated</i> were computed by Assay's engine from what their "
      "profile states; they are not the device. "
      "What a profile does not model is listed under Evidence.</p></footer><script>{}</script></body></html>\n",
      html::escape(version), html::script());
  return out;
}

}  // namespace assay::report
