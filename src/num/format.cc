#include "num/format.h"

#include <array>
#include <cmath>
#include <limits>

#include "num/exact.h"
#include "num/half.h"

namespace assay::num {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// In the order of FormatId.
constexpr std::array kFormats = {
    Format{"float64", 11, 52, 1023},
    Format{"float32", 8, 23, 127},
    Format{"tf32", 8, 10, 127},
    Format{"bfloat16", 8, 7, 127},
    Format{"float16", 5, 10, 15},
    Format{"float8e4m3fn", 4, 3, 7, Specials::nan_only},
    Format{"float8e4m3fnuz", 4, 3, 8, Specials::fnuz},
    Format{"float8e5m2", 5, 2, 15},
    Format{"float8e5m2fnuz", 5, 2, 16, Specials::fnuz},
    Format{"float8e8m0", 8, 0, 127, Specials::nan_only, false, false},
    Format{"float4e2m1", 2, 1, 1, Specials::none},
};

uint64_t sign_bit(const Format& f) { return f.has_sign ? uint64_t{1} << (f.width() - 1) : 0; }

uint64_t nan_bits(const Format& f) {
  const uint64_t exponent_ones = ((uint64_t{1} << f.exponent_bits) - 1) << f.significand_bits;
  switch (f.specials) {
    case Specials::ieee:
      return exponent_ones | (uint64_t{1} << (f.significand_bits - 1));
    case Specials::nan_only:
      return exponent_ones | ((uint64_t{1} << f.significand_bits) - 1);
    case Specials::fnuz:
      return sign_bit(f);
    case Specials::none:
      break;
  }
  return 0;
}

/// Spacing of the lattice at and above the magnitude `size` (finite).
double spacing_above(double size, const Format& f) {
  const int exponent = size == 0 ? min_exponent(f) : std::max(unpack(size).exponent + 63, min_exponent(f));
  return power_of_two(exponent - f.significand_bits);
}

double magnitude_up(double size, const Format& f) {
  if (size >= max_finite(f)) return kInfinity;
  return size + spacing_above(size, f);
}

double magnitude_down(double size, const Format& f) {
  if (std::isinf(size)) return max_finite(f);
  if (size <= min_subnormal(f)) return f.has_subnormals ? 0 : size;
  const double step = spacing_above(size, f);
  const Exact parts = unpack(size);
  const bool power = parts.significand == uint64_t{1} << 63;
  return power && parts.exponent + 63 > min_exponent(f) ? size - step / 2 : size - step;
}

double with_sign(double size, bool negative, const Format& f) {
  if (size == 0 && (f.specials == Specials::fnuz || !f.has_sign)) return 0;
  return negative ? -size : size;
}

}  // namespace

const Format& format(FormatId id) { return kFormats[static_cast<size_t>(id)]; }

std::optional<FormatId> format_named(std::string_view name) {
  for (size_t i = 0; i < kFormats.size(); ++i) {
    if (kFormats[i].name == name) return static_cast<FormatId>(i);
  }
  return std::nullopt;
}

Format ieee_like(int exponent_bits, int significand_bits) {
  return {"ieee-like", exponent_bits, significand_bits, (1 << (exponent_bits - 1)) - 1};
}

double max_finite(const Format& f) {
  // All significand bits set, less one where that code is NaN.
  const bool last_is_nan = f.specials == Specials::nan_only && f.significand_bits > 0;
  return (2 - power_of_two(-f.significand_bits) * (last_is_nan ? 2 : 1)) * power_of_two(max_exponent(f));
}

double min_normal(const Format& f) { return power_of_two(min_exponent(f)); }

double min_subnormal(const Format& f) {
  return f.has_subnormals ? power_of_two(min_exponent(f) - f.significand_bits) : min_normal(f);
}

bool representable(double value, const Format& f) {
  if (std::isnan(value)) return f.specials != Specials::none;
  if (std::isinf(value)) return f.specials == Specials::ieee;
  if (value == 0) return f.has_subnormals && (!std::signbit(value) || (f.has_sign && f.specials != Specials::fnuz));
  if (value < 0 && !f.has_sign) return false;
  return std::abs(value) <= max_finite(f) && round(value, {f, Mode::toward_zero}) == value;
}

double next_up(double value, const Format& f) {
  if (std::isnan(value)) return kNan;
  return value >= 0 ? magnitude_up(value, f) : with_sign(magnitude_down(-value, f), true, f);
}

double next_down(double value, const Format& f) {
  if (std::isnan(value)) return kNan;
  if (!f.has_sign) return magnitude_down(value, f);
  return value > 0 ? magnitude_down(value, f) : -magnitude_up(-value, f);
}

uint64_t encode(double value, const Format& f) {
  if (std::isnan(value)) return nan_bits(f);
  const uint64_t sign = std::signbit(value) && (value != 0 || f.specials != Specials::fnuz) ? sign_bit(f) : 0;
  if (value == 0) return sign;
  if (std::isinf(value)) {
    if (f.specials != Specials::ieee) return nan_bits(f);
    return sign | (((uint64_t{1} << f.exponent_bits) - 1) << f.significand_bits);
  }
  const Exact parts = unpack(value);
  const int exponent = parts.exponent + 63;
  if (exponent < min_exponent(f)) {  // subnormal: units of 2^(min_exponent - significand_bits)
    return sign | (parts.significand >> (63 - f.significand_bits + min_exponent(f) - exponent));
  }
  const uint64_t fraction = (parts.significand << 1) >> 1 >> (63 - f.significand_bits);
  return sign | (static_cast<uint64_t>(exponent + f.bias) << f.significand_bits) | fraction;
}

double decode(uint64_t bits, const Format& f) {
  if (f.width() < 64) bits &= (uint64_t{1} << f.width()) - 1;
  const bool negative = (bits & sign_bit(f)) != 0;
  const uint64_t magnitude = bits & ~sign_bit(f);
  const uint64_t fraction = magnitude & ((uint64_t{1} << f.significand_bits) - 1);
  const int field = static_cast<int>(magnitude >> f.significand_bits);
  const int ones = (1 << f.exponent_bits) - 1;
  if (f.specials == Specials::ieee && field == ones) return fraction != 0 ? kNan : negative ? -kInfinity : kInfinity;
  if (f.specials == Specials::nan_only && magnitude == nan_bits(f)) return kNan;
  if (f.specials == Specials::fnuz && bits == nan_bits(f)) return kNan;
  const bool subnormal = field == 0 && f.has_subnormals;
  const uint64_t significand = subnormal ? fraction : fraction | (uint64_t{1} << f.significand_bits);
  const int exponent = subnormal ? min_exponent(f) : field - f.bias;
  // Two exact products: the power alone may lie below the smallest float64.
  const double size = static_cast<double>(significand) * power_of_two(-f.significand_bits) * power_of_two(exponent);
  return negative ? -size : size;
}

uint16_t float16_bits(float value) { return half::to_float16(value); }
uint16_t bfloat16_bits(float value) { return half::to_bfloat16(value); }
float float16_value(uint16_t bits) { return half::from_float16(bits); }
float bfloat16_value(uint16_t bits) { return half::from_bfloat16(bits); }

}  // namespace assay::num
