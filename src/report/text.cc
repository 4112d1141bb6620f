#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "report/blame_text.h"
#include "report/margins_text.h"
#include "report/trace_text.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::AuditResult;
using audit::CandidateResult;
using audit::Rule;
using Row = std::vector<std::string>;

// Columns of a terminal: continuation bytes of UTF-8 and the sequences of paint() take none.
size_t width_of(std::string_view text) {
  size_t width = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033')
      i = std::min(text.find('m', i), text.size());
    else
      width += (text[i] & 0xc0) != 0x80;
  }
  return width;
}

constexpr const char *kSafe = "32;1", *kAtRisk = "33;1", *kFlips = "31;1";

std::string paint(const std::string& text, const char* code, bool colour) {
  return colour ? fmt::format("\033[{}m{}\033[0m", code, text) : text;
}

uint64_t cell(const audit::Tally& t, int64_t label, int64_t decision) {
  const auto it = t.cells.find({label, decision});
  return it == t.cells.end() ? 0 : it->second;
}

void add_label_columns(Row& row, const AuditResult& audit, const audit::Tally& tally) {
  if (!audit.labels) return;
  const audit::Metrics m = audit::metrics_of(tally, audit.rule.kind);
  if (audit.rule.kind == Rule::Kind::threshold)
    for (const auto& [label, decision] : {std::pair(0, 0), {0, 1}, {1, 0}, {1, 1}})
      row.push_back(grouped(cell(tally, label, decision)));
  row.push_back(percent(m.accuracy));
  if (audit.rule.kind != Rule::Kind::topk) row.push_back(percent(m.f1));
}

Row heading(const AuditResult& audit) {
  Row row = {"program", "safe", "at risk", "flips", "max |diff|", "max ULP"};
  if (!audit.labels) return row;
  if (audit.rule.kind == Rule::Kind::threshold)
    for (const char* name : {"TN", "FP", "FN", "TP"}) row.emplace_back(name);
  row.emplace_back("accuracy");
  if (audit.rule.kind != Rule::Kind::topk) row.emplace_back("F1");
  return row;
}

// A count of the verdict: coloured unless it is 0.
std::string counted(uint64_t count, const char* code, bool colour) {
  return paint(grouped(count), code, colour && count > 0);
}

std::string summary(const AuditResult& audit, bool colour) {
  std::vector<Row> rows = {heading(audit)};
  Row reference = {clean(audit.reference.program), "", "", "", "", ""};
  add_label_columns(reference, audit, audit.reference_tally);
  rows.push_back(std::move(reference));
  for (const CandidateResult& c : audit.candidates) {
    const audit::Differences d = audit::together(c.primary().differences);
    Row row = {clean(c.info.program),
               counted(c.safe, kSafe, colour),
               counted(c.at_risk.size(), kAtRisk, colour),
               counted(c.flips.size(), kFlips, colour),
               largest_text(d),
               largest_ulp_text(d)};
    add_label_columns(row, audit, c.primary().tally);
    rows.push_back(std::move(row));
  }
  std::vector<bool> right(rows[0].size(), true);
  right[0] = false;
  return table(rows, right);
}

std::string cases(const char* title, const std::vector<audit::Case>& list, const CandidateResult& c,
                  const AuditResult& audit, const TextOptions& options) {
  if (list.empty()) return "";
  std::vector<Row> rows = {{"  sample", "label", "reference", "candidate", "decision", "margin", "", "variants"}};
  for (const audit::Case& one : list) {
    if (rows.size() > options.max_cases) break;
    const auto kind = audit.rule.kind;
    rows.push_back({fmt::format("  {}", one.sample), one.label ? std::to_string(*one.label) : "-",
                    score_text(one.reference_score, audit.score_type),
                    score_text(one.candidate_score, audit.score_type), change_text(one, kind),
                    ulp_text(one.margin_ulp) + " ulp",
                    one.explained_by_output_rounding ? "output rounding" : "from inside",
                    one.variants.size() == c.variants.size() ? "all" : clean(join(one.variants, ", "))});
  }
  std::string out =
      fmt::format("{}: {} (margins in ULPs of {})\n", clean(c.info.program), title, ir::elem_name(c.storage));
  out += table(rows, {true, true, true, true, false, true, false, false});
  if (list.size() > options.max_cases)
    out += fmt::format("  ... and {} more: the JSON has all\n", grouped(list.size() - options.max_cases));
  if (const std::string all = changes_text(list); !all.empty()) out += "  in all: " + all + "\n";
  return out + "\n";
}

