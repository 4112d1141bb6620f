// Rounding of exact values, and what is built on it: round, round_float, the fused multiply-adds.
#include <cmath>
#include <limits>

#include "num/exact.h"
#include "num/exact_sum.h"
#include "num/format.h"
#include "num/half.h"
#include "num/round_plan.h"

namespace assay::num {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The largest magnitude that does not overflow.
double largest(const Rounding& r) {
  const double max = max_finite(r.format);
  if (r.limit <= 0 || r.limit > max) return max;
  const double cut = round(r.limit, {r.format, Mode::toward_zero});
  return cut < r.limit ? cut : next_down(cut, r.format);
}

double overflowed(bool negative, bool from_infinity, const Rounding& r) {
  const bool stays_finite = !from_infinity && (r.mode == Mode::toward_zero || r.mode == Mode::to_odd);
  double size = kInfinity;
  if (r.overflow == Overflow::clamp || stays_finite) {
    size = largest(r);
  } else if (r.format.specials != Specials::ieee) {
    return kNan;
  }
  return negative ? -size : size;
}

double zero(bool negative, const Format& f) {
  if (!f.has_subnormals) return min_normal(f);  // there is no zero: the nearest value
  return negative && f.has_sign && f.specials != Specials::fnuz ? -0.0 : 0.0;
}

/// Whether the quotient (with remainder/half as told) goes up by one.
bool rounds_up(Mode mode, bool odd, bool inexact, int against_half) {
  switch (mode) {
    case Mode::nearest_even:
      return against_half > 0 || (against_half == 0 && odd);
    case Mode::nearest_away:
      return against_half >= 0;
    case Mode::toward_zero:
      return false;
    case Mode::to_odd:
      return inexact && !odd;
  }
  return false;
}

}  // namespace

double round_exact(const Exact& value, const Rounding& r) {
  const Format& f = r.format;
  if (value.negative && !f.has_sign) return kNan;
  const int exponent = value.exponent + 63;
  const int least = min_exponent(f);
  if (exponent < least && !f.has_subnormals) return min_normal(f);
  const int lattice = std::max(exponent, least) - f.significand_bits;  // 2^lattice is the spacing here
  const int shift = lattice - value.exponent;                          // 11 or more
  uint64_t quotient = 0;
  bool inexact = true;
  int against_half = -1;
  if (shift <= 64) {
    quotient = shift == 64 ? 0 : value.significand >> shift;
    const uint64_t half = uint64_t{1} << (shift - 1);
    const uint64_t remainder = value.significand - (shift == 64 ? 0 : quotient << shift);
    inexact = remainder != 0 || value.sticky;
    against_half = remainder > half || (remainder == half && value.sticky) ? 1 : remainder == half ? 0 : -1;
  }
  // Without stored significand bits the hidden one makes every quotient odd: ties go up, as in ml_dtypes.
  const bool odd = (quotient & 1) != 0;
  if (rounds_up(r.mode, odd, inexact, against_half)) ++quotient;

  if (quotient == 0) return zero(value.negative, f);
  const double size = static_cast<double>(quotient) * power_of_two(lattice);  // exact, or infinity
  if (size > max_finite(f) || (r.limit > 0 && size >= r.limit)) return overflowed(value.negative, false, r);
  if (r.flush_subnormals && size < min_normal(f)) return zero(value.negative, f);
  return value.negative ? -size : size;
}

double round(double value, const Rounding& r) {
  if (std::isnan(value)) return kNan;
  if (std::isinf(value)) {
    return value < 0 && !r.format.has_sign ? kNan : overflowed(value < 0, true, r);
  }
  if (value == 0) return zero(std::signbit(value), r.format);
  return round_exact(unpack(value), r);
}

float round_float(float value, const Rounding& rounding) {
  switch (fast_rounding(rounding)) {
    case FastRounding::float32:
      return std::isnan(value) ? std::numeric_limits<float>::quiet_NaN() : value;
    case FastRounding::float16:
      return half::from_float16(half::to_float16(value));
    case FastRounding::bfloat16:
      return half::from_bfloat16(half::to_bfloat16(value));
    case FastRounding::tf32:
      return half::round_tf32(value);
    case FastRounding::none:
      break;
  }
  const double rounded = round(static_cast<double>(value), rounding);
  return std::isnan(rounded) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(rounded);
}

namespace {

/// x rounded to float32, to odd: a later rounding to 22 bits or fewer gives what one rounding of x would.
float float_to_odd(double x) {
  auto nearest = static_cast<float>(x);
  const auto back = static_cast<double>(nearest);
  if (back == x || std::isnan(x)) return nearest;
  auto bits = std::bit_cast<uint32_t>(nearest);
  if (std::abs(back) > std::abs(x)) --bits;  // truncated; infinity becomes the largest finite, which is odd
  return std::bit_cast<float>(bits | 1u);
}

/// a * b + c rounded to float64, to odd. For float32 values the product is exact and nothing underflows.
double fma_to_odd(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const auto addend = static_cast<double>(c);
  const double sum = product + addend;
  if (!std::isfinite(sum)) return sum;
  const double other = sum - product;
  const double error = (product - (sum - other)) + (addend - other);
  auto bits = std::bit_cast<uint64_t>(sum);
  if (error == 0 || (bits & 1) != 0) return sum;
  bits += (error > 0) == (sum > 0) ? 1 : ~uint64_t{0};
  return std::bit_cast<double>(bits);
}

bool is_float32(double x) { return static_cast<double>(static_cast<float>(x)) == x; }

}  // namespace

uint16_t float16_bits(double value) { return half::to_float16(float_to_odd(value)); }
uint16_t bfloat16_bits(double value) { return half::to_bfloat16(float_to_odd(value)); }

float fma_float16(float a, float b, float c) { return half::from_float16(float16_bits(fma_to_odd(a, b, c))); }
float fma_bfloat16(float a, float b, float c) { return half::from_bfloat16(bfloat16_bits(fma_to_odd(a, b, c))); }

float fma_to_odd_float(float a, float b, float c) { return float_to_odd(fma_to_odd(a, b, c)); }

float fma_round_float(float a, float b, float c, const Rounding& rounding) {
  return static_cast<float>(
      fma_round(static_cast<double>(a), static_cast<double>(b), static_cast<double>(c), rounding));
}

double fma_round(double a, double b, double c, const Rounding& rounding) {
  const Format& f = rounding.format;
  if (is_float32(a) && is_float32(b) && is_float32(c) && f.significand_bits <= 50 &&
      min_exponent(f) - f.significand_bits >= -1000) {
    return round(fma_to_odd(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c)), rounding);
  }
  ExactSum sum;
  sum.add_product(a, b);
  sum.add(c);
  return sum.rounded(rounding);
}

}  // namespace assay::num
