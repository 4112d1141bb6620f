#include "report/csv.h"

#include "base/text.h"
#include "report/case_words.h"
#include "report/words.h"

namespace assay::report {
namespace {
using audit::AuditResult;
using audit::CandidateResult;
using Cells = std::vector<std::string>;

// A table: its columns, and what one candidate of an audit adds to it.
struct Table {
  const char* file;
  Cells columns;
  std::vector<Cells> (*rows)(const AuditResult& audit, const CandidateResult& candidate);
};

std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

std::string count(uint64_t n) { return std::to_string(n); }
std::string optional(const std::optional<double>& value) { return value ? shortest(*value) : ""; }

std::vector<Cells> candidates(const AuditResult& audit, const CandidateResult& c) {
  const audit::Differences d = audit::together(c.primary().differences);
  const audit::Metrics now = audit::metrics_of(c.primary().tally, audit.rule.kind);
  const audit::Metrics before = audit::metrics_of(audit.reference_tally, audit.rule.kind);
  const num::LatticeVerdict lattice = c.primary().lattice.verdict();
  const auto metric = [&](const std::optional<double>& value) { return audit.labels ? optional(value) : ""; };
  return {{c.info.profile, c.info.emulated ? "true" : "false", count(audit.samples), count(c.safe),
           count(c.at_risk.size()), count(c.flips.size()), shortest(d.max_abs), shortest(d.max_rel), count(d.max_ulp),
           lattice.format ? std::string(num::format(*lattice.format).name) : "", count(lattice.evidence_bits),
           metric(now.accuracy), metric(before.accuracy), metric(now.f1), metric(before.f1)}};
}

std::vector<Cells> variants(const AuditResult& audit, const CandidateResult& c) {
  std::vector<Cells> out;
  for (const audit::VariantResult& v : c.variants) {
    const audit::Differences d = audit::together(v.differences);
    const audit::Metrics m = audit::metrics_of(v.tally, audit.rule.kind);
    out.push_back({v.name, count(v.differs), shortest(d.max_abs), shortest(d.max_rel), count(d.max_ulp),
                   audit.labels ? optional(m.accuracy) : ""});
  }
  return out;
}

std::vector<Cells> cases(const AuditResult& audit, const CandidateResult& c) {
  std::vector<Cells> out;
  const auto kind = audit.rule.kind;
  for_each_case(c, [&](const audit::Case& one, bool flip) {
    out.push_back({count(static_cast<uint64_t>(one.sample)), flip ? "flips" : "at risk",
                   one.label ? std::to_string(*one.label) : "", shortest(one.reference_score),
                   shortest(one.candidate_score), decision_text(one.reference_decision, kind),
                   decision_text(one.candidate_decision, kind), shortest(one.margin_ulp),
                   shortest(one.candidate_margin_ulp), one.explained_by_output_rounding ? "true" : "false",
                   join(one.variants, " "), one.change.words});
  });
  return out;
}

std::vector<Cells> differences(const AuditResult&, const CandidateResult& c) {
  std::vector<Cells> out;
  for (const audit::VariantResult& v : c.variants)
    for (const audit::Differences& d : v.differences)
      out.push_back({v.name, d.output, shortest(d.max_abs), shortest(d.max_rel), count(d.max_ulp), count(d.elements),
                     count(d.equal), count(d.nan_mismatches), count(d.infinite)});
  return out;
}

void add_bins(std::vector<Cells>& out, const char* side, const audit::Histogram& histogram, uint64_t zero) {
  if (zero > 0) out.push_back({side, "", count(zero)});
  for (const auto& [exponent, n] : histogram.bins()) out.push_back({side, std::to_string(exponent), count(n)});
}

std::vector<Cells> margins(const AuditResult&, const CandidateResult& c) {
  std::vector<Cells> out;
  add_bins(out, "negative", c.margins.negative, c.margins.zero_negative);
  add_bins(out, "positive", c.margins.positive, c.margins.zero_positive);
  return out;
}

std::vector<Cells> confusion(const AuditResult&, const CandidateResult& c) {
  std::vector<Cells> out;
  for (const auto& [at, n] : c.primary().tally.cells)
    out.push_back({std::to_string(at.first), at.second < 0 ? "undefined" : std::to_string(at.second), count(n)});
  return out;
}

std::vector<Cells> evidence(const AuditResult&, const CandidateResult& c) {
  std::vector<Cells> out;
  out.reserve(c.evidence.size());
  for (const audit::EvidenceLine& e : c.evidence) out.push_back({"stated", e.what, e.reason, e.source, e.certainty});
  for (const audit::EvidenceLine& e : c.not_modelled)
    out.push_back({"not modelled", e.what, e.reason, e.source, e.certainty});
  return out;
}

std::vector<Cells> operations(const AuditResult&, const CandidateResult& c) {
  std::vector<Cells> out;
  if (!c.trace) return out;
  for (const audit::TraceOp& op : c.trace->ops)
    out.push_back({op.name, op.node, op.type, op.dims, std::string(ir::elem_name(op.storage)),
                   std::string(audit::verdict_name(op.introduces())), shortest(op.introduced.snr.worst),
                   shortest(op.accumulated.snr.worst), shortest(op.introduced.values.max_abs),
                   shortest(op.introduced.values.max_rel), shortest(op.accumulated.values.max_abs),
                   shortest(op.accumulated.values.max_rel), shortest(op.noise_introduced.values.max_abs),
                   shortest(op.candidate.largest), shortest(op.limit), count(op.candidate.subnormals),
                   count(op.candidate.infinities), count(op.candidate.nans)});
  return out;
}

std::vector<Cells> blame(const AuditResult&, const CandidateResult& c) {
  std::vector<Cells> out;
  if (!c.blame) return out;
  for (const audit::BlameRank& rank : c.blame->ranking()) {
    const audit::BlamedOp& op = c.blame->ops[rank.op];
    out.push_back({op.name, op.node, op.type, count(rank.points), count(rank.undoes), count(rank.causes),
                   count(rank.in_smallest), count(rank.originates), count(rank.tainted)});
  }
  return out;
}

const std::vector<Table>& tables() {
  static const std::vector<Table> kTables = {
      {"candidates.csv",
       {"profile", "emulated", "samples", "safe", "at_risk", "flips", "max_abs", "max_rel", "max_ulp", "lattice",
        "evidence_bits", "accuracy", "reference_accuracy", "f1", "reference_f1"},
       candidates},
      {"variants.csv", {"variant", "differs", "max_abs", "max_rel", "max_ulp", "accuracy"}, variants},
      {"cases.csv",
       {"sample", "verdict", "label", "reference_score", "candidate_score", "reference_decision", "candidate_decision",
        "margin_ulp", "candidate_margin_ulp", "explained_by_output_rounding", "variants", "change"},
       cases},
      {"differences.csv",
       {"variant", "output", "max_abs", "max_rel", "max_ulp", "elements", "equal", "nan_mismatches", "infinite"},
       differences},
      {"margins.csv", {"reference_decision", "exponent", "samples"}, margins},
      {"confusion.csv", {"label", "decision", "samples"}, confusion},
      {"evidence.csv", {"kind", "what", "reason", "source", "certainty"}, evidence},
      {"operations.csv",
       {"name", "node", "type", "dims", "storage", "introduces", "introduced_worst_db", "accumulated_worst_db",
        "introduced_max_abs", "introduced_max_rel", "accumulated_max_abs", "accumulated_max_rel", "noise_max_abs",
        "largest", "limit", "subnormals", "infinities", "nans"},
       operations},
      {"blame.csv",
       {"name", "node", "type", "points", "undoes", "causes", "in_smallest", "originates", "tainted"},
       blame},
  };
  return kTables;
}
}  // namespace

std::string csv_line(const std::vector<std::string>& cells) {
  std::string out;
  for (size_t i = 0; i < cells.size(); ++i) out += (i > 0 ? "," : "") + field(cells[i]);
  return out + "\r\n";
}

std::vector<std::pair<std::string, std::string>> to_csv(std::span<const Section> sections) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const Table& table : tables()) {
    Cells head = {"audit", "candidate"};
    head.insert(head.end(), table.columns.begin(), table.columns.end());
    std::string text = csv_line(head);
    for (const Section& section : sections)
      for (const CandidateResult& c : section.audit->candidates)
        for (Cells& cells : table.rows(*section.audit, c)) {
          cells.insert(cells.begin(), {section.title, c.info.program});
          text += csv_line(cells);
        }
    out.emplace_back(table.file, std::move(text));
  }
  return out;
}

}  // namespace assay::report
