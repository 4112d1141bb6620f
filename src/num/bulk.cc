// Bulk conversions between float32 and 16-bit storage, and bulk rounding (format.h), one copy per target.
#include <cstddef>
#include <cstdint>

#include "num/format.h"
#include "num/round_plan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "num/bulk.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/fma-inl.h"
#include "num/round-inl.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

#define ASSAY_BULK(Name)                                                            \
  void To##Name(const float* in, uint16_t* out, size_t n) {                         \
    const hn::ScalableTag<float> d;                                                 \
    const size_t step = hn::Lanes(d);                                               \
    size_t i = 0;                                                                   \
    for (; i + step <= n; i += step) Store##Name(hn::LoadU(d, in + i), d, out + i); \
    if (i < n) Store##Name##N(LoadN(d, in + i, n - i), d, out + i, n - i);          \
  }                                                                                 \
  void From##Name(const uint16_t* in, float* out, size_t n) {                       \
    const hn::ScalableTag<float> d;                                                 \
    const size_t step = hn::Lanes(d);                                               \
    size_t i = 0;                                                                   \
    for (; i + step <= n; i += step) hn::StoreU(Load##Name(d, in + i), d, out + i); \
    if (i < n) StoreN(Load##Name##N(d, in + i, n - i), d, out + i, n - i);          \
  }
ASSAY_BULK(Float16)
ASSAY_BULK(Bfloat16)
#undef ASSAY_BULK

void RoundInPlace(float* values, size_t n, const RoundPlan& asked) {
  const RoundPlan plan = asked;  // a copy that the stores cannot change
  const hn::ScalableTag<float> d;
  const size_t step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(RoundLanes(d, hn::LoadU(d, values + i), plan), d, values + i);
  if (i < n) StoreN(RoundLanes(d, LoadN(d, values + i, n - i), plan), d, values + i, n - i);
}

/// A tail shorter than a vector is left to the scalar definition: the count of values done is returned.
size_t RoundDoubles(double* values, size_t n, const RoundPlan& plan) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  (void)values, (void)n, (void)plan;
  return 0;
#else
  const hn::ScalableTag<double> dd;
  const hn::Rebind<float, decltype(dd)> df;
  const size_t step = hn::Lanes(dd);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const auto odd = DemoteToOdd(dd, hn::LoadU(dd, values + i));
    hn::StoreU(hn::PromoteTo(dd, RoundLanes(df, odd, plan)), dd, values + i);
  }
  return i;
#endif
}

void FmaRounded(const float* a, const float* b, const float* c, float* out, size_t n, const RoundPlan& plan) {
  const hn::ScalableTag<float> d;
  const size_t step = hn::Lanes(d);
  for (size_t i = 0; i < n; i += step) {
    const size_t left = n - i;
    const auto r = FmaLanes(d, LoadN(d, a + i, left), LoadN(d, b + i, left), LoadN(d, c + i, left), plan);
    StoreN(r, d, out + i, left);
  }
}

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::num {

HWY_EXPORT(ToFloat16);
HWY_EXPORT(FromFloat16);
HWY_EXPORT(ToBfloat16);
HWY_EXPORT(FromBfloat16);
HWY_EXPORT(RoundInPlace);
HWY_EXPORT(RoundDoubles);
HWY_EXPORT(FmaRounded);

void to_float16(const float* in, uint16_t* out, size_t n) { HWY_DYNAMIC_DISPATCH(ToFloat16)(in, out, n); }
void from_float16(const uint16_t* in, float* out, size_t n) { HWY_DYNAMIC_DISPATCH(FromFloat16)(in, out, n); }
void to_bfloat16(const float* in, uint16_t* out, size_t n) { HWY_DYNAMIC_DISPATCH(ToBfloat16)(in, out, n); }
void from_bfloat16(const uint16_t* in, float* out, size_t n) { HWY_DYNAMIC_DISPATCH(FromBfloat16)(in, out, n); }

void round_in_place(float* values, size_t n, const Rounding& rounding) {
  HWY_DYNAMIC_DISPATCH(RoundInPlace)(values, n, plan_of(rounding));
}
void round_in_place(double* values, size_t n, const Rounding& rounding) {
  const RoundPlan& plan = plan_of(rounding);
  size_t done = plan.from_odd ? HWY_DYNAMIC_DISPATCH(RoundDoubles)(values, n, plan) : 0;
  for (; done < n; ++done) values[done] = round(values[done], rounding);
}
void fma_round(const float* a, const float* b, const float* c, float* out, size_t n, const Rounding& rounding) {
  HWY_DYNAMIC_DISPATCH(FmaRounded)(a, b, c, out, n, plan_of(rounding));
}

}  // namespace assay::num
#endif
