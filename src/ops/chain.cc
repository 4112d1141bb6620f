#include "ops/chain.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/chain.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

/// y[j] = fma(x[i], m[i][j], y[j]) for kSteps ascending i: one load and store of y for all of them.
template <size_t kSteps, class T>
HWY_INLINE void Advance(const T* HWY_RESTRICT x, const T* HWY_RESTRICT m, size_t stride, size_t n, T* HWY_RESTRICT y) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> factor[kSteps];
#pragma GCC unroll 8
  for (size_t i = 0; i < kSteps; ++i) factor[i] = hn::Set(d, x[i]);
  size_t j = 0;
  for (; j + lanes <= n; j += lanes) {
    auto sum = hn::LoadU(d, y + j);
#pragma GCC unroll 8
    for (size_t i = 0; i < kSteps; ++i) sum = simd::Fma(d, factor[i], hn::LoadU(d, m + i * stride + j), sum);
    hn::StoreU(sum, d, y + j);
  }
  if (j == n) return;
  auto sum = simd::LoadN(d, y + j, n - j);
#pragma GCC unroll 8
  for (size_t i = 0; i < kSteps; ++i) sum = simd::Fma(d, factor[i], simd::LoadN(d, m + i * stride + j, n - j), sum);
  simd::StoreN(sum, d, y + j, n - j);
}

template <class T>
HWY_INLINE void Sums(const T* x, const T* m, size_t stride, size_t k, size_t n, T* y) {
  size_t i = 0;
  for (; i + 8 <= k; i += 8) Advance<8>(x + i, m + i * stride, stride, n, y);
  for (; i < k; ++i) Advance<1>(x + i, m + i * stride, stride, n, y);
  const hn::ScalableTag<T> d;
  for (size_t j = 0; j < n; j += hn::Lanes(d))
    simd::StoreN(simd::CanonicalNan(d, simd::LoadN(d, y + j, n - j)), d, y + j, n - j);
}
void SumsFloat(const float* x, const float* m, size_t stride, size_t k, size_t n, float* y) {
  Sums(x, m, stride, k, n, y);
}
void SumsDouble(const double* x, const double* m, size_t stride, size_t k, size_t n, double* y) {
  Sums(x, m, stride, k, n, y);
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops {

HWY_EXPORT(SumsFloat);
HWY_EXPORT(SumsDouble);

void add_fused_products(const float* x, const float* m, size_t stride, size_t k, size_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(SumsFloat)(x, m, stride, k, n, y);
}
void add_fused_products(const double* x, const double* m, size_t stride, size_t k, size_t n, double* y) {
  HWY_DYNAMIC_DISPATCH(SumsDouble)(x, m, stride, k, n, y);
}

}  // namespace assay::ops
#endif
