// Products with few columns (a convolution over few output pixels): the rows of A lie along the vectors, where the
// columns would fill a tile in part.
#pragma once
#include <cstddef>

namespace assay::ops::contraction {

inline constexpr size_t kFewColumns = 8;  ///< beyond, tiles along the columns are filled well enough
/// Rows of a panel of A; float and double.
inline constexpr size_t kLanesPanel = 64;

/// y[i * n + j] = sum over k, ascending from +0, of a[k * kLanesPanel + i] * x[k * n + j] by fused multiply-adds, for
/// i < rows <= kLanesPanel, j < n <= kFewColumns. Columns of A up to the end of the panel are read, and y has room for
/// kLanesPanel * n values.
void few_columns(const float* a, size_t rows, size_t k, const float* x, size_t n, float* y);
void few_columns(const double* a, size_t rows, size_t k, const double* x, size_t n, double* y);

}  // namespace assay::ops::contraction
