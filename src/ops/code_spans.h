// Quantised codes of 8 bits and what they stand for, a vector at a time: the inner loops of ops/quantised.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops {

/// to[i] = the quotient to the nearest integer (ties to even) plus `zero`, saturated; NaN gives 0. `zero` is a code.
void codes_of(const float* quotients, float zero, uint8_t* to, size_t n);
void codes_of(const float* quotients, float zero, int8_t* to, size_t n);

/// to[i] = codes[i] - zero, exact.
void differences_of(const uint8_t* codes, float zero, float* to, size_t n);
void differences_of(const int8_t* codes, float zero, float* to, size_t n);

/// Widens `low` and `high` to hold the n values. NaNs are passed over.
void widen_range(const float* values, size_t n, float& low, float& high);

}  // namespace assay::ops
