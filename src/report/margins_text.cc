#include "report/margins_text.h"

#include <fmt/format.h>

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

std::string flips(double n) { return fmt::format("{:.3g}", n); }
}  // namespace

std::string expectation_text(const audit::Expectation& e) {
  return fmt::format("{} {} expected in {} more {} (95 %: {} to {})", flips(e.expected),
                     e.expected == 1 ? "flip" : "flips", grouped(e.more), e.more == 1 ? "sample" : "samples",
                     flips(e.low), flips(e.high));
}

std::string proof_text(const audit::Proof& proof) {
  if (proof.method.empty()) return "";
  const uint64_t all = proof.proved + proof.unproved + proof.unbounded;
  std::string out = fmt::format("{} of {} decisions cannot flip", grouped(proof.proved), grouped(all));
  if (proof.unproved > 0) out += fmt::format("; {} within the bound", grouped(proof.unproved));
  if (proof.unbounded > 0) out += fmt::format("; {} without a bound", grouped(proof.unbounded));
  for (size_t i = 0; i < proof.stops.size() && i < kMostStops; ++i)
    out += fmt::format("; no bound beyond {}: {}", proof.stops[i].first, proof.stops[i].second);
  if (proof.stops.size() > kMostStops) out += fmt::format("; and {} more", proof.stops.size() - kMostStops);
  return out;
}

std::string margins_text(const std::string& name, const audit::CandidateResult& c, const audit::AuditResult& audit) {
  if (!c.forecast) return "";
  const audit::Forecast& f = *c.forecast;
  const uint64_t far = f.samples - f.undefined - nearer_than(f.margin_in_errors, 3);
  std::string out = fmt::format("  {}: {} of {} decisions stand 8 errors or more from another one, {} within 2", name,
                                grouped(far), grouped(f.samples), grouped(nearer_than(f.margin_in_errors, 1)));
  const audit::Expectation e = audit::expected_flips(f, audit.expect > 0 ? audit.expect : audit.samples);
  out += "; " + expectation_text(e) + ", by statistics\n";
  if (const std::string proof = proof_text(f.proof); !proof.empty())
    out += fmt::format("  {}: by proof, {}\n", name, proof);
  return out;
}

}  // namespace assay::report
