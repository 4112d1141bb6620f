// Commands that find the same again.
#include <fmt/format.h>

#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {

std::string audit_command(const Section& section) {
  if (!section.command.empty()) return section.command;
  const audit::AuditResult& audit = *section.audit;
  std::string out = "assay audit MODEL --data DATA --decision " + shell_word(audit.rule.text()) + " --score " +
                    shell_word(audit.score) + " --reference " + shell_word(audit.reference.program);
  for (const audit::CandidateResult& c : audit.candidates) out += " --candidate " + shell_word(c.info.program);
  if (audit.labels) out += " --labels LABELS";
  if (audit.first_sample > 0) out += " --first-sample " + std::to_string(audit.first_sample);
  return out;
}

std::string command(const std::string& what, const std::string& words) {
  return fmt::format("<p>{}</p><pre tabindex=\"0\"><code>{}</code></pre>", what, escape(words));
}
}  // namespace

std::string reproduce(const Section& section) {
  const std::string model =
      section.model.empty() || section.model.ends_with(".json") ? "MODEL" : shell_word(section.model);
  std::string out = command("This audit:", audit_command(section));
  for (const audit::CandidateResult& c : section.audit->candidates) {
    if (c.info.profile.empty()) continue;
    const std::string name = escape(c.info.profile);
    out += command("What the profile <code>" + name + "</code> states, and from where:",
                   "assay profiles show " + shell_word(c.info.profile));
    if (c.info.emulated)
      out +=
          command("The program that it makes of the model, as plain ONNX for any other runtime:",
                  "assay inspect " + model + " --profile " + shell_word(c.info.profile) + " --emit-onnx resolved.onnx");
  }
  out += "<p class=\"small soft\">Model identity <code>" + escape(section.audit->reference.identity) +
         "</code>. Results are the same bits on every machine, for any number of threads.</p>";
  return out;
}

}  // namespace assay::report::html
