#include "audit/forecast/forecast.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace assay::audit {
namespace {
constexpr int32_t kFar = Histogram::kHigh * Sizes::kPerOctave;

// Six significant digits: what is printed does not hang on the last bit of an iteration.
double six_digits(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 5);
  double out = 0;
  std::from_chars(text, end.ptr, out);
  return out;
}

// Pairs of one lead and one error in which the error is the larger: those of one bin count as halves.
double crossings(const Sizes& leads, uint64_t zero, const Sizes& errors) {
  double below = 0, pairs = 0;
  auto lead = leads.bins.begin();
  for (const auto& [bin, n] : errors.bins) {
    for (; lead != leads.bins.end() && lead->first < bin; ++lead) below += static_cast<double>(lead->second);
    const double level = lead != leads.bins.end() && lead->first == bin ? static_cast<double>(lead->second) / 2 : 0;
    pairs += static_cast<double>(n) * (below + level + static_cast<double>(zero));
  }
  return pairs;
}
}  // namespace

void Sizes::add(double size) {
  if (!(size > 0)) return;
  if (std::isinf(size)) {
    ++bins[kFar];
    return;
  }
  int exponent = 0;
  const double part = std::frexp(size, &exponent);  // 0.5 <= part < 1
  ++bins[(exponent - 1) * kPerOctave + static_cast<int32_t>((part - 0.5) * 2 * kPerOctave)];
}

void Sizes::merge(const Sizes& other) {
  for (const auto& [bin, n] : other.bins) bins[bin] += n;
}

uint64_t Sizes::total() const {
  uint64_t sum = 0;
  for (const auto& [bin, n] : bins) sum += n;
  return sum;
}

void Proof::merge(const Proof& other) {
  proved += other.proved;
  unproved += other.unproved;
  unbounded += other.unbounded;
  if (method.empty()) method = other.method;
  stops.insert(stops.end(), other.stops.begin(), other.stops.end());
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
  margin_in_bounds.merge(other.margin_in_bounds);
  if (!first_unbounded || (other.first_unbounded && other.first_unbounded->sample < first_unbounded->sample))
    first_unbounded = other.first_unbounded;
}

void Forecast::merge(const Forecast& other) {
  margin_in_errors.merge(other.margin_in_errors);
  error_ulp.merge(other.error_ulp);
  unchanged += other.unchanged;
  undefined += other.undefined;
  samples += other.samples;
  flips += other.flips;
  for (size_t side = 0; side < 2; ++side) {
    lead[side].merge(other.lead[side]);
    zero[side] += other.zero[side];
    error[side].merge(other.error[side]);
  }
  proof.merge(other.proof);
}

void add_sample(Forecast& into, const Judge& judge, const Judged& reference, const Judged& candidate, bool flipped,
                ir::ElemType storage) {
  ++into.samples;
  into.flips += flipped ? 1 : 0;
  const double lead = judge.lead(reference, reference), there = judge.lead(candidate, reference);
  const double change = lead == there ? 0 : there - lead;
  if (std::isnan(lead) || !std::isfinite(change)) {
    ++into.undefined;
    return;
  }
  const bool negative = judge.rule().kind == Rule::Kind::threshold && reference.decision.value == 0;
  if (lead > 0) {
    into.lead[negative ? 0 : 1].add(lead);
  } else {
    ++into.zero[negative ? 0 : 1];
  }
  if (change == 0) {
    ++into.unchanged;
    return;
  }
  const double error = std::abs(change);
  into.error[(change > 0) == negative ? 0 : 1].add(error);
  const double ulp = ulp_at(reference.boundary, storage);
  if (ulp > 0 && std::isfinite(error / ulp)) into.error_ulp.add(exponent_of(error / ulp));
  if (lead > 0) into.margin_in_errors.add(std::isinf(lead / error) ? Histogram::kHigh : exponent_of(lead / error));
  if (lead <= 0) into.margin_in_errors.add(Histogram::kLow);
}

Expectation expected_flips(const Forecast& forecast, uint64_t more) {
  const auto n = static_cast<double>(more);
  const auto [low, high] = share_interval(forecast.flips, forecast.samples);
  Expectation out{more, 0, six_digits(n * low), six_digits(n * high), ""};
  const uint64_t leads = forecast.samples - forecast.undefined;
  const double pairs = static_cast<double>(leads) * static_cast<double>(leads);
  // A score that falls flips what was decided positive, one that rises what was decided negative.
  const double crossed = crossings(forecast.lead[1], forecast.zero[1], forecast.error[0]) +
                         crossings(forecast.lead[0], forecast.zero[0], forecast.error[1]);
  const double smooth = leads == 0 ? -1 : crossed / pairs;
  const double seen =
      forecast.samples == 0 ? 0 : static_cast<double>(forecast.flips) / static_cast<double>(forecast.samples);
  const bool fits = smooth >= low && smooth <= high;
  out.expected = six_digits(n * (fits ? smooth : seen));
  out.method = fits ? "every lead against every error; interval of the primary variant's flips (Clopper-Pearson)"
                    : "the share of the primary variant's flips, with its interval (Clopper-Pearson)";
  return out;
}

}  // namespace assay::audit
