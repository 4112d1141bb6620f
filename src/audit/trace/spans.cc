#include "audit/trace/spans.h"

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
HWY_INLINE hn::Vec<Narrow> Narrowed(const float* from) { return hn::LoadU(Narrow(), from); }
HWY_INLINE hn::Vec<Narrow> Narrowed(const double* from) { return hn::DemoteTo(Narrow(), hn::LoadU(Wide(), from)); }

/// Steps from zero, with their sign.
HWY_INLINE auto Key(hn::Vec<Narrow> v) {
  const hn::RebindToSigned<Narrow> di;
  const auto bits = hn::BitCast(di, v);
  const auto sign = hn::ShiftRight<31>(bits);
  return hn::Sub(hn::Xor(hn::And(bits, hn::Set(di, 0x7fffffff)), sign), sign);
}

template <class R>
HWY_INLINE void CompareSpan(const R* r, const float* c, size_t n, double bound, SpanDistance& out) {
  const Wide d;
  const hn::RebindToUnsigned<Narrow> du;
  constexpr size_t kStep = hn::MaxLanes(d), kVectors = kSpanLanes / kStep;
  const auto zero = hn::Zero(d), limit = hn::Set(d, bound), finite = hn::Set(d, std::numeric_limits<double>::max());
  hn::Vec<Wide> signal[kVectors], noise[kVectors], largest = zero;
  for (size_t k = 0; k < kVectors; ++k) {
    signal[k] = hn::LoadU(d, out.signal.data() + k * kStep);
    noise[k] = hn::LoadU(d, out.noise.data() + k * kStep);
  }
  auto ulps = hn::Zero(du);
  auto odd = hn::FirstN(d, 0), relative = odd;
  for (size_t i = 0; i < n; i += kSpanLanes) {
    for (size_t k = 0; k < kVectors; ++k) {
      const R* ri = r + i + k * kStep;
      const float* ci = c + i + k * kStep;
      const auto a = Widened(ri), b = Widened(ci);
      const auto apart = hn::Abs(hn::Sub(b, a));
      odd = hn::Or(odd, hn::Not(hn::Le(apart, finite)));
      const auto same = hn::Eq(apart, zero), none = hn::Eq(a, zero);
      out.equal += hn::CountTrue(d, same);
      out.reference_zeros += hn::CountTrue(d, hn::AndNot(same, none));
      largest = hn::Max(largest, apart);
      relative = hn::Or(relative, hn::AndNot(none, hn::Gt(apart, hn::Mul(limit, hn::Abs(a)))));
      signal[k] = Fma(d, a, a, signal[k]);
      noise[k] = Fma(d, apart, apart, noise[k]);
      const auto ka = Key(Narrowed(ri)), kb = Key(Narrowed(ci));
      ulps = hn::Max(ulps, hn::Sub(hn::BitCast(du, hn::Max(ka, kb)), hn::BitCast(du, hn::Min(ka, kb))));
    }
  }
  out.finite = hn::AllFalse(d, odd);
  out.relative = !hn::AllFalse(d, relative);
  out.max_abs = hn::GetLane(hn::MaxOfLanes(d, largest));
  out.max_ulp = hn::GetLane(hn::MaxOfLanes(du, ulps));
  for (size_t k = 0; k < kVectors; ++k) {
    hn::StoreU(signal[k], d, out.signal.data() + k * kStep);
    hn::StoreU(noise[k], d, out.noise.data() + k * kStep);
  }
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
  CompareSpan(r, c, n, bound, out);
}
void CompareDouble(const double* r, const float* c, size_t n, double bound, SpanDistance& out) {
  CompareSpan(r, c, n, bound, out);
}
double RelativeFloat(const float* r, const float* c, size_t n) { return RelativeSpan(r, c, n); }
double RelativeDouble(const double* r, const float* c, size_t n) { return RelativeSpan(r, c, n); }

void RangeSpan(const float* x, size_t n, const SpanLimits& limits, SpanRange& range) {
  const hn::CappedTag<float, kSpanLanes> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto one = hn::Set(du, 1u), infinity = hn::Set(du, 0x7f800000u);
  const auto subnormal = hn::Set(du, limits.subnormal - 1), saturated = hn::Set(du, limits.largest);
  const auto low = hn::Set(d, limits.low), high = hn::Set(d, limits.high);
  auto largest = hn::Zero(du), smallest = hn::Set(du, UINT32_MAX);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, x + i);
    const auto bits = hn::BitCast(du, hn::Abs(v));
    const auto below = hn::Sub(bits, one);  // zeros become the largest number
    const auto special = hn::Not(hn::Lt(bits, infinity));
    const auto flat = hn::RebindMask(du, hn::Or(hn::Eq(v, low), hn::Eq(v, high)));
    range.zeros += hn::CountTrue(du, hn::Eq(bits, hn::Zero(du)));
    range.subnormals += hn::CountTrue(du, hn::Lt(below, subnormal));
    range.saturated += hn::CountTrue(du, hn::AndNot(special, hn::Or(flat, hn::Not(hn::Lt(bits, saturated)))));
    range.infinities += hn::CountTrue(du, hn::Eq(bits, infinity));
    range.nans += hn::CountTrue(du, hn::Gt(bits, infinity));
    largest = hn::Max(largest, hn::IfThenZeroElse(special, bits));
    smallest = hn::Min(smallest, below);
  }
  range.largest = HWY_MAX(range.largest, hn::GetLane(hn::MaxOfLanes(du, largest)));
  range.smallest = HWY_MIN(range.smallest, hn::GetLane(hn::MinOfLanes(du, smallest)));
}

}  // namespace assay::audit::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::audit {

HWY_EXPORT(CompareFloat);
HWY_EXPORT(CompareDouble);
HWY_EXPORT(RelativeFloat);
HWY_EXPORT(RelativeDouble);
HWY_EXPORT(RangeSpan);

void compare_span(const float* r, const float* c, size_t n, double bound, SpanDistance& out) {
  HWY_DYNAMIC_DISPATCH(CompareFloat)(r, c, n, bound, out);
}
void compare_span(const double* r, const float* c, size_t n, double bound, SpanDistance& out) {
  HWY_DYNAMIC_DISPATCH(CompareDouble)(r, c, n, bound, out);
}
double relative_span(const float* r, const float* c, size_t n) { return HWY_DYNAMIC_DISPATCH(RelativeFloat)(r, c, n); }
double relative_span(const double* r, const float* c, size_t n) {
  return HWY_DYNAMIC_DISPATCH(RelativeDouble)(r, c, n);
}
void range_span(const float* x, size_t n, const SpanLimits& limits, SpanRange& range) {
  HWY_DYNAMIC_DISPATCH(RangeSpan)(x, n, limits, range);
}

}  // namespace assay::audit
#endif