// "outputs lie on float16, ..." or "outputs: not enough evidence".
std::string lies_on(const num::LatticeCounts& counts) {
  const std::string text = lattice_text(counts);
  return (text.starts_with("not ") ? "outputs: " : "outputs lie on ") + text;
}

std::string recorded(const audit::ProgramInfo& info) {
  return " recorded with " + clean(recording_text(*info.recording), 300);
}

std::string evidence(const CandidateResult& c, const AuditResult& audit) {
  std::string out = fmt::format("  {}: {}", clean(c.info.program), lies_on(c.primary().lattice));
  if (c.variants.size() > 1) out += "; " + how_many(c.variants.size(), "variant");
  if (const uint64_t bad = c.primary().tally.non_finite; bad + audit.reference_tally.non_finite > 0)
    out += fmt::format("; {} with NaN or infinity (reference {})", how_many(bad, "sample"),
                       audit.reference_tally.non_finite);
  if (c.info.emulated) out += "; emulated";
  if (c.info.recording) out += ";" + recorded(c.info);
  if (!c.not_modelled.empty()) out += "; " + how_many(c.not_modelled.size(), "thing") + " not modelled";
  return out + "\n";
}

// The trace is of numbers, whatever they decide.
std::string ask_for_blame(const CandidateResult& c) {
  const bool told = c.blame.has_value() || (c.flips.empty() && c.at_risk.empty());
  return told ? "" : "  which operation changes a decision is another question: --blame\n";
}
}  // namespace

std::string table(const std::vector<Row>& rows, const std::vector<bool>& right) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - width_of(row[i]), ' ');
      line += (i > 0 ? "  " : "") + (i < right.size() && right[i] ? pad + row[i] : row[i] + pad);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string to_text(const AuditResult& audit, const TextOptions& options) {
  std::string out = clean(rule_text(audit), SIZE_MAX) + "\n\n" + summary(audit, options.colour) + "\n";
  for (const CandidateResult& c : audit.candidates) {
    out += cases("decisions that flip under every variant", c.flips, c, audit, options);
    out += cases("decisions at risk (some variants differ)", c.at_risk, c, audit, options);
  }
  for (const CandidateResult& c : audit.candidates) out += blame_text(c);
  for (const CandidateResult& c : audit.candidates) {
    if (c.trace) out += trace_text(c.info.program, *c.trace) + ask_for_blame(c) + "\n";
    if (c.conversion) out += clean(c.info.program) + ": " + conversion_text(*c.conversion) + "\n\n";
  }
  std::vector<std::string> names;
  names.reserve(audit.candidates.size());
  for (const CandidateResult& c : audit.candidates) names.push_back(clean(c.info.program));
  out += margins_text(names, audit);
  out += "Evidence\n";
  if (audit.reference.recording) out += "  " + clean(audit.reference.program) + recorded(audit.reference) + "\n";
  for (const CandidateResult& c : audit.candidates) out += evidence(c, audit);
  out += "\n";
  for (const CandidateResult& c : audit.candidates) {
    const char* code = !c.flips.empty() ? kFlips : !c.at_risk.empty() ? kAtRisk : kSafe;
    out += fmt::format("{}: {}\n", clean(c.info.program), paint(verdict_text(c), code, options.colour));
  }
  return out;
}

std::string to_text(const audit::CompareResult& result, const TextOptions& options) {
  std::vector<Row> rows = {{"a", "b", "output", "max |diff|", "max rel", "max ULP", "equal", ""}};
  for (const audit::Pair& pair : result.pairs) {
    for (const audit::Differences& d : pair.outputs)
      rows.push_back({clean(result.programs[pair.a].program), clean(result.programs[pair.b].program), clean(d.output),
                      short_number(d.max_abs), short_number(d.max_rel), grouped(d.max_ulp),
                      grouped(d.equal) + " of " + grouped(d.elements),
                      d.nan_mismatches > 0 ? grouped(d.nan_mismatches) + " NaN on one side" : ""});
  }
  std::string out = table(rows, {false, false, false, true, true, true, true, false}) + "\n";
  for (const audit::CompareProgram& p : result.programs)
    out += fmt::format("{}: {}{}\n", clean(p.program), lies_on(p.lattice), p.emulated ? "; emulated" : "");
  for (const audit::Pair& pair : result.pairs) {
    const std::string& program = result.programs[pair.b].program;
    if (pair.trace) out += "\n" + trace_text(program, *pair.trace) + "\n";
    if (pair.conversion) out += clean(program) + ": " + conversion_text(*pair.conversion) + "\n";
  }
  if (!result.within_limits) out += paint("a limit is exceeded", kFlips, options.colour) + "\n";
  return out;
}

}  // namespace assay::report
