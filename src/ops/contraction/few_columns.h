// Products with few columns (a convolution over few output pixels): the rows of A lie along the vectors, where the
// columns would fill tiles in part.
#pragma once
#include <cstddef>

namespace assay::ops::contraction {

inline constexpr size_t kLanesPanel = 64;  ///< rows of a panel of A, float and double

/// sums[j * kLanesPanel + i] = sum over k, ascending, of a[k * kLanesPanel + i] * x[k * n + j] by fused multiply-adds,
/// for i < rows <= kLanesPanel and j < n: from +0, or from what sums holds (`resume`). Whole vectors of A and of sums
/// are used, up to the end of the panel.
void few_columns(const float* a, size_t rows, size_t k, const float* x, size_t n, bool resume, float* sums);
void few_columns(const double* a, size_t rows, size_t k, const double* x, size_t n, bool resume, double* sums);

}  // namespace assay::ops::contraction
