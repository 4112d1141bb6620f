// Spans of float32 that kernels look at, choose from or add up, a vector at a time.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::ops {

/// out[i] = whether a[i] is NaN.
void nans_of(const float* a, size_t n, uint8_t* out);
/// out[i] = whether a[i] is infinity (where `positive`) or -infinity (where `negative`).
void infinities_of(const float* a, size_t n, bool positive, bool negative, uint8_t* out);
/// y[i] = -1, 0 or 1; zeros and NaNs as a[i] + 0 has them.
void signs_of(const float* a, size_t n, float* y);
/// y[i] = bound < a[i] ? a[i] : 0.
void keep_above(const float* a, float bound, size_t n, float* y);
/// y[i] = 0 + terms[0][i] + terms[1][i] + ..., one addition after the other; NaN is canonical. y is none of the terms.
void add_terms(const float* const* terms, size_t count, size_t n, float* y);

}  // namespace assay::ops
