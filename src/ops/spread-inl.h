// Rows cut into the phases of a stride, so that the values under one tap of consecutive windows are contiguous;
// included once per target.

// Per-target include guard.
#if defined(ASSAY_OPS_SPREAD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_OPS_SPREAD_INL_H_
#undef ASSAY_OPS_SPREAD_INL_H_
#else
#define ASSAY_OPS_SPREAD_INL_H_
#endif

#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The first n lanes (n <= Lanes(d)), other lanes zero: no access beyond the n-th element. Where masks do that, without
// the way through memory that LoadN and StoreN take.
template <class D, class T>
HWY_INLINE hn::Vec<D> LoadPart(D d, const T* from, size_t n) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, n), d, from);
#else
  return assay::num::HWY_NAMESPACE::LoadN(d, from, n);
#endif
}
template <class D, class T>
HWY_INLINE void StorePart(hn::Vec<D> v, D d, T* to, size_t n) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  hn::BlendedStore(v, hn::FirstN(d, n), d, to);
#else
  assay::num::HWY_NAMESPACE::StoreN(v, d, to, n);
#endif
}

struct SeesNothing {
  template <class V>
  HWY_INLINE void operator()(V) const {}
};

/// n values whose first is column `left` of a row; column x goes to x % stride * phase + x / stride. `seen` is given
/// each value at least once, in vectors, whose further lanes are zeros.
template <class T, class Seen = SeesNothing>
HWY_INLINE void SpreadValues(const T* from, size_t n, size_t left, size_t stride, size_t phase, T* to,
                             Seen&& seen = Seen()) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto at = [&](size_t x) { return to + (x + left) % stride * phase + (x + left) / stride; };
  size_t x = 0;
  if (stride == 1) {
    for (; x + lanes <= n; x += lanes) {
      const auto v = hn::LoadU(d, from + x);
      hn::StoreU(v, d, to + left + x);
      seen(v);
    }
    if (x == n) return;
    const auto v = LoadPart(d, from + x, n - x);
    StorePart(v, d, to + left + x, n - x);
    seen(v);
  } else if (stride == 2) {
    T *const first = at(0), *const second = at(1);
    for (; x + 2 * lanes <= n; x += 2 * lanes) {
      hn::Vec<decltype(d)> even, odd;
      hn::LoadInterleaved2(d, from + x, even, odd);
      hn::StoreU(even, d, first + x / 2);
      hn::StoreU(odd, d, second + x / 2);
      seen(even);
      seen(odd);
    }
    if (x == n) return;
    const size_t left_over = n - x, low = left_over < lanes ? left_over : lanes;
    const auto lower = LoadPart(d, from + x, low), upper = LoadPart(d, from + x + low, left_over - low);
    const auto even = hn::ConcatEven(d, upper, lower), odd = hn::ConcatOdd(d, upper, lower);
    StorePart(even, d, first + x / 2, (left_over + 1) / 2);
    StorePart(odd, d, second + x / 2, left_over / 2);
    seen(even);
    seen(odd);
  } else {
    for (size_t i = 0; i < n; i += lanes) seen(LoadPart(d, from + i, n - i < lanes ? n - i : lanes));
    size_t column = left % stride;
    for (T* place = at(0); x < n; ++x) {
      *place = from[x];
      const bool wraps = ++column == stride;
      place = wraps ? place - (stride - 1) * phase + 1 : place + phase;
      if (wraps) column = 0;
    }
  }
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
