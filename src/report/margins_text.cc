#include "report/margins_text.h"

#include <fmt/format.h>

#include "report/text.h"
#include "report/words.h"

namespace assay::report {
namespace {
constexpr size_t kMostStops = 5;

// Samples whose lead is less than `times` (a power of two) their error.
uint64_t nearer_than(const audit::Histogram& margins, int exponent) {
  uint64_t n = 0;
  for (const auto& [e, count] : margins.bins())
    if (e < exponent) n += count;
  return n;
}

uint64_t expected_samples(const audit::AuditResult& audit) { return audit.expect > 0 ? audit.expect : audit.samples; }
std::string counted_samples(const audit::AuditResult& audit) { return how_many(expected_samples(audit), "sample"); }

std::string flips(double n) { return fmt::format("{:.3g}", n); }
}  // namespace

std::string expectation_text(const audit::Expectation& e) {
  return fmt::format("{} {} expected in {} (95 %: {} to {})", flips(e.expected), e.expected == 1 ? "flip" : "flips",
                     how_many(e.more, "more sample"), flips(e.low), flips(e.high));
}

std::string foretold_text(const audit::CandidateResult& c) {
  if (!c.forecast || c.forecast->flips == c.flips.size()) return "";
  return fmt::format("flips to expect are its primary variant's: {} seen there, {} under every variant",
                     grouped(c.forecast->flips), grouped(c.flips.size()));
}

std::string stops_text(const audit::Proof& proof) {
  std::string out;
  const auto next = [&] { return out.empty() ? "" : "; "; };
  for (size_t i = 0; i < proof.stops.size() && i < kMostStops; ++i)
    out += fmt::format("{}no bound beyond {}: {}", next(), proof.stops[i].first, proof.stops[i].second);
  if (proof.stops.size() > kMostStops) out += fmt::format("; and {} more", proof.stops.size() - kMostStops);
  if (const auto& first = proof.first_unbounded)
    return out + fmt::format("{}{} without a bound: in sample {} none beyond {}: {}", next(), grouped(proof.unbounded),
                             first->sample, first->operation, first->why);
  if (proof.stops.empty() && proof.unbounded > 0)
    out = fmt::format("{} without a bound: a value may overflow, or what is divided by, or rooted, may reach 0",
                      grouped(proof.unbounded));
  return out;
}

std::string proof_text(const audit::Proof& proof) {
  if (proof.method.empty()) return "";
  const uint64_t all = proof.proved + proof.unproved + proof.unbounded;
  std::string out = fmt::format("{} of {} cannot flip", grouped(proof.proved), how_many(all, "decision"));
  if (proof.unproved > 0) out += fmt::format("; {} within the bound", grouped(proof.unproved));
  if (proof.unbounded > 0) out += fmt::format("; {} without a bound", grouped(proof.unbounded));
  return out;
}

std::string margins_text(const std::vector<std::string>& names, const audit::AuditResult& audit) {
  std::vector<std::vector<std::string>> rows = {{"  program", "8 errors off", "under 2", "flips to expect", "95 %"}};
  std::string notes;
  bool proofs = false;
  for (size_t i = 0; i < audit.candidates.size(); ++i) {
    if (!audit.candidates[i].forecast) continue;
    const audit::Forecast& f = *audit.candidates[i].forecast;
    const uint64_t near = nearer_than(f.margin_in_errors, 1);
    const uint64_t far = f.samples - f.undefined - nearer_than(f.margin_in_errors, 3);
    const audit::Expectation e = audit::expected_flips(f, expected_samples(audit));
    if (const std::string note = foretold_text(audit.candidates[i]); !note.empty())
      notes += "  " + names[i] + ": " + note + "\n";
    rows.push_back({"  " + names[i], grouped(far), grouped(near), flips(e.expected),
                    fmt::format("{} to {}", flips(e.low), flips(e.high))});
    if (f.proof.method.empty()) continue;
    proofs = true;
    rows.back().push_back(grouped(f.proof.proved));
    if (const std::string why = stops_text(f.proof); !why.empty()) notes += "  " + names[i] + ": " + why + "\n";
  }
  if (rows.size() == 1) return "";
  if (proofs) rows[0].emplace_back("cannot flip");
  return fmt::format("Margins in errors of the same sample, and flips to expect in {} more\n", counted_samples(audit)) +
         table(rows, {false, true, true, true, true, true}) + notes + "\n";
}

}  // namespace assay::report
