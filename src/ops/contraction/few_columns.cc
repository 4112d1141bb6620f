#include "ops/contraction/few_columns.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/few_columns.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

// Columns at a time: their sums, a vector of A and a broadcast each stay in registers.
#if HWY_TARGET == HWY_AVX2
inline constexpr size_t kMostColumns = 2;
#else
inline constexpr size_t kMostColumns = 4;
#endif

/// kV vectors of rows by kN columns from column j; sums to y[i * n + j + column] for i < rows.
template <size_t kV, size_t kN, class T>
HWY_INLINE void Block(const T* HWY_RESTRICT a, size_t rows, size_t k, const T* HWY_RESTRICT x, size_t n,
                      T* HWY_RESTRICT y) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  V sum[kN][kV];
#pragma GCC unroll 4
  for (size_t j = 0; j < kN; ++j) {
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) sum[j][v] = hn::Zero(d);
  }
  for (size_t i = 0; i < k; ++i) {
    V factor[kN];
#pragma GCC unroll 4
    for (size_t j = 0; j < kN; ++j) factor[j] = hn::Set(d, x[j]);
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) {
      const V of_a = hn::LoadU(d, a + v * lanes);
#pragma GCC unroll 4
      for (size_t j = 0; j < kN; ++j) sum[j][v] = simd::Fma(d, of_a, factor[j], sum[j][v]);
    }
    a += kLanesPanel;
    x += n;
  }
  if (n == 1) {
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) hn::StoreU(sum[0][v], d, y + v * lanes);
    return;
  }
  alignas(64) T columns[kN][kLanesPanel];
#pragma GCC unroll 4
  for (size_t j = 0; j < kN; ++j) {
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) hn::StoreU(sum[j][v], d, columns[j] + v * lanes);
  }
  const size_t count = std::min(rows, kV * lanes);
  for (size_t i = 0; i < count; ++i) {
#pragma GCC unroll 4
    for (size_t j = 0; j < kN; ++j) y[i * n + j] = columns[j][i];
  }
}

template <size_t kV, class T>
HWY_INLINE void Columns(const T* a, size_t rows, size_t k, const T* x, size_t n, T* y) {
  size_t j = 0;
  for (; j + kMostColumns <= n; j += kMostColumns) Block<kV, kMostColumns>(a, rows, k, x + j, n, y + j);
  if constexpr (kMostColumns == 4) {
    if (n - j == 3) Block<kV, 3>(a, rows, k, x + j, n, y + j);
    if (n - j == 2) Block<kV, 2>(a, rows, k, x + j, n, y + j);
  }
  if (n - j == 1) Block<kV, 1>(a, rows, k, x + j, n, y + j);
}

template <class T>
HWY_INLINE void FewColumns(const T* a, size_t rows, size_t k, const T* x, size_t n, T* y) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<T>());
  size_t first = 0;
  while (first < rows) {
    const size_t left = rows - first;
    // One column alone has too few sums to hide each other's latency unless they are many.
    if (n == 1 && left > 4 * lanes && first + 8 * lanes <= kLanesPanel) {
      Block<8, 1>(a + first, left, k, x, n, y + first);
      first += 8 * lanes;
    } else if (left > 2 * lanes) {
      Columns<4>(a + first, left, k, x, n, y + first * n);
      first += 4 * lanes;
    } else if (left > lanes) {
      Columns<2>(a + first, left, k, x, n, y + first * n);
      first += 2 * lanes;
    } else {
      Columns<1>(a + first, left, k, x, n, y + first * n);
      first += lanes;
    }
  }
}

void FewFloat(const float* a, size_t rows, size_t k, const float* x, size_t n, float* y) {
  FewColumns(a, rows, k, x, n, y);
}
void FewDouble(const double* a, size_t rows, size_t k, const double* x, size_t n, double* y) {
  FewColumns(a, rows, k, x, n, y);
}

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(FewFloat);
HWY_EXPORT(FewDouble);

void few_columns(const float* a, size_t rows, size_t k, const float* x, size_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(FewFloat)(a, rows, k, x, n, y);
}
void few_columns(const double* a, size_t rows, size_t k, const double* x, size_t n, double* y) {
  HWY_DYNAMIC_DISPATCH(FewDouble)(a, rows, k, x, n, y);
}

}  // namespace assay::ops::contraction
#endif
