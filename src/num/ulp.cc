#include "num/ulp.h"

#include <bit>
#include <cmath>

#include "num/exact.h"

namespace assay::num {
namespace {

/// Distance from the codes of the magnitudes.
uint64_t distance(uint64_t a, bool a_negative, uint64_t b, bool b_negative) {
  if (a_negative != b_negative) return a + b;
  return a > b ? a - b : b - a;
}

template <class T, class Bits>
uint64_t distance_of(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : kInfiniteUlps;
  constexpr Bits kMagnitude = std::numeric_limits<Bits>::max() >> 1;
  return distance(std::bit_cast<Bits>(a) & kMagnitude, std::signbit(a), std::bit_cast<Bits>(b) & kMagnitude,
                  std::signbit(b));
}

/// Steps from zero; formats without infinities have one just beyond their largest value all the same.
uint64_t steps(double magnitude, const Format& f) {
  const uint64_t last = encode(max_finite(f), f);
  return std::isinf(magnitude) ? last + 1 : encode(magnitude, f);
}

template <class Bits>
constexpr Bits kTop = Bits{1} << (sizeof(Bits) * 8 - 1);

template <class T, class Bits>
Bits key_of(T value) {
  if (std::isnan(value)) return std::numeric_limits<Bits>::max();
  const auto bits = std::bit_cast<Bits>(value);
  return (bits & kTop<Bits>) != 0 ? static_cast<Bits>(~bits) : static_cast<Bits>(bits | kTop<Bits>);
}

template <class T, class Bits>
T value_of(Bits key) {
  return std::bit_cast<T>((key & kTop<Bits>) != 0 ? static_cast<Bits>(key ^ kTop<Bits>) : static_cast<Bits>(~key));
}

}  // namespace

uint64_t ulp_distance(float a, float b) { return distance_of<float, uint32_t>(a, b); }
uint64_t ulp_distance(double a, double b) { return distance_of<double, uint64_t>(a, b); }

uint64_t ulp_distance(double a, double b, const Format& f) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0 : kInfiniteUlps;
  return distance(steps(std::abs(a), f), std::signbit(a), steps(std::abs(b), f), std::signbit(b));
}

double ulp_size(double value, const Format& f) {
  if (!std::isfinite(value)) return 0;
  const double size = std::min(std::abs(value), max_finite(f));
  const int least = min_exponent(f);
  const int exponent = size == 0 ? least : std::max(unpack(size).exponent + 63, least);
  return power_of_two(exponent - f.significand_bits);
}

uint32_t ordered_key(float value) { return key_of<float, uint32_t>(value); }
uint64_t ordered_key(double value) { return key_of<double, uint64_t>(value); }
float from_ordered_key(uint32_t key) { return value_of<float>(key); }
double from_ordered_key(uint64_t key) { return value_of<double>(key); }

}  // namespace assay::num
