// The scalar conversions between float32 and 16-bit storage, inline: one definition for format.h's functions and for
// the emulated vectors of simd-inl.h. Integers only, so no rounding mode of the machine can change them.
#pragma once
#include <bit>
#include <cstdint>

namespace assay::num::half {

inline constexpr uint32_t kNan32 = 0x7fc00000u;
inline constexpr uint16_t kNan16 = 0x7e00u;
inline constexpr uint16_t kNanBrain = 0x7fc0u;

/// Nearest even, subnormals kept, overflow to infinity, NaN to 0x7e00.
constexpr uint16_t to_float16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return kNan16;
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65520 and above
  if (magnitude >= 0x38800000u) {                                              // 2^-14: normal
    magnitude += 0xfffu + ((magnitude >> 13) & 1u);
    return static_cast<uint16_t>(sign | ((magnitude - 0x38000000u) >> 13));
  }
  if (magnitude <= 0x33000000u) return sign;        // 2^-25: a tie with zero, which is even
  const uint32_t shift = 126u - (magnitude >> 23);  // significand * 2^(e-150) in units of 2^-24
  const uint32_t significand = (magnitude & 0x7fffffu) | 0x800000u;
  const uint32_t quotient = significand >> shift;
  const uint32_t bias = ((1u << (shift - 1)) - 1u) + (quotient & 1u);
  return static_cast<uint16_t>(sign | ((significand + bias) >> shift));
}

/// Exact. A NaN keeps its sign and payload and becomes quiet, as the conversion instructions do it.
constexpr float from_float16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t fraction = bits & 0x3ffu;
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7f800000u | (fraction << 13) | (fraction != 0 ? 0x400000u : 0u));
  }
  if (exponent == 0) {
    const auto magnitude = std::bit_cast<uint32_t>(static_cast<float>(fraction) * 0x1p-24f);
    return std::bit_cast<float>(sign | magnitude);
  }
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

/// Nearest even, subnormals kept, overflow to infinity, NaN to 0x7fc0.
constexpr uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return kNanBrain;
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// Exact; a NaN keeps its bits.
constexpr float from_bfloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// float32 to the nearest TF32 (10 stored significand bits), ties to even; NaN to 0x7fc00000.
constexpr float round_tf32(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return std::bit_cast<float>(kNan32);
  return std::bit_cast<float>((bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu);
}

}  // namespace assay::num::half
