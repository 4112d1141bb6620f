// Commands that find the same again. What is not known is left to the reader, in capitals.
#include <fmt/format.h>

#include <algorithm>

#include "report/html_parts.h"
#include "report/words.h"

namespace assay::report::html {
namespace {

/// A program as reports call it, "FILE@PROGRAM keeping a, b", in its parts.
struct Words {
  std::string file{}, program{};
  std::vector<std::string> kept{};
};

std::vector<std::string> listed(const std::string& names) {
  std::vector<std::string> out;
  for (size_t at = 0; at <= names.size();) {
    const size_t end = std::min(names.find(", ", at), names.size());
    out.push_back(names.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

Words words_of(const std::string& name) {
  constexpr std::string_view kKeeping = " keeping ";
  const size_t keeping = name.find(kKeeping);
  const std::string program = name.substr(0, keeping);
  const size_t at = program.rfind('@');
  Words out{.file = at == std::string::npos ? "" : program.substr(0, at), .program = program.substr(at + 1)};
  if (keeping == std::string::npos) return out;
  const std::string names = name.substr(keeping + kKeeping.size());
  // More than a few are counted: "12 operations (0123abcd)".
  out.kept = names.find(" operations (") != std::string::npos ? std::vector<std::string>{"OPERATIONS"} : listed(names);
  return out;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string flags(const char* name, const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += std::string(" ") + name + " " + shell_word(value);
  return out;
}

/// The files that a profile may be in; none for one that is built in.
std::string files_of(const Section& section, const std::string& profile) {
  if (has(section.again.built_in, profile)) return "";
  const std::vector<std::string>& files = section.again.profile_files;
  return flags("--profile-file", files.empty() ? std::vector<std::string>{"PROFILE.toml"} : files);
}

bool needs_file(const Section& section, const audit::CandidateResult& candidate) {
  return !candidate.info.profile.empty() && !has(section.again.built_in, candidate.info.profile);
}

std::string audit_command(const Section& section) {
  if (!section.command.empty()) return section.command;
  const audit::AuditResult& audit = *section.audit;
  std::string out = "assay audit MODEL --data DATA --decision " + shell_word(audit.rule.text()) + " --score " +
                    shell_word(audit.score) + " --reference " + shell_word(audit.reference.program);
  std::vector<std::string> kept = section.again.kept;
  for (const audit::CandidateResult& c : audit.candidates) {
    Words words = words_of(c.info.program);
    const std::string whole = words.file.empty() ? words.program : words.file + "@" + words.program;
    out += " --candidate " + shell_word(whole);
    if (kept.empty()) kept = std::move(words.kept);  // every candidate keeps the same
  }
  const auto own = [&](const audit::CandidateResult& c) { return needs_file(section, c); };
  if (const auto c = std::ranges::find_if(audit.candidates, own); c != audit.candidates.end())
    out += files_of(section, c->info.profile);
  out += flags("--keep", kept);
  if (audit.labels) out += " --labels LABELS";
  if (audit.first_sample > 0) out += " --first-sample " + std::to_string(audit.first_sample);
  return out;
}

std::string command(const std::string& what, const std::string& words) {
  return fmt::format("<p>{}</p><pre tabindex=\"0\"><code>{}</code></pre>", what, escape(words));
}

/// Not of what keeps operations in float32: `inspect` shows what a profile makes of all of them.
std::string program_command(const Section& section, const audit::CandidateResult& candidate) {
  const Words words = words_of(candidate.info.program);
  if (!candidate.info.emulated || !words.kept.empty()) return "";
  std::string model = words.file.empty() ? section.model : words.file;
  model = model.empty() || model.ends_with(".json") ? "MODEL" : shell_word(model);
  const bool provider = words.program != candidate.info.profile;
  const std::string inspect = "assay inspect " + model + (provider ? " --provider " : " --profile ") +
                              shell_word(words.program) + files_of(section, candidate.info.profile);
  if (has(section.again.as_onnx, candidate.info.profile))
    return command("The program that it makes of the model, as plain ONNX for any other runtime:",
                   inspect + " --emit-onnx resolved.onnx");
  return command("The program that it makes of the model:", inspect + " --full");
}
}  // namespace

std::string reproduce(const Section& section) {
  std::string out = command("This audit:", audit_command(section));
  for (const audit::CandidateResult& c : section.audit->candidates) {
    if (c.info.profile.empty()) continue;
    out += command("What the profile <code>" + escape(c.info.profile) + "</code> states, and from where:",
                   "assay profiles show " + shell_word(c.info.profile) + files_of(section, c.info.profile));
    out += program_command(section, c);
  }
  out += "<p class=\"small soft\">Model identity <code>" + escape(section.audit->reference.identity) +
         "</code>. Results are the same bits on every machine, for any number of threads.</p>";
  return out;
}

}  // namespace assay::report::html
