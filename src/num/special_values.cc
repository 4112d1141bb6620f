#include "num/special_values.h"

#include <limits>
#include <type_traits>

#include "num/round_plan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "num/special_values.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/round-inl.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

template <class D>
HWY_INLINE V<D> Flushed(D d, V<D> v) {
  return FlushBelow(d, v, std::numeric_limits<hn::TFromD<D>>::min());
}

template <class D>
HWY_INLINE V<D> Entered(D d, V<D> v, const Rewriting& rewriting) {
  using T = hn::TFromD<D>;
  if (rewriting.neural_engine) {
    v = hn::IfThenElse(hn::IsNaN(v), hn::Set(d, std::numeric_limits<T>::infinity()), v);
    v = hn::Add(v, hn::Zero(d));  // -0 becomes +0
  }
  return rewriting.flush ? Flushed(d, v) : v;
}

template <class D>
HWY_INLINE V<D> Left(D d, V<D> v, const Rewriting& rewriting, const RoundPlan* plan) {
  if (rewriting.neural_engine) v = hn::IfThenZeroElse(hn::IsNaN(v), v);
  if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
    if (plan) v = RoundLanes(d, v, *plan);
  }
  return rewriting.flush ? Flushed(d, v) : v;
}

/// to[i] = change(from[i]) in whole vectors and a rest.
template <class T, class Change>
HWY_INLINE void Each(const T* from, T* to, size_t n, const Change& change) {
  const hn::ScalableTag<T> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(change(hn::LoadU(d, from + i)), d, to + i);
  if (i < n) StoreN(change(LoadN(d, from + i, n - i)), d, to + i, n - i);
}

template <class T>
void Enter(const T* from, T* to, size_t n, const Rewriting& rewriting) {
  const hn::ScalableTag<T> d;
  const Rewriting known = rewriting;
  Each(from, to, n, [&](auto v) HWY_ATTR { return Entered(d, v, known); });
}
template <class T>
void Leave(T* values, size_t n, const Rewriting& rewriting, const RoundPlan* rounding) {
  const hn::ScalableTag<T> d;
  const Rewriting known = rewriting;
  const RoundPlan plan = rounding ? *rounding : RoundPlan{};  // a copy that the stores cannot change
  Each(values, values, n, [&](auto v) HWY_ATTR { return Left(d, v, known, rounding ? &plan : nullptr); });
}

template <class T>
void Flush(T* values, size_t n, T smallest) {
  const hn::ScalableTag<T> d;
  Each(values, values, n, [&](auto v) HWY_ATTR { return FlushBelow(d, v, smallest); });
}
void FlushFloat(float* values, size_t n, float smallest) { Flush(values, n, smallest); }
void FlushDouble(double* values, size_t n, double smallest) { Flush(values, n, smallest); }

void EnterFloat(const float* from, float* to, size_t n, const Rewriting& r) { Enter(from, to, n, r); }
void EnterDouble(const double* from, double* to, size_t n, const Rewriting& r) { Enter(from, to, n, r); }
void LeaveFloat(float* values, size_t n, const Rewriting& r, const RoundPlan* plan) { Leave(values, n, r, plan); }
void LeaveDouble(double* values, size_t n, const Rewriting& r) { Leave(values, n, r, nullptr); }

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::num {

HWY_EXPORT(FlushFloat);
HWY_EXPORT(FlushDouble);
HWY_EXPORT(EnterFloat);
HWY_EXPORT(EnterDouble);
HWY_EXPORT(LeaveFloat);
HWY_EXPORT(LeaveDouble);

void flush_below(float* values, size_t n, float smallest) { HWY_DYNAMIC_DISPATCH(FlushFloat)(values, n, smallest); }
void flush_below(double* values, size_t n, double smallest) { HWY_DYNAMIC_DISPATCH(FlushDouble)(values, n, smallest); }
void enter_step(const float* from, float* to, size_t n, const Rewriting& rewriting) {
  HWY_DYNAMIC_DISPATCH(EnterFloat)(from, to, n, rewriting);
}
void enter_step(const double* from, double* to, size_t n, const Rewriting& rewriting) {
  HWY_DYNAMIC_DISPATCH(EnterDouble)(from, to, n, rewriting);
}
void leave_step(float* values, size_t n, const Rewriting& rewriting, const Rounding* rounding) {
  HWY_DYNAMIC_DISPATCH(LeaveFloat)(values, n, rewriting, rounding ? &plan_of(*rounding) : nullptr);
}
void leave_step(double* values, size_t n, const Rewriting& rewriting, const Rounding* rounding) {
  const Rewriting first{.neural_engine = rewriting.neural_engine}, last{.flush = rewriting.flush};
  if (first.any()) HWY_DYNAMIC_DISPATCH(LeaveDouble)(values, n, first);
  if (rounding) round_in_place(values, n, *rounding);
  if (last.any()) HWY_DYNAMIC_DISPATCH(LeaveDouble)(values, n, last);
}

}  // namespace assay::num
#endif
