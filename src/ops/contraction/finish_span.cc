#include "ops/contraction/finish_span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/finish_span.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace simd = assay::num::HWY_NAMESPACE;

// Whole vectors throughout: a run of outputs has room for them (driver.cc, gather.h).
template <class T>
HWY_INLINE void AddRun(T* values, const T* bias, size_t n) {
  const hn::ScalableTag<T> d;
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto sum = hn::Add(hn::LoadU(d, values + i), simd::LoadN(d, bias + i, n - i));
    hn::StoreU(simd::CanonicalNan(d, sum), d, values + i);
  }
}
template <class T>
HWY_INLINE void AddOne(T* values, T bias, size_t n) {
  const hn::ScalableTag<T> d;
  const auto addend = hn::Set(d, bias);
  for (size_t i = 0; i < n; i += hn::Lanes(d))
    hn::StoreU(simd::CanonicalNan(d, hn::Add(hn::LoadU(d, values + i), addend)), d, values + i);
}
template <class T>
HWY_INLINE void Canonical(T* values, size_t n) {
  const hn::ScalableTag<T> d;
  for (size_t i = 0; i < n; i += hn::Lanes(d))
    hn::StoreU(simd::CanonicalNan(d, hn::LoadU(d, values + i)), d, values + i);
}

void AddRunFloat(float* values, const float* bias, size_t n) { AddRun(values, bias, n); }
void AddRunDouble(double* values, const double* bias, size_t n) { AddRun(values, bias, n); }
void AddOneFloat(float* values, float bias, size_t n) { AddOne(values, bias, n); }
void AddOneDouble(double* values, double bias, size_t n) { AddOne(values, bias, n); }
void CanonicalFloat(float* values, size_t n) { Canonical(values, n); }
void CanonicalDouble(double* values, size_t n) { Canonical(values, n); }

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(AddRunFloat);
HWY_EXPORT(AddRunDouble);
HWY_EXPORT(AddOneFloat);
HWY_EXPORT(AddOneDouble);
HWY_EXPORT(CanonicalFloat);
HWY_EXPORT(CanonicalDouble);

void add_run(float* values, const float* bias, size_t n) { HWY_DYNAMIC_DISPATCH(AddRunFloat)(values, bias, n); }
void add_run(double* values, const double* bias, size_t n) { HWY_DYNAMIC_DISPATCH(AddRunDouble)(values, bias, n); }
void add_one(float* values, float bias, size_t n) { HWY_DYNAMIC_DISPATCH(AddOneFloat)(values, bias, n); }
void add_one(double* values, double bias, size_t n) { HWY_DYNAMIC_DISPATCH(AddOneDouble)(values, bias, n); }
void canonical_nans(float* values, size_t n) { HWY_DYNAMIC_DISPATCH(CanonicalFloat)(values, n); }
void canonical_nans(double* values, size_t n) { HWY_DYNAMIC_DISPATCH(CanonicalDouble)(values, n); }

}  // namespace assay::ops::contraction
#endif
