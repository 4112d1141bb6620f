// Integers times a scale: what dequantised values are.
#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_set>

#include "audit/fingerprint/traits.h"

namespace assay::audit {
namespace {

constexpr size_t kMostLevels = 256;  // of 8-bit integers
constexpr int64_t kMostGap = 16;     // the smallest distance between two values is at most so many steps
constexpr int64_t kScaleBits = 32;   // what choosing a float32 scale among all explains by itself
constexpr uint64_t kEnoughBits = 32;

/// Distinct magnitudes, ascending, without 0; empty when there are more than can be levels or some is not finite.
std::vector<float> magnitudes(const std::vector<float>& values) {
  std::unordered_set<float> seen;
  for (const float x : values) {
    if (!std::isfinite(x)) return {};
    if (x != 0) seen.insert(std::abs(x));
    if (seen.size() > kMostLevels) return {};
  }
  std::vector<float> all(seen.begin(), seen.end());
  std::ranges::sort(all);
  return all;
}

/// What products and quotients are rounded to: the narrowest that holds all values.
const num::Format& stored_in(const std::vector<float>& sorted) {
  const num::Format& half = num::format(num::FormatId::float16);
  const bool narrow = std::ranges::all_of(sorted, [&](float x) { return num::representable(x, half); });
  return narrow ? half : num::format(num::FormatId::float32);
}

/// The interval of scales under which x is scale * k, rounded, as long as it is not empty.
struct Interval {
  double low = 0, high = INFINITY;
  bool narrow(double x, int64_t k, const num::Format& format) {
    low = std::max(low, (x + num::next_down(x, format)) / 2 / static_cast<double>(k));
    high = std::min(high, (x + num::next_up(x, format)) / 2 / static_cast<double>(k));
    return low <= high;
  }
};

bool explains(float scale, const std::vector<float>& sorted, const num::Format& format) {
  return std::ranges::all_of(sorted, [&](float x) {
    const double k = std::round(static_cast<double>(x) / scale);
    return num::round(static_cast<double>(scale) * k, {format}) == x;  // exact product, one rounding
  });
}

/// The same by division: pixels / 255 are not pixels times a float32.
bool divides(double by, const std::vector<float>& sorted, const num::Format& format) {
  return by > 1 && std::ranges::all_of(sorted, [&](float x) {
           return num::round(std::round(static_cast<double>(x) * by) / by, {format}) == x;
         });
}

/// A float32 scale of which every value is a multiple of at most 255, near `start`.
std::optional<float> refined(double start, const std::vector<float>& sorted, const num::Format& format) {
  Interval interval;
  double guess = start;
  for (const float x : sorted) {
    const auto k = static_cast<int64_t>(std::llround(static_cast<double>(x) / guess));
    if (k < 1 || k > 255 || !interval.narrow(x, k, format)) return std::nullopt;
    guess = (interval.low + interval.high) / 2;
  }
  const auto middle = static_cast<float>(guess);
  const float power = std::ldexp(1.0F, static_cast<int>(std::lround(std::log2(guess))));
  if (explains(power, sorted, format)) return power;  // the simplest of many in float16's wide interval
  if (divides(std::round(1 / guess), sorted, format)) return static_cast<float>(1 / std::round(1 / guess));
  if (explains(middle, sorted, format)) return middle;
  for (float scale = std::nextafterf(static_cast<float>(interval.low), 0.0F);
       scale <= std::nextafterf(static_cast<float>(interval.high), INFINITY);
       scale = std::nextafterf(scale, INFINITY)) {
    if (explains(scale, sorted, format)) return scale;
    if (static_cast<double>(scale) > interval.high) break;
  }
  return std::nullopt;
}

std::optional<float> find_scale(const std::vector<float>& sorted, const num::Format& format) {
  double gap = sorted.front();
  for (size_t i = 1; i < sorted.size(); ++i)
    gap = std::min(gap, static_cast<double>(sorted[i]) - static_cast<double>(sorted[i - 1]));
  for (int64_t steps = 1; steps <= kMostGap; ++steps)
    if (const auto scale = refined(gap / static_cast<double>(steps), sorted, format)) return scale;
  return std::nullopt;
}

}  // namespace

std::optional<Scaled> scaled_lattice(const std::vector<float>& values) {
  const std::vector<float> sorted = magnitudes(values);
  if (sorted.size() < 4) return std::nullopt;
  const num::Format& format = stored_in(sorted);
  const auto scale = find_scale(sorted, format);
  if (!scale || std::bit_cast<uint32_t>(*scale) << 9 == 0) return std::nullopt;  // a power of two is a float format's
  Scaled found{.scale = *scale};
  int64_t bits = -kScaleBits;
  std::vector<int64_t> seen;
  for (const float x : values) {
    const auto q = static_cast<int64_t>(std::llround(static_cast<double>(x) / *scale));
    found.lowest = std::min(found.lowest, q);
    found.highest = std::max(found.highest, q);
    seen.push_back(q);
  }
  std::ranges::sort(seen);
  const auto rest = std::ranges::unique(seen);
  seen.erase(rest.begin(), rest.end());
  // Only distinct levels count: equal values are no further evidence. Level k is one of 2^24 / k floats near it.
  for (const int64_t q : seen)
    if (q != 0) bits += format.significand_bits + 1 - std::bit_width(static_cast<uint64_t>(std::abs(q)));
  if (bits < static_cast<int64_t>(kEnoughBits) || found.highest - found.lowest > 255) return std::nullopt;
  found.levels = seen.size();
  found.evidence_bits = static_cast<uint64_t>(bits);
  found.int8_lowest = -128 - found.lowest;
  found.int8_highest = 127 - found.highest;
  found.uint8_lowest = -found.lowest;
  found.uint8_highest = 255 - found.highest;
  return found;
}

}  // namespace assay::audit
