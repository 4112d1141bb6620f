// Quantised codes of 8 bits and what they stand for, a vector at a time: the inner loops of ops/quantised.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops {

inline constexpr uint64_t kEachByte = 0x0101010101010101;

/// Of eight bytes, those that are not 0 become 1.
inline uint64_t booleans(uint64_t x) {
  return ((((x & ~(kEachByte << 7)) + (kEachByte << 7) - kEachByte) | x) >> 7) & kEachByte;
}

/// to[i] = the quotient to the nearest integer (ties to even) plus `zero`, saturated; NaN gives 0. `zero` is a code.
void codes_of(const float* quotients, float zero, uint8_t* to, size_t n);
void codes_of(const float* quotients, float zero, int8_t* to, size_t n);

/// to[i] = codes[i] - zero, exact.
void differences_of(const uint8_t* codes, float zero, float* to, size_t n);
void differences_of(const int8_t* codes, float zero, float* to, size_t n);

/// to[i] = values[i] rounded to nearest even.
void singles_of(const int32_t* values, float* to, size_t n);

/// Widens `low` and `high` to hold the n values. NaNs are passed over.
void widen_range(const float* values, size_t n, float& low, float& high);

}  // namespace assay::ops
