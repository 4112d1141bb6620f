#include "audit/trace/spans.h"

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "audit/trace/spans.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::audit::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using num::HWY_NAMESPACE::Fma;

using Wide = hn::ScalableTag<double>;
using Narrow = hn::Rebind<float, Wide>;

HWY_INLINE hn::Vec<Wide> Widened(const float* from) { return hn::PromoteTo(Wide(), hn::LoadU(Narrow(), from)); }
HWY_INLINE hn::Vec<Wide> Widened(const double* from) { return hn::LoadU(Wide(), from); }

/// Steps from zero, with their sign.
template <class V>
HWY_INLINE auto Key(V v) {
  const hn::RebindToSigned<hn::DFromV<V>> di;
  const auto bits = hn::BitCast(di, v);
  const auto sign = hn::ShiftRight<31>(bits);
  return hn::Sub(hn::Xor(hn::And(bits, hn::Set(di, 0x7fffffff)), sign), sign);
}

/// Sums of 16 lanes of float64, in vectors.
class Sums {
 public:
  static constexpr size_t kVectors = kSpanLanes / hn::MaxLanes(Wide());
  explicit HWY_INLINE Sums(const std::array<double, kSpanLanes>& from) {
    for (size_t k = 0; k < kVectors; ++k) sums_[k] = hn::LoadU(Wide(), from.data() + k * hn::MaxLanes(Wide()));
  }
  HWY_INLINE void add(size_t k, hn::Vec<Wide> v) { sums_[k] = Fma(Wide(), v, v, sums_[k]); }
  HWY_INLINE void store(std::array<double, kSpanLanes>& to) const {
    for (size_t k = 0; k < kVectors; ++k) hn::StoreU(sums_[k], Wide(), to.data() + k * hn::MaxLanes(Wide()));
  }

 private:
  hn::Vec<Wide> sums_[kVectors];
};

template <class V>
HWY_INLINE auto Steps(V a, V b) {
  const auto ka = Key(a), kb = Key(b);
  const hn::RebindToUnsigned<hn::DFromV<decltype(ka)>> du;
  return hn::Sub(hn::BitCast(du, hn::Max(ka, kb)), hn::BitCast(du, hn::Min(ka, kb)));
}

// Differences rounded to float32: what they sum up to is a ratio, what they may be at most is looked at again.
HWY_INLINE void CompareFloats(const float* r, const float* c, size_t n, double bound, SpanDistance& out) {
  const hn::CappedTag<float, kSpanLanes> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Half<decltype(d)> half;
  constexpr size_t kLanes = hn::MaxLanes(d);
  const auto zero = hn::Zero(d), limit = hn::Set(d, static_cast<float>(bound) * (1 - 0x1p-22F));
  Sums signal(out.signal), noise(out.noise);
  auto largest = hn::Zero(du), ulps = largest;  // codes of magnitudes are ordered as those are, NaN above all
  auto lost = hn::FirstN(d, 0), relative = lost;
  for (size_t i = 0; i < n; i += kSpanLanes) {
    for (size_t k = 0; k < kSpanLanes; k += kLanes) {
      const auto a = hn::LoadU(d, r + i + k), b = hn::LoadU(d, c + i + k);
      const auto apart = hn::Abs(hn::Sub(b, a));
      const auto same = hn::Eq(a, b), none = hn::Eq(a, zero);
      out.equal += hn::CountTrue(d, same);
      lost = hn::Or(lost, hn::AndNot(same, none));
      largest = hn::Max(largest, hn::BitCast(du, apart));
      relative = hn::Or(relative, hn::AndNot(none, hn::Gt(apart, hn::Mul(limit, hn::Abs(a)))));
      ulps = hn::Max(ulps, Steps(a, b));
      const size_t at = 2 * k / kLanes;
      signal.add(at, hn::PromoteTo(Wide(), hn::LowerHalf(half, a)));
      signal.add(at + 1, hn::PromoteTo(Wide(), hn::UpperHalf(half, a)));
      noise.add(at, hn::PromoteTo(Wide(), hn::LowerHalf(half, apart)));
      noise.add(at + 1, hn::PromoteTo(Wide(), hn::UpperHalf(half, apart)));
    }
  }
  const uint32_t most = hn::GetLane(hn::MaxOfLanes(du, largest));
  out.finite = most < 0x7f800000U;
  out.most = static_cast<double>(std::bit_cast<float>(most)) * (1 + 0x1p-23);
  out.relative = !hn::AllFalse(d, relative);
  out.max_ulp = hn::GetLane(hn::MaxOfLanes(du, ulps));
  if (!hn::AllFalse(d, lost))
    for (size_t i = 0; i < n; ++i) out.reference_zeros += r[i] == 0 && c[i] != 0 ? 1 : 0;
  signal.store(out.signal);
  noise.store(out.noise);
}

