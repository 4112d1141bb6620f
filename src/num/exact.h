// A finite real number in hand, before it is rounded: what every exact computation of this folder ends in.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

#include "num/format.h"

namespace assay::num {

__extension__ typedef unsigned __int128 Uint128;

/// (significand + s) * 2^exponent with s = 0, or some 0 < s < 1 when `sticky`. Bit 63 of the significand is set.
struct Exact {
  bool negative = false;
  uint64_t significand = 0;
  int exponent = 0;
  bool sticky = false;
};

/// 2^exponent; exponent -1074..1023.
constexpr double power_of_two(int exponent) {
  if (exponent >= -1022) return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
  return std::bit_cast<double>(uint64_t{1} << (exponent + 1074));
}

/// `value` must be finite and not zero.
inline Exact unpack(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const int field = static_cast<int>((bits >> 52) & 0x7ff);
  uint64_t significand = bits & 0xfffffffffffffull;
  if (field != 0) significand |= uint64_t{1} << 52;
  const int zeros = std::countl_zero(significand);
  return {(bits >> 63) != 0, significand << zeros, (field != 0 ? field : 1) - 1075 - zeros, false};
}

/// Exponents of the smallest normal and of the largest finite magnitude.
constexpr int min_exponent(const Format& f) { return (f.has_subnormals ? 1 : 0) - f.bias; }
constexpr int max_exponent(const Format& f) {
  const bool reserved = f.specials == Specials::ieee || (f.specials == Specials::nan_only && f.significand_bits == 0);
  return (1 << f.exponent_bits) - (reserved ? 2 : 1) - f.bias;
}

/// `value` rounded once.
double round_exact(const Exact& value, const Rounding& rounding);

}  // namespace assay::num
