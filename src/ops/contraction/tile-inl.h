// The tile loop that the micro-kernels of chains share; included once per target.

// Per-target include guard.
#if defined(ASSAY_OPS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_OPS_TILE_INL_H_
#undef ASSAY_OPS_TILE_INL_H_
#else
#define ASSAY_OPS_TILE_INL_H_
#endif

#include <utility>

#include "num/simd-inl.h"
#include "ops/contraction/tile.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

// Rows of a tile and vectors of a row: as many accumulators as leave registers for one row of B and a broadcast.
#if HWY_TARGET == HWY_AVX3
inline constexpr size_t kRows = 12, kVectors = 2;
#elif HWY_TARGET == HWY_AVX2
inline constexpr size_t kRows = 6, kVectors = 2;
#else
inline constexpr size_t kRows = 6, kVectors = 4;
#endif

template <class T>
size_t TileColumns() {
  return kVectors * hn::Lanes(hn::ScalableTag<T>());
}

/// Step is a functor (d, a, b, acc) -> acc on vectors; made from the policy once per call. Of each row of B, the first
/// kWide vectors.
template <size_t kM, size_t kWide = kVectors, class T, class Step>
HWY_INLINE void Tile(size_t kc, const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, T* HWY_RESTRICT c, size_t ldc,
                     bool resume, const Step& step) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  const size_t lanes = hn::Lanes(d);
  V acc[kM][kWide];
#pragma GCC unroll 16
  for (size_t i = 0; i < kM; ++i) {
#pragma GCC unroll 4
    for (size_t j = 0; j < kWide; ++j) acc[i][j] = resume ? hn::LoadU(d, c + i * ldc + j * lanes) : hn::Zero(d);
  }
  for (size_t k = 0; k < kc; ++k) {
    V row[kWide];
#pragma GCC unroll 4
    for (size_t j = 0; j < kWide; ++j) row[j] = hn::Load(d, b + j * lanes);
#pragma GCC unroll 16
    for (size_t i = 0; i < kM; ++i) {
      const V x = hn::Set(d, a[i]);
#pragma GCC unroll 4
      for (size_t j = 0; j < kWide; ++j) acc[i][j] = step(d, x, row[j], acc[i][j]);
    }
    a += kRows;
    b += kVectors * lanes;
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kM; ++i) {
#pragma GCC unroll 4
    for (size_t j = 0; j < kWide; ++j) hn::StoreU(acc[i][j], d, c + i * ldc + j * lanes);
  }
}

inline constexpr bool kWholeK = true;  ///< of SetOf: KernelSet::whole_k

/// A kernel set of Make<rows>::Run for some numbers of rows; a tile of another number takes the next larger kernel,
/// whose further rows are of zeros and land where nobody looks (panels and blocks hold whole tiles).
template <class T, template <size_t> class Make, size_t... kM>
KernelSet<T> SetOf(std::index_sequence<kM...>, bool whole_k) {
  KernelSet<T> set;
  set.mr = kRows;
  set.nr = TileColumns<T>();
  set.whole_k = whole_k;
  size_t next = 1;
  const auto serve = [&](size_t rows, MicroKernel<T> kernel) {
    for (; next <= rows; ++next) set.by_rows[next] = kernel;
  };
  (serve(kM, &Make<kM>::Run), ...);
  return set;
}
template <class T, template <size_t> class Make>
KernelSet<T> SetOf(bool whole_k = false) {
  if constexpr (kRows == 12) {
    return SetOf<T, Make>(std::index_sequence<1, 2, 4, 6, 8, 12>(), whole_k);
  } else {
    return SetOf<T, Make>(std::index_sequence<1, 2, 4, 6>(), whole_k);
  }
}

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
