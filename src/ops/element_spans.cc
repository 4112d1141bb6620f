#include "ops/element_spans.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/element_spans.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

/// out[i] = test(vector) as 0 or 1.
template <class Test>
HWY_INLINE void Tested(const float* a, size_t n, uint8_t* out, const Test& test) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const size_t lanes = hn::Lanes(d);
  const auto bytes = [&](auto x) HWY_ATTR {
    return hn::TruncateTo(d8, hn::IfThenElseZero(hn::RebindMask(du, test(x)), hn::Set(du, 1)));
  };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(bytes(hn::LoadU(d, a + i)), d8, out + i);
  if (i == n) return;
  HWY_ALIGN uint8_t rest[hn::MaxLanes(d)];
  hn::StoreU(bytes(simd::LoadN(d, a + i, n - i)), d8, rest);
  std::copy_n(rest, n - i, out + i);
}

void Nans(const float* a, size_t n, uint8_t* out) {
  Tested(a, n, out, [](auto x) HWY_ATTR { return hn::IsNaN(x); });
}

void Infinities(const float* a, size_t n, bool positive, bool negative, uint8_t* out) {
  // What is not asked for is compared with a NaN, which nothing equals.
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  const hn::ScalableTag<float> d;
  const auto high = hn::Set(d, positive ? kInfinity : kNan), low = hn::Set(d, negative ? -kInfinity : kNan);
  Tested(a, n, out, [&](auto x) HWY_ATTR { return hn::Or(hn::Eq(x, high), hn::Eq(x, low)); });
}

template <class Of>
HWY_INLINE void Mapped(const float* a, size_t n, float* y, const Of& of) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(of(hn::LoadU(d, a + i)), d, y + i);
  if (i < n) simd::StoreN(of(simd::LoadN(d, a + i, n - i)), d, y + i, n - i);
}

void Signs(const float* a, size_t n, float* y) {
  const hn::ScalableTag<float> d;
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0F), minus = hn::Set(d, -1.0F);
  Mapped(a, n, y, [&](auto x) HWY_ATTR {
    const auto rest = simd::CanonicalNan(d, hn::Add(x, zero));
    return hn::IfThenElse(hn::Gt(x, zero), one, hn::IfThenElse(hn::Lt(x, zero), minus, rest));
  });
}

void KeepAbove(const float* a, float bound, size_t n, float* y) {
  const hn::ScalableTag<float> d;
  const auto least = hn::Set(d, bound);
  Mapped(a, n, y, [&](auto x) HWY_ATTR { return hn::IfThenElseZero(hn::Lt(least, x), x); });
}

void AddTerms(const float* const* terms, size_t count, size_t n, float* y) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const auto sum_at = [&](size_t i) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (size_t t = 0; t < count; ++t) sum = hn::Add(sum, hn::LoadU(d, terms[t] + i));
    hn::StoreU(simd::CanonicalNan(d, sum), d, y + i);
  };
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) sum_at(i);
  if (i == n) return;
  if (n > lanes) return sum_at(n - lanes);  // the last vector overlaps the one before
  auto sum = hn::Zero(d);
  for (size_t t = 0; t < count; ++t) sum = hn::Add(sum, simd::LoadN(d, terms[t] + i, n - i));
  simd::StoreN(simd::CanonicalNan(d, sum), d, y + i, n - i);
}

}  // namespace assay::ops::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops {

HWY_EXPORT(Nans);
HWY_EXPORT(Infinities);
HWY_EXPORT(Signs);
HWY_EXPORT(KeepAbove);
HWY_EXPORT(AddTerms);

void nans_of(const float* a, size_t n, uint8_t* out) { HWY_DYNAMIC_DISPATCH(Nans)(a, n, out); }
void infinities_of(const float* a, size_t n, bool positive, bool negative, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(Infinities)(a, n, positive, negative, out);
}
void signs_of(const float* a, size_t n, float* y) { HWY_DYNAMIC_DISPATCH(Signs)(a, n, y); }
void keep_above(const float* a, float bound, size_t n, float* y) { HWY_DYNAMIC_DISPATCH(KeepAbove)(a, bound, n, y); }
void add_terms(const float* const* terms, size_t count, size_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(AddTerms)(terms, count, n, y);
}

}  // namespace assay::ops
#endif
