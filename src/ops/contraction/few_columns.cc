#include "ops/contraction/few_columns.h"

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

/// kV vectors of rows by kN columns.
template <size_t kV, size_t kN, class T>
HWY_INLINE void Block(const T* HWY_RESTRICT a, size_t k, const T* HWY_RESTRICT x, size_t n, bool resume,
                      T* HWY_RESTRICT sums) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  V sum[kN][kV];
#pragma GCC unroll 4
  for (size_t j = 0; j < kN; ++j) {
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) sum[j][v] = resume ? hn::LoadU(d, sums + j * kLanesPanel + v * lanes) : hn::Zero(d);
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
#pragma GCC unroll 4
  for (size_t j = 0; j < kN; ++j) {
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) hn::StoreU(sum[j][v], d, sums + j * kLanesPanel + v * lanes);
  }
}

template <size_t kV, class T>
HWY_INLINE void Columns(const T* a, size_t k, const T* x, size_t n, bool resume, T* sums) {
  size_t j = 0;
  for (; j + kMostColumns <= n; j += kMostColumns)
    Block<kV, kMostColumns>(a, k, x + j, n, resume, sums + j * kLanesPanel);
  if constexpr (kMostColumns == 4) {
    if (n - j == 3) Block<kV, 3>(a, k, x + j, n, resume, sums + j * kLanesPanel);
    if (n - j == 2) Block<kV, 2>(a, k, x + j, n, resume, sums + j * kLanesPanel);
  }
  if (n - j == 1) Block<kV, 1>(a, k, x + j, n, resume, sums + j * kLanesPanel);
}

template <class T>
HWY_INLINE void FewColumns(const T* a, size_t rows, size_t k, const T* x, size_t n, bool resume, T* sums) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<T>());
  size_t first = 0;
  while (first < rows) {
    const size_t left = rows - first;
    // One column alone has too few sums to hide each other's latency unless they are many.
    if (n == 1 && left > 4 * lanes && first + 8 * lanes <= kLanesPanel) {
      Block<8, 1>(a + first, k, x, n, resume, sums + first);
      first += 8 * lanes;
    } else if (left > 2 * lanes) {
      Columns<4>(a + first, k, x, n, resume, sums + first);
      first += 4 * lanes;
    } else if (left > lanes) {
      Columns<2>(a + first, k, x, n, resume, sums + first);
      first += 2 * lanes;
    } else {
      Columns<1>(a + first, k, x, n, resume, sums + first);
      first += lanes;
    }
  }
}

void FewFloat(const float* a, size_t rows, size_t k, const float* x, size_t n, bool resume, float* sums) {
  FewColumns(a, rows, k, x, n, resume, sums);
}
void FewDouble(const double* a, size_t rows, size_t k, const double* x, size_t n, bool resume, double* sums) {
  FewColumns(a, rows, k, x, n, resume, sums);
}

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(FewFloat);
HWY_EXPORT(FewDouble);

void few_columns(const float* a, size_t rows, size_t k, const float* x, size_t n, bool resume, float* sums) {
  HWY_DYNAMIC_DISPATCH(FewFloat)(a, rows, k, x, n, resume, sums);
}
void few_columns(const double* a, size_t rows, size_t k, const double* x, size_t n, bool resume, double* sums) {
  HWY_DYNAMIC_DISPATCH(FewDouble)(a, rows, k, x, n, resume, sums);
}

}  // namespace assay::ops::contraction
#endif
