#include "ops/code_spans.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/code_spans.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

/// The codes of one vector, as integers. The bounds of the rounded quotient are small integers, exact in float; adding
/// 2^23 and taking it away rounds to nearest even.
template <class Code, class D>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> CodesOf(D d, hn::Vec<D> quotient, float zero) {
  constexpr auto kLow = static_cast<float>(std::numeric_limits<Code>::min());
  constexpr auto kHigh = static_cast<float>(std::numeric_limits<Code>::max());
  const hn::RebindToSigned<D> di;
  const auto low = hn::Set(d, kLow - zero), high = hn::Set(d, kHigh - zero), big = hn::Set(d, 0x1.8p23F);
  const auto nan = hn::IsNaN(quotient);
  const auto inside = hn::Min(hn::Max(hn::IfThenZeroElse(nan, quotient), low), high);
  const auto rounded = hn::Sub(hn::Add(inside, big), big);
  return hn::IfThenZeroElse(hn::RebindMask(di, nan), hn::ConvertTo(di, hn::Add(rounded, hn::Set(d, zero))));
}

template <class Code>
void Codes(const float* quotients, float zero, Code* to, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<Code, decltype(d)> dc;
  const size_t step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= n; i += step)
    hn::StoreU(hn::DemoteTo(dc, CodesOf<Code>(d, hn::LoadU(d, quotients + i), zero)), dc, to + i);
  if (i == n) return;
  HWY_ALIGN Code rest[hn::MaxLanes(d)];
  hn::StoreU(hn::DemoteTo(dc, CodesOf<Code>(d, simd::LoadN(d, quotients + i, n - i), zero)), dc, rest);
  std::copy_n(rest, n - i, to + i);
}

template <class Code>
void Differences(const Code* codes, float zero, float* to, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<Code, decltype(d)> dc;
  const size_t step = hn::Lanes(d);
  const auto less = hn::Set(d, zero);
  size_t i = 0;
  for (; i + step <= n; i += step)
    hn::StoreU(hn::Sub(hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(dc, codes + i))), less), d, to + i);
  for (; i < n; ++i) to[i] = static_cast<float>(codes[i]) - zero;
}

void CodesU8(const float* quotients, float zero, uint8_t* to, size_t n) { Codes(quotients, zero, to, n); }
void CodesI8(const float* quotients, float zero, int8_t* to, size_t n) { Codes(quotients, zero, to, n); }
void DifferencesU8(const uint8_t* codes, float zero, float* to, size_t n) { Differences(codes, zero, to, n); }
void DifferencesI8(const int8_t* codes, float zero, float* to, size_t n) { Differences(codes, zero, to, n); }

void Singles(const int32_t* values, float* to, size_t n) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const size_t step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(hn::ConvertTo(d, hn::LoadU(di, values + i)), d, to + i);
  for (; i < n; ++i) to[i] = static_cast<float>(values[i]);
}

/// A NaN is neither less nor greater: the bound stays.
void WidenRange(const float* values, size_t n, float& low, float& high) {
  const hn::ScalableTag<float> d;
  const size_t step = hn::Lanes(d);
  auto least = hn::Set(d, low), most = hn::Set(d, high);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const auto x = hn::LoadU(d, values + i);
    least = hn::IfThenElse(hn::Lt(x, least), x, least);
    most = hn::IfThenElse(hn::Gt(x, most), x, most);
  }
  HWY_ALIGN float lanes[hn::MaxLanes(d)];
  hn::Store(least, d, lanes);
  for (size_t k = 0; k < step; ++k) low = std::min(low, lanes[k]);
  hn::Store(most, d, lanes);
  for (size_t k = 0; k < step; ++k) high = std::max(high, lanes[k]);
  for (; i < n; ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops {

HWY_EXPORT(CodesU8);
HWY_EXPORT(CodesI8);
HWY_EXPORT(DifferencesU8);
HWY_EXPORT(DifferencesI8);
HWY_EXPORT(Singles);
HWY_EXPORT(WidenRange);

void codes_of(const float* quotients, float zero, uint8_t* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(CodesU8)(quotients, zero, to, n);
}
void codes_of(const float* quotients, float zero, int8_t* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(CodesI8)(quotients, zero, to, n);
}
void differences_of(const uint8_t* codes, float zero, float* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(DifferencesU8)(codes, zero, to, n);
}
void differences_of(const int8_t* codes, float zero, float* to, size_t n) {
  HWY_DYNAMIC_DISPATCH(DifferencesI8)(codes, zero, to, n);
}
void singles_of(const int32_t* values, float* to, size_t n) { HWY_DYNAMIC_DISPATCH(Singles)(values, to, n); }
void widen_range(const float* values, size_t n, float& low, float& high) {
  HWY_DYNAMIC_DISPATCH(WidenRange)(values, n, low, high);
}

}  // namespace assay::ops
#endif