HWY_INLINE void CompareDoubles(const double* r, const float* c, size_t n, double bound, SpanDistance& out) {
  const Wide d;
  const hn::RebindToUnsigned<Narrow> du;
  constexpr size_t kLanes = hn::MaxLanes(d);
  const auto zero = hn::Zero(d), limit = hn::Set(d, bound), finite = hn::Set(d, std::numeric_limits<double>::max());
  Sums signal(out.signal), noise(out.noise);
  auto largest = zero;
  auto ulps = hn::Zero(du);
  auto odd = hn::FirstN(d, 0), relative = odd;
  for (size_t i = 0; i < n; i += kSpanLanes) {
    for (size_t k = 0; k < kSpanLanes; k += kLanes) {
      const auto a = hn::LoadU(d, r + i + k);
      const auto single = hn::LoadU(Narrow(), c + i + k);
      const auto apart = hn::Abs(hn::Sub(hn::PromoteTo(d, single), a));
      odd = hn::Or(odd, hn::Not(hn::Le(apart, finite)));
      const auto same = hn::Eq(apart, zero), none = hn::Eq(a, zero);
      out.equal += hn::CountTrue(d, same);
      out.reference_zeros += hn::CountTrue(d, hn::AndNot(same, none));
      largest = hn::Max(largest, apart);
      relative = hn::Or(relative, hn::AndNot(none, hn::Gt(apart, hn::Mul(limit, hn::Abs(a)))));
      ulps = hn::Max(ulps, Steps(hn::DemoteTo(Narrow(), a), single));
      signal.add(k / kLanes, a);
      noise.add(k / kLanes, apart);
    }
  }
  out.finite = hn::AllFalse(d, odd);
  out.relative = !hn::AllFalse(d, relative);
  out.most = hn::GetLane(hn::MaxOfLanes(d, largest));
  out.max_ulp = hn::GetLane(hn::MaxOfLanes(du, ulps));
  signal.store(out.signal);
  noise.store(out.noise);
}

template <class R>
HWY_INLINE double LargestSpan(const R* r, const float* c, size_t n) {
  const Wide d;
  auto most = hn::Zero(d);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) most = hn::Max(most, hn::Abs(hn::Sub(Widened(c + i), Widened(r + i))));
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

template <class R>
HWY_INLINE double RelativeSpan(const R* r, const float* c, size_t n) {
  const Wide d;
  auto most = hn::Zero(d);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto a = Widened(r + i), b = Widened(c + i);
    const auto none = hn::Eq(a, hn::Zero(d));
    const auto share = hn::Div(hn::Abs(hn::Sub(b, a)), hn::IfThenElse(none, hn::Set(d, 1.0), hn::Abs(a)));
    most = hn::Max(most, hn::IfThenZeroElse(none, share));
  }
  return hn::GetLane(hn::MaxOfLanes(d, most));
}

void CompareFloat(const float* r, const float* c, size_t n, double bound, SpanDistance& out) {
  CompareFloats(r, c, n, bound, out);
}
void CompareDouble(const double* r, const float* c, size_t n, double bound, SpanDistance& out) {
  CompareDoubles(r, c, n, bound, out);
}
double LargestFloat(const float* r, const float* c, size_t n) { return LargestSpan(r, c, n); }
double LargestDouble(const double* r, const float* c, size_t n) { return LargestSpan(r, c, n); }
double RelativeFloat(const float* r, const float* c, size_t n) { return RelativeSpan(r, c, n); }
double RelativeDouble(const double* r, const float* c, size_t n) { return RelativeSpan(r, c, n); }

using Singles = hn::CappedTag<float, kSpanLanes>;
using Codes = hn::RebindToUnsigned<Singles>;

