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
    const auto vector = [&]() HWY_ATTR {
      const auto v = hn::LoadU(d, from + x);
      hn::StoreU(v, d, to + left + x);
      seen(v);
      x += lanes;
    };
    while (x + lanes <= n) vector();
    if (x < n && n > lanes) {  // the last vector overlaps the one before
      x = n - lanes;
      vector();
    }
    if (x < n) {
      seen(assay::num::HWY_NAMESPACE::LoadN(d, from, n));
      for (; x < n; ++x) to[left + x] = from[x];
    }
  } else if (stride == 2) {
    T *const first = at(0), *const second = at(1);
    const auto pairs = [&]() HWY_ATTR {
      hn::Vec<decltype(d)> even, odd;
      hn::LoadInterleaved2(d, from + x, even, odd);
      hn::StoreU(even, d, first + x / 2);
      hn::StoreU(odd, d, second + x / 2);
      seen(even);
      seen(odd);
      x += 2 * lanes;
    };
    while (x + 2 * lanes <= n) pairs();
    if (x + 1 < n && n >= 2 * lanes) {
      x = (n - 2 * lanes) / 2 * 2;
      pairs();
    }
    for (size_t i = x; i < n; i += lanes) seen(assay::num::HWY_NAMESPACE::LoadN(d, from + i, n - i));
    for (; x < n; x += 2) {
      first[x / 2] = from[x];
      if (x + 1 < n) second[x / 2] = from[x + 1];
    }
  } else {
    for (size_t i = 0; i < n; i += lanes) seen(assay::num::HWY_NAMESPACE::LoadN(d, from + i, n - i));
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
