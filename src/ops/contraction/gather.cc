#include "ops/contraction/gather.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/gather.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"
#include "ops/spread-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

/// Calls row(source of the tap) for each k in turn.
template <class T, class Row>
HWY_INLINE void EachTap(const T* input, size_t channel_pitch, std::span<const size_t> taps, size_t first_k, size_t kc,
                        const Row& row) {
  const T* channel = input + first_k / taps.size() * channel_pitch;
  size_t tap = first_k % taps.size();
  for (size_t i = 0; i < kc; ++i) {
    row(channel + taps[tap]);
    if (++tap == taps.size()) {
      tap = 0;
      channel += channel_pitch;
    }
  }
}

template <class T>
HWY_INLINE void Gather(const T* input, std::span<const Segment> segments, size_t channel_pitch,
                       std::span<const size_t> taps, size_t first_k, size_t kc, size_t width, T* to) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  if (segments.size() == 1) {
    const size_t from = segments[0].from;
    EachTap(input, channel_pitch, taps, first_k, kc, [&](const T* at) HWY_ATTR {
      for (size_t j = 0; j < width; j += lanes) hn::StoreU(hn::LoadU(d, at + from + j), d, to + j);
      to += width;
    });
    return;
  }
  // A segment's last vector spills over what the next segment, then the next k, overwrites.
  EachTap(input, channel_pitch, taps, first_k, kc, [&](const T* at) HWY_ATTR {
    for (const Segment& s : segments) {
      for (size_t j = 0; j < s.count; j += lanes) hn::StoreU(hn::LoadU(d, at + s.from + j), d, to + s.column + j);
    }
    to += width;
  });
}

/// kR rows of at most kV vectors: sums of their own hide each other's latency.
template <size_t kR, size_t kV, class T>
HWY_INLINE void DepthwiseBlock(const T* HWY_RESTRICT input, size_t pitch, std::span<const size_t> taps,
                               const T* HWY_RESTRICT weights, T start, size_t n, T* HWY_RESTRICT out) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sum[kR][kV];
#pragma GCC unroll 4
  for (size_t r = 0; r < kR; ++r) {
#pragma GCC unroll 4
    for (size_t v = 0; v < kV; ++v) sum[r][v] = hn::Set(d, start);
  }
  for (size_t t = 0; t < taps.size(); ++t) {
    const T* at = input + taps[t];
    const auto w = hn::Set(d, weights[t]);
#pragma GCC unroll 4
    for (size_t r = 0; r < kR; ++r) {
#pragma GCC unroll 4
      for (size_t v = 0; v < kV; ++v) sum[r][v] = simd::Fma(d, hn::LoadU(d, at + r * pitch + v * lanes), w, sum[r][v]);
    }
  }
  // A row's last vector spills over what the next row overwrites.
#pragma GCC unroll 4
  for (size_t r = 0; r < kR; ++r) {
#pragma GCC unroll 4
    for (size_t v = 0; v < kV; ++v) hn::StoreU(sum[r][v], d, out + r * n + v * lanes);
  }
}

template <size_t kR, size_t kV, class T>
HWY_INLINE void NarrowRows(const T* input, size_t pitch, size_t rows, std::span<const size_t> taps, const T* weights,
                           T start, size_t n, T* out) {
  size_t r = 0;
  for (; r + kR <= rows; r += kR)
    DepthwiseBlock<kR, kV>(input + r * pitch, pitch, taps, weights, start, n, out + r * n);
  for (; r < rows; ++r) DepthwiseBlock<1, kV>(input + r * pitch, pitch, taps, weights, start, n, out + r * n);
}

template <class T>
HWY_INLINE void DepthwiseRows(const T* input, size_t pitch, size_t rows, std::span<const size_t> taps, const T* weights,
                              T start, size_t n, T* out) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<T>());
  if (n <= lanes) return NarrowRows<4, 1>(input, pitch, rows, taps, weights, start, n, out);
  if (n <= 2 * lanes) return NarrowRows<2, 2>(input, pitch, rows, taps, weights, start, n, out);
  for (size_t r = 0; r < rows; ++r, input += pitch, out += n) {
    size_t i = 0;
    for (; i + 2 * lanes < n; i += 4 * lanes) DepthwiseBlock<1, 4>(input + i, 0, taps, weights, start, n, out + i);
    if (i + lanes < n) {
      DepthwiseBlock<1, 2>(input + i, 0, taps, weights, start, n, out + i);
    } else if (i < n) {
      DepthwiseBlock<1, 1>(input + i, 0, taps, weights, start, n, out + i);
    }
  }
}

/// The smallest magnitude that is not zero; NaNs do not count.
template <class T>
class Smallest {
 public:
  using D = hn::ScalableTag<T>;
  HWY_INLINE Smallest() : infinity_(hn::Set(D(), std::numeric_limits<T>::infinity())), least_(infinity_) {}
  HWY_INLINE void operator()(hn::Vec<D> v) {
    const D d;
    const auto size = hn::Abs(v);
    least_ = hn::Min(least_, hn::IfThenElse(hn::Gt(size, hn::Zero(d)), size, infinity_));
  }
  HWY_INLINE T Get() const {
    const D d;
    alignas(64) T all[hn::MaxLanes(d)];
    hn::Store(least_, d, all);
    return *std::min_element(all, all + hn::Lanes(d));
  }

