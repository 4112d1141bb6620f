#include "report/markdown.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/bidi.h"
#include "report/case_words.h"
#include "report/words.h"

namespace assay::report {
namespace {
constexpr size_t kMostCases = 20;  // listed of each candidate
constexpr size_t kMostOperations = 5;
constexpr size_t kMostText = 58'000;  // bytes
constexpr size_t kMostName = 160;

std::string row(const std::vector<std::string>& cells) { return "| " + join(cells, " | ") + " |\n"; }

std::string heading(const std::vector<std::string>& cells, size_t words) {
  std::string out = row(cells) + "|";
  for (size_t i = 0; i < cells.size(); ++i) out += i < words ? "---|" : "---:|";
  return out + "\n";
}

// The mark of a verdict is a word beside it, so that no reader depends on a picture.
const char* mark(const Section& section, size_t c) {
  const audit::CandidateResult& candidate = section.audit->candidates[c];
  bool failing = false;
  for_each_case(candidate,
                [&](const audit::Case& one, bool flip) { failing = failing || fails(section, c, one, flip); });
  if (failing) return "❌ ";
  return candidate.flips.empty() && candidate.at_risk.empty() ? "✅ " : "⚠️ ";
}

std::string table(const Section& section) {
  const audit::AuditResult& audit = *section.audit;
  std::vector<std::string> cells = {"candidate", "verdict", "safe", "at risk", "flips", "max \\|diff\\|", "max ULP"};
  if (audit.labels) cells.emplace_back("accuracy");
  std::string out = heading(cells, 2);
  for (size_t c = 0; c < audit.candidates.size(); ++c) {
    const audit::CandidateResult& candidate = audit.candidates[c];
    const audit::Differences d = audit::together(candidate.primary().differences);
    cells = {markdown_code(candidate.info.program) + (candidate.info.emulated ? " (emulated)" : ""),
             mark(section, c) + verdict_text(candidate),
             grouped(candidate.safe),
             grouped(candidate.at_risk.size()),
             grouped(candidate.flips.size()),
             largest_text(d),
             largest_ulp_text(d)};
    if (audit.labels) {
      const auto accuracy = [&](const audit::Tally& tally) {
        return percent(audit::metrics_of(tally, audit.rule.kind).accuracy);
      };
      cells.push_back(accuracy(candidate.primary().tally) + " (was " + accuracy(audit.reference_tally) + ")");
    }
    out += row(cells);
  }
  return out;
}

std::string cases(const Section& section, size_t c) {
  const audit::AuditResult& audit = *section.audit;
  const audit::CandidateResult& candidate = audit.candidates[c];
  const size_t total = candidate.flips.size() + candidate.at_risk.size();
  if (total == 0) return "";
  // Within the summary's HTML Markdown is not read: the name stands below it.
  std::string out = fmt::format("\n<details><summary>{}</summary>\n\nunder {}\n\n", verdict_text(candidate),
                                markdown_code(candidate.info.program));
  out += heading({"sample", "decision", "explained by", "verdict", "reference", "here", "margin, ULP"}, 4);
  size_t listed = 0;
  for_each_case(candidate, [&](const audit::Case& one, bool flip) {
    if (listed++ >= kMostCases) return;
    const auto kind = audit.rule.kind;
    out += row({std::to_string(one.sample), markdown_code(change_text(one, kind)),
                one.explained_by_output_rounding ? "output rounding alone" : "inside the model",
                std::string(flip ? "flips" : "at risk") + (fails(section, c, one, flip) ? "" : ", allowed"),
                score_text(one.reference_score, audit.score_type), score_text(one.candidate_score, audit.score_type),
                ulp_text(one.margin_ulp)});
  });
  if (total > kMostCases) out += fmt::format("\nand {} more: the JSON has all.\n", grouped(total - kMostCases));
  return out + "\n</details>\n";
}

// The operations that the search for blame, or the trace, names first.
std::string operations(const audit::CandidateResult& c) {
  std::string out;
  size_t listed = 0;
  const auto add = [&](const auto& ops, size_t i, const std::string& why, const std::string& how_much) {
    if (listed++ < kMostOperations)
      out +=
          row({markdown_code(c.info.program), markdown_code(ops[i].type + " " + called(ops[i], ops)), why, how_much});
  };
  if (c.blame)
    for (const audit::BlameRank& rank : c.blame->ranking())
      add(c.blame->ops, rank.op, "to blame", fmt::format("undoes {}, causes {}", rank.undoes, rank.causes));
  if (!c.trace) return out;
  listed = 0;
  const std::vector<audit::Verdict> verdicts = c.trace->verdicts();
  for (const size_t i : c.trace->ranking())
    if (const audit::Verdict verdict = verdicts[i]; verdict >= audit::Verdict::guilty)
      add(c.trace->ops, i, std::string(audit::verdict_name(verdict)),
          "introduces " + largest_text(c.trace->ops[i].introduced.values));
  return out;
}

std::string operations(const audit::AuditResult& audit) {
  std::string rows;
  for (const audit::CandidateResult& c : audit.candidates) rows += operations(c);
  return rows.empty() ? "" : "\n" + heading({"candidate", "operation", "why", "how much"}, 4) + rows;
}

std::string title_of(const Section& section) {
  return section.title.empty() ? std::string("Assay") : "Assay: " + markdown_code(section.title);
}

std::string section_text(const Section& section) {
  const audit::AuditResult& audit = *section.audit;
  std::string out = "### " + title_of(section) + "\n\n";
  out += fails(section) ? "**The gate stops this.** " : "**The gate lets this pass.** ";
  out += how_many(audit.samples, "sample") + ", decision " + markdown_code(audit.rule.text()) + " on " +
         markdown_code(audit.score) + ", against " + markdown_code(audit.reference.program) + ".\n\n";
  for (const audit::Finding& finding : section.findings) out += "- ❌ " + markdown_code(finding.message) + "\n";
  if (!section.findings.empty()) out += "\n";
  out += table(section) + operations(audit);
  for (size_t c = 0; c < audit.candidates.size(); ++c) out += cases(section, c);
  if (!section.command.empty()) out += "\nTo see it again:\n\n```sh\n" + section.command + "\n```\n";
  return out + "\n";
}
}  // namespace

std::string markdown_code(std::string_view text) {
  std::string clean;
  size_t ticks = 0, run = 0;
  for (size_t i = 0; i < std::min(text.size(), kMostName); ++i) {
    const size_t turning = turning_bytes(text.substr(i));
    const char c = turning > 0 ? '?' : text[i];
    i += turning > 0 ? turning - 1 : 0;
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    clean += c == '|' ? std::string("\\|") : std::string(1, control ? '?' : c);
    run = c == '`' ? run + 1 : 0;
    ticks = std::max(ticks, run);
  }
  if (text.size() > kMostName) clean += "...";
  if (clean.empty()) return "–";
  const std::string fence(ticks + 1, '`');
  const std::string pad = clean.front() == '`' || clean.back() == '`' ? " " : "";
  return fence + pad + clean + pad + fence;
}

std::string to_markdown(std::span<const Section> sections, const std::string& version) {
  std::string out;
  size_t shown = 0;
  for (const Section& section : sections) {
    std::string next = section_text(section);
    if (!out.empty() && out.size() + next.size() > kMostText) break;
    out += next;
    ++shown;
  }
  if (out.size() > kMostText) {
    out.resize(out.rfind('\n', kMostText));
    out += "\n\n(cut: the JSON has all)\n";
  }
  if (shown < sections.size()) out += "And " + how_many(sections.size() - shown, "more audit") + ".\n\n";
  return out + "<sub>Assay " + version +
         "; *emulated*: computed from what the profile states, not on the device.</sub>\n";
}

}  // namespace assay::report