/// Zeros, subnormals and the smallest; the largest magnitude's bits, whatever it is.
HWY_INLINE uint32_t RangeOfAll(const float* x, size_t n, const SpanLimits& limits, SpanRange& range) {
  const Singles d;
  const Codes du;
  const auto one = hn::Set(du, 1U), subnormal = hn::Set(du, limits.subnormal - 1);
  auto largest = hn::Zero(du), smallest = hn::Set(du, UINT32_MAX);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto bits = hn::BitCast(du, hn::Abs(hn::LoadU(d, x + i)));
    const auto below = hn::Sub(bits, one);  // zeros become the largest number
    range.zeros += hn::CountTrue(du, hn::Eq(bits, hn::Zero(du)));
    range.subnormals += hn::CountTrue(du, hn::Lt(below, subnormal));
    largest = hn::Max(largest, bits);
    smallest = hn::Min(smallest, below);
  }
  range.smallest = HWY_MIN(range.smallest, hn::GetLane(hn::MinOfLanes(du, smallest)));
  return hn::GetLane(hn::MaxOfLanes(du, largest));
}

/// What few values have: infinities, NaN, saturation.
HWY_INLINE void RangeOfExtremes(const float* x, size_t n, const SpanLimits& limits, SpanRange& range) {
  const Singles d;
  const Codes du;
  const auto infinity = hn::Set(du, 0x7f800000U), saturated = hn::Set(du, limits.largest);
  const auto low = hn::Set(d, limits.low), high = hn::Set(d, limits.high);
  auto largest = hn::Zero(du);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, x + i);
    const auto bits = hn::BitCast(du, hn::Abs(v));
    const auto special = hn::Not(hn::Lt(bits, infinity));
    const auto flat = hn::RebindMask(du, hn::Or(hn::Eq(v, low), hn::Eq(v, high)));
    range.saturated += hn::CountTrue(du, hn::AndNot(special, hn::Or(flat, hn::Not(hn::Lt(bits, saturated)))));
    range.infinities += hn::CountTrue(du, hn::Eq(bits, infinity));
    range.nans += hn::CountTrue(du, hn::Gt(bits, infinity));
    largest = hn::Max(largest, hn::IfThenZeroElse(special, bits));
  }
  range.largest = HWY_MAX(range.largest, hn::GetLane(hn::MaxOfLanes(du, largest)));
}

void RangeSpan(const float* x, size_t n, const SpanLimits& limits, SpanRange& range) {
  const uint32_t largest = RangeOfAll(x, n, limits, range);
  const bool flat = limits.low == limits.low || limits.high == limits.high;
  if (flat || largest >= limits.largest || largest >= 0x7f800000U)
    RangeOfExtremes(x, n, limits, range);
  else
    range.largest = HWY_MAX(range.largest, largest);
}

}  // namespace assay::audit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::audit {

HWY_EXPORT(CompareFloat);
HWY_EXPORT(CompareDouble);
HWY_EXPORT(LargestFloat);
HWY_EXPORT(LargestDouble);
HWY_EXPORT(RelativeFloat);
HWY_EXPORT(RelativeDouble);
HWY_EXPORT(RangeSpan);

void compare_span(const float* r, const float* c, size_t n, double bound, SpanDistance& out) {
  HWY_DYNAMIC_DISPATCH(CompareFloat)(r, c, n, bound, out);
}
void compare_span(const double* r, const float* c, size_t n, double bound, SpanDistance& out) {
  HWY_DYNAMIC_DISPATCH(CompareDouble)(r, c, n, bound, out);
}
double largest_span(const float* r, const float* c, size_t n) { return HWY_DYNAMIC_DISPATCH(LargestFloat)(r, c, n); }
double largest_span(const double* r, const float* c, size_t n) { return HWY_DYNAMIC_DISPATCH(LargestDouble)(r, c, n); }
double relative_span(const float* r, const float* c, size_t n) { return HWY_DYNAMIC_DISPATCH(RelativeFloat)(r, c, n); }
double relative_span(const double* r, const float* c, size_t n) {
  return HWY_DYNAMIC_DISPATCH(RelativeDouble)(r, c, n);
}
void range_span(const float* x, size_t n, const SpanLimits& limits, SpanRange& range) {
  HWY_DYNAMIC_DISPATCH(RangeSpan)(x, n, limits, range);
}

}  // namespace assay::audit
#endif
