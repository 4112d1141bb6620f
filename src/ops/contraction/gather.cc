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

template <class T>
HWY_INLINE void Depthwise(const T* input, std::span<const size_t> taps, const T* weights, T start, size_t n, T* out) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  // Four sums at a time hide each other's latency; up to three of the last four are for nothing.
  for (; i + lanes < n; i += 4 * lanes) {
    auto a = hn::Set(d, start), b = a, c = a, e = a;
    for (size_t t = 0; t < taps.size(); ++t) {
      const T* at = input + taps[t] + i;
      const auto w = hn::Set(d, weights[t]);
      a = simd::Fma(d, hn::LoadU(d, at), w, a);
      b = simd::Fma(d, hn::LoadU(d, at + lanes), w, b);
      c = simd::Fma(d, hn::LoadU(d, at + 2 * lanes), w, c);
      e = simd::Fma(d, hn::LoadU(d, at + 3 * lanes), w, e);
    }
    hn::StoreU(a, d, out + i);
    hn::StoreU(b, d, out + i + lanes);
    hn::StoreU(c, d, out + i + 2 * lanes);
    hn::StoreU(e, d, out + i + 3 * lanes);
  }
  if (i < n) {
    auto a = hn::Set(d, start);
    for (size_t t = 0; t < taps.size(); ++t)
      a = simd::Fma(d, hn::LoadU(d, input + taps[t] + i), hn::Set(d, weights[t]), a);
    hn::StoreU(a, d, out + i);
  }
}

template <class T>
HWY_INLINE void SpreadRow(const T* from, size_t n, size_t left, size_t stride, size_t phase, T* to) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d), width = stride * phase;
  if (stride == 1) {
    for (size_t i = 0; i < left; ++i) to[i] = 0;
    for (size_t i = left + n; i < width; ++i) to[i] = 0;
  } else {
    size_t i = 0;
    for (; i + lanes <= width; i += lanes) hn::StoreU(hn::Zero(d), d, to + i);
    for (; i < width; ++i) to[i] = 0;
  }
  ops::HWY_NAMESPACE::SpreadValues(from, n, left, stride, phase, to);
}
void SpreadRowFloat(const float* from, size_t n, size_t left, size_t stride, size_t phase, float* to) {
  SpreadRow(from, n, left, stride, phase, to);
}
void SpreadRowDouble(const double* from, size_t n, size_t left, size_t stride, size_t phase, double* to) {
  SpreadRow(from, n, left, stride, phase, to);
}

template <class T>
HWY_INLINE T Smallest(const T* values, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  const auto infinity = hn::Set(d, std::numeric_limits<T>::infinity()), zero = hn::Zero(d);
  auto least = infinity, other = infinity;
  const auto counted = [&](auto v) HWY_ATTR {
    const auto size = hn::Abs(v);
    return hn::IfThenElse(hn::Gt(size, zero), size, infinity);
  };
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    least = hn::Min(least, counted(hn::LoadU(d, values + i)));
    other = hn::Min(other, counted(hn::LoadU(d, values + i + lanes)));
  }
  for (; i < n; i += lanes) least = hn::Min(least, counted(simd::LoadN(d, values + i, n - i)));
  alignas(64) T all[hn::MaxLanes(d)];
  hn::Store(hn::Min(least, other), d, all);
  return *std::min_element(all, all + lanes);
}
float SmallestFloat(const float* values, size_t n) { return Smallest(values, n); }
double SmallestDouble(const double* values, size_t n) { return Smallest(values, n); }

void GatherFloat(const float* input, std::span<const Segment> segments, size_t pitch, std::span<const size_t> taps,
                 size_t first_k, size_t kc, size_t width, float* to) {
  Gather(input, segments, pitch, taps, first_k, kc, width, to);
}
void GatherDouble(const double* input, std::span<const Segment> segments, size_t pitch, std::span<const size_t> taps,
                  size_t first_k, size_t kc, size_t width, double* to) {
  Gather(input, segments, pitch, taps, first_k, kc, width, to);
}
void DepthwiseFloat(const float* input, std::span<const size_t> taps, const float* weights, float start, size_t n,
                    float* out) {
  Depthwise(input, taps, weights, start, n, out);
}
void DepthwiseDouble(const double* input, std::span<const size_t> taps, const double* weights, double start, size_t n,
                     double* out) {
  Depthwise(input, taps, weights, start, n, out);
}

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(SpreadRowFloat);
HWY_EXPORT(SpreadRowDouble);
HWY_EXPORT(SmallestFloat);
HWY_EXPORT(SmallestDouble);
HWY_EXPORT(GatherFloat);
HWY_EXPORT(GatherDouble);
HWY_EXPORT(DepthwiseFloat);
HWY_EXPORT(DepthwiseDouble);

void spread_row(const float* from, size_t n, size_t left, size_t stride, size_t phase, float* to) {
  HWY_DYNAMIC_DISPATCH(SpreadRowFloat)(from, n, left, stride, phase, to);
}
void spread_row(const double* from, size_t n, size_t left, size_t stride, size_t phase, double* to) {
  HWY_DYNAMIC_DISPATCH(SpreadRowDouble)(from, n, left, stride, phase, to);
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
void depthwise_row(const float* input, std::span<const size_t> taps, const float* weights, float start, size_t n,
                   float* out) {
  HWY_DYNAMIC_DISPATCH(DepthwiseFloat)(input, taps, weights, start, n, out);
}
void depthwise_row(const double* input, std::span<const size_t> taps, const double* weights, double start, size_t n,
                   double* out) {
  HWY_DYNAMIC_DISPATCH(DepthwiseDouble)(input, taps, weights, start, n, out);
}

}  // namespace assay::ops::contraction
#endif
