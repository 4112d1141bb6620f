// Margins in units of errors, the flips to expect and the proof, as JSON and back (docs/margins.md).
#include <array>

#include "report/json_counts.inc"

namespace assay::report {
namespace {
constexpr std::array<const char*, 2> kLeads{"leads_negative", "leads"}, kZeros{"on_boundary_negative", "on_boundary"},
    kErrors{"errors_down", "errors_up"};
constexpr int64_t kFarthest = (audit::Histogram::kHigh + 1) * audit::Sizes::kPerOctave;

Json sizes_json(const audit::Sizes& sizes) {
  Json out = Json::array();
  for (const auto& [bin, n] : sizes.bins) out.push_back({bin, n});
  return out;
}

audit::Sizes parse_sizes(const Place& place) {
  audit::Sizes sizes;
  for (const Place& item : place.items()) {
    const auto t = item.tuple(2);
    const int64_t bin = t[0].integer();
    if (bin < -kFarthest || bin > kFarthest) t[0].fail("an eighth of a power of two");
    sizes.bins[static_cast<int32_t>(bin)] = t[1].count();
  }
  return sizes;
}

Json proof_json(const audit::Proof& proof) {
  Json out{{"proved", proof.proved}, {"unproved", proof.unproved}, {"unbounded", proof.unbounded}};
  out["method"] = proof.method;
  out["margin_in_bounds"] = histogram_json(proof.margin_in_bounds);
  out["stops"] = Json::array();
  for (const auto& [operation, why] : proof.stops) out["stops"].push_back({{"operation", operation}, {"why", why}});
  out["first_unbounded"] = nullptr;
  if (const auto& u = proof.first_unbounded)
    out["first_unbounded"] = {{"sample", u->sample}, {"operation", u->operation}, {"why", u->why}};
  return out;
}

// Counts that are tampered with would be summed up by a merge and printed by a report.
void adds_up(const Place& place, std::initializer_list<uint64_t> parts, uint64_t samples) {
  for (const uint64_t part : parts) {
    if (part > samples) place.fail("counts that add up to the samples");
    samples -= part;
  }
  if (samples != 0) place.fail("counts that add up to the samples");
}

uint64_t total(const audit::Histogram& histogram) {
  uint64_t sum = 0;
  for (const auto& [exponent, n] : histogram.bins()) sum += n;
  return sum;
}

audit::Proof parse_proof(const Place& place, uint64_t samples) {
  audit::Proof proof;
  proof.proved = place.at("proved").count();
  proof.unproved = place.at("unproved").count();
  proof.unbounded = place.at("unbounded").count();
  adds_up(place, {proof.proved, proof.unproved, proof.unbounded}, samples);
  proof.method = place.at("method").text();
  proof.margin_in_bounds = parse_histogram(place.at("margin_in_bounds"));
  if (total(proof.margin_in_bounds) > samples) place.at("margin_in_bounds").fail("counts within the samples");
  for (const Place& stop : place.at("stops").items())
    proof.stops.emplace_back(stop.at("operation").text(), stop.at("why").text());
  if (place.has("first_unbounded") && !place.at("first_unbounded").is_null()) {
    const Place first = place.at("first_unbounded");
    proof.first_unbounded =
        audit::Unbounded{first.at("sample").integer(), first.at("operation").text(), first.at("why").text()};
  }
  return proof;
}

Json expected_json(const audit::Expectation& e) {
  Json out{{"samples", e.more}, {"flips", e.expected}, {"low", e.low}, {"high", e.high}};
  out["confidence"] = 0.95;
  out["method"] = e.method;
  return out;
}
}  // namespace

Json forecast_json(const audit::Forecast& f, const audit::AuditResult& audit) {
  Json out{{"samples", f.samples}, {"flips", f.flips}, {"unchanged", f.unchanged}, {"undefined", f.undefined}};
  out["margin_in_errors"] = histogram_json(f.margin_in_errors);
  out["error_ulp"] = histogram_json(f.error_ulp);
  for (size_t side = 0; side < 2; ++side) {
    out[kLeads[side]] = sizes_json(f.lead[side]);
    out[kZeros[side]] = f.zero[side];
    out[kErrors[side]] = sizes_json(f.error[side]);
  }
  out["expected"] = expected_json(audit::expected_flips(f, audit.expect > 0 ? audit.expect : audit.samples));
  out["proof"] = f.proof.method.empty() ? Json(nullptr) : proof_json(f.proof);
  return out;
}

audit::Forecast parse_forecast(const Place& place) {
  audit::Forecast f;
  f.samples = place.at("samples").count();
  f.flips = place.at("flips").count();
  f.unchanged = place.at("unchanged").count();
  f.undefined = place.at("undefined").count();
  if (f.flips > f.samples || f.undefined > f.samples) place.fail("counts within the samples");
  f.margin_in_errors = parse_histogram(place.at("margin_in_errors"));
  adds_up(place, {f.undefined, f.unchanged, total(f.margin_in_errors)}, f.samples);
  f.error_ulp = parse_histogram(place.at("error_ulp"));
  if (total(f.error_ulp) > f.samples) place.at("error_ulp").fail("counts within the samples");
  for (size_t side = 0; side < 2; ++side) {
    f.lead[side] = parse_sizes(place.at(kLeads[side]));
    f.zero[side] = place.at(kZeros[side]).count();
    f.error[side] = parse_sizes(place.at(kErrors[side]));
  }
  adds_up(place, {f.undefined, f.lead[0].total(), f.lead[1].total(), f.zero[0], f.zero[1]}, f.samples);
  if (const Place proof = place.at("proof"); !proof.is_null()) f.proof = parse_proof(proof, f.samples);
  return f;
}

}  // namespace assay::report