 private:
  hn::Vec<D> infinity_, least_;
};

template <class T>
HWY_INLINE T SpreadRows(const T* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                        size_t phase, T* to) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d), width = stride * phase;
  const auto clear = [&](size_t from, size_t end) HWY_ATTR {
    for (; from + lanes <= end; from += lanes) hn::StoreU(hn::Zero(d), d, to + from);
    for (; from < end; ++from) to[from] = 0;
  };
  Smallest<T> least;
  for (const int64_t place : places) {
    if (stride == 1 && place >= 0) {
      clear(0, left);
      clear(left + n, width);
    } else {
      clear(0, width);
    }
    if (place >= 0) ops::HWY_NAMESPACE::SpreadValues(input + place, n, left, stride, phase, to, least);
    to += width;
  }
  return least.Get();
}
float SpreadFloat(const float* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                  size_t phase, float* to) {
  return SpreadRows(input, places, n, left, stride, phase, to);
}
double SpreadDouble(const double* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                    size_t phase, double* to) {
  return SpreadRows(input, places, n, left, stride, phase, to);
}

template <class T>
HWY_INLINE T SmallestOf(const T* values, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  Smallest<T> least;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) least(hn::LoadU(d, values + i));
  if (i < n) least(simd::LoadN(d, values + i, n - i));
  return least.Get();
}
float SmallestFloat(const float* values, size_t n) { return SmallestOf(values, n); }
double SmallestDouble(const double* values, size_t n) { return SmallestOf(values, n); }

void GatherFloat(const float* input, std::span<const Segment> segments, size_t pitch, std::span<const size_t> taps,
                 size_t first_k, size_t kc, size_t width, float* to) {
  Gather(input, segments, pitch, taps, first_k, kc, width, to);
}
void GatherDouble(const double* input, std::span<const Segment> segments, size_t pitch, std::span<const size_t> taps,
                  size_t first_k, size_t kc, size_t width, double* to) {
  Gather(input, segments, pitch, taps, first_k, kc, width, to);
}
void DepthwiseFloat(const float* input, size_t pitch, size_t rows, std::span<const size_t> taps, const float* weights,
                    float start, size_t n, float* out) {
  DepthwiseRows(input, pitch, rows, taps, weights, start, n, out);
}
void DepthwiseDouble(const double* input, size_t pitch, size_t rows, std::span<const size_t> taps,
                     const double* weights, double start, size_t n, double* out) {
  DepthwiseRows(input, pitch, rows, taps, weights, start, n, out);
}

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(SpreadFloat);
HWY_EXPORT(SpreadDouble);
HWY_EXPORT(SmallestFloat);
HWY_EXPORT(SmallestDouble);
HWY_EXPORT(GatherFloat);
HWY_EXPORT(GatherDouble);
HWY_EXPORT(DepthwiseFloat);
HWY_EXPORT(DepthwiseDouble);

float spread_rows(const float* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                  size_t phase, float* to) {
  return HWY_DYNAMIC_DISPATCH(SpreadFloat)(input, places, n, left, stride, phase, to);
}
double spread_rows(const double* input, std::span<const int64_t> places, size_t n, size_t left, size_t stride,
                   size_t phase, double* to) {
  return HWY_DYNAMIC_DISPATCH(SpreadDouble)(input, places, n, left, stride, phase, to);
}
float smallest_nonzero(const float* values, size_t n) { return HWY_DYNAMIC_DISPATCH(SmallestFloat)(values, n); }
double smallest_nonzero(const double* values, size_t n) { return HWY_DYNAMIC_DISPATCH(SmallestDouble)(values, n); }

void gather_panel(const float* input, std::span<const Segment> segments, size_t channel_pitch,
                  std::span<const size_t> taps, size_t first_k, size_t kc, size_t width, float* to) {
  HWY_DYNAMIC_DISPATCH(GatherFloat)(input, segments, channel_pitch, taps, first_k, kc, width, to);
}
void gather_panel(const double* input, std::span<const Segment> segments, size_t channel_pitch,
                  std::span<const size_t> taps, size_t first_k, size_t kc, size_t width, double* to) {
  HWY_DYNAMIC_DISPATCH(GatherDouble)(input, segments, channel_pitch, taps, first_k, kc, width, to);
}
void depthwise_rows(const float* input, size_t pitch, size_t rows, std::span<const size_t> taps, const float* weights,
                    float start, size_t n, float* out) {
  HWY_DYNAMIC_DISPATCH(DepthwiseFloat)(input, pitch, rows, taps, weights, start, n, out);
}
void depthwise_rows(const double* input, size_t pitch, size_t rows, std::span<const size_t> taps, const double* weights,
                    double start, size_t n, double* out) {
  HWY_DYNAMIC_DISPATCH(DepthwiseDouble)(input, pitch, rows, taps, weights, start, n, out);
}

}  // namespace assay::ops::contraction
#endif
