// Fused multiply-adds of float vectors that are rounded once to a narrower format, and the way there: rounding to odd.
// (A value rounded to odd with at least two bits to spare rounds on as the exact value would.) See simd.h.

#if defined(ASSAY_NUM_FMA_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_NUM_FMA_INL_H_
#undef ASSAY_NUM_FMA_INL_H_
#else
#define ASSAY_NUM_FMA_INL_H_
#endif

#include "hwy/highway.h"
#include "num/round-inl.h"
#include "num/round_plan.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

/// x + y rounded to odd. Neither the sum nor a partial result may overflow unless an operand is not finite.
template <class D>
HWY_INLINE V<D> AddToOdd(D d, V<D> x, V<D> y) {
  const hn::RebindToUnsigned<D> du;
  const auto one = hn::Set(du, 1);
  const auto zero = hn::Zero(d);
  const auto sum = hn::Add(x, y);
  const auto other = hn::Sub(sum, x);
  const auto error = hn::Add(hn::Sub(x, hn::Sub(sum, other)), hn::Sub(y, other));
  const auto bits = hn::BitCast(du, sum);
  // An inexact sum with a clear last bit has its odd neighbour on the side of the error. (NaN errors, of infinite sums,
  // compare false.)
  const auto inexact = hn::Or(hn::Gt(error, zero), hn::Lt(error, zero));
  const auto even = hn::Eq(hn::And(bits, one), hn::Zero(du));
  const auto sign_bit = hn::BitCast(du, hn::Neg(zero));
  const auto same_sign = hn::Eq(hn::And(hn::Xor(hn::BitCast(du, error), bits), sign_bit), hn::Zero(du));
  const auto stepped = hn::IfThenElse(same_sign, hn::Add(bits, one), hn::Sub(bits, one));
  const auto change = hn::And(hn::RebindMask(du, inexact), even);
  return hn::BitCast(d, hn::IfThenElse(change, stepped, bits));
}

/// a * b + c rounded to float32, to odd, for float16 values a and b, whose products float32 holds exactly.
template <class D>
HWY_INLINE V<D> FmaToOddOfFloat16(D d, V<D> a, V<D> b, V<D> c) {
  return AddToOdd(d, hn::Mul(a, b), c);
}

#if HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
/// float64 lanes rounded to float32, to odd.
template <class DD, class DF = hn::Rebind<float, DD>>
HWY_INLINE V<DF> DemoteToOdd(DD dd, V<DD> v) {
  const DF df;
  const hn::RebindToUnsigned<DD> du;
  // Normal results: cut float64's last 29 bits and set the last one that stays when any of them was set.
  const auto sign_mask = hn::Set(du, 0x8000000000000000ull);
  const auto bits = hn::BitCast(du, v);
  const auto size = hn::BitCast(dd, hn::AndNot(sign_mask, bits));
  const auto low = hn::Set(du, 0x1fffffffull);
  const auto cut = hn::AndNot(low, bits);
  const auto sticky = hn::IfThenZeroElse(hn::Eq(hn::And(bits, low), hn::Zero(du)), hn::Set(du, 0x20000000ull));
  auto normal = hn::BitCast(dd, hn::Or(cut, sticky));
  const auto largest = hn::Set(dd, 0x1.fffffep127);
  const auto infinite = hn::Eq(size, hn::BitCast(dd, hn::Set(du, 0x7ff0000000000000ull)));
  normal = hn::IfThenElse(hn::And(hn::Gt(size, largest), hn::Not(infinite)), hn::CopySign(largest, v), normal);
  const auto tiny = hn::Lt(size, hn::Set(dd, 0x1p-126));
  if (HWY_UNLIKELY(!hn::AllFalse(dd, tiny))) {
    // 2^-97 + |v| has its last float64 bit at 2^-149. Toward zero: subtract the excess of nearest rounding.
    const auto shift = hn::Set(dd, 0x1p-97);
    auto units = hn::Sub(hn::Add(shift, size), shift);
    units = hn::IfThenElse(hn::Gt(units, size), hn::Sub(units, hn::Set(dd, 0x1p-149)), units);
    const auto inexact = hn::Ne(units, size);
    const auto last = hn::And(hn::BitCast(du, hn::Add(shift, units)), hn::Set(du, 1));
    const auto even = hn::RebindMask(dd, hn::Eq(last, hn::Zero(du)));
    units = hn::IfThenElse(hn::And(inexact, even), hn::Add(units, hn::Set(dd, 0x1p-149)), units);
    normal = hn::IfThenElse(tiny, hn::CopySign(units, v), normal);
  }
  normal = hn::IfThenElse(hn::IsNaN(v), v, normal);
  return hn::DemoteTo(df, normal);
}
#endif

/// a * b + c rounded to float32, to odd, for any floats.
template <class D>
HWY_INLINE V<D> FmaToOdd(D d, V<D> a, V<D> b, V<D> c) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  alignas(64) float x[hn::MaxLanes(d)], y[hn::MaxLanes(d)], z[hn::MaxLanes(d)];
  hn::Store(a, d, x);
  hn::Store(b, d, y);
  hn::Store(c, d, z);
  for (size_t i = 0; i < hn::Lanes(d); ++i) z[i] = fma_to_odd_float(x[i], y[i], z[i]);
  return hn::Load(d, z);
#else
  const hn::Half<D> dh;
  const hn::Rebind<double, decltype(dh)> dd;
  const auto part = [&](auto x, auto y, auto z) {
    const auto product = hn::Mul(hn::PromoteTo(dd, x), hn::PromoteTo(dd, y));  // exact: 48 bits
    return DemoteToOdd(dd, AddToOdd(dd, product, hn::PromoteTo(dd, z)));
  };
  return hn::Combine(d, part(hn::UpperHalf(dh, a), hn::UpperHalf(dh, b), hn::UpperHalf(dh, c)),
                     part(hn::LowerHalf(dh, a), hn::LowerHalf(dh, b), hn::LowerHalf(dh, c)));
#endif
}

/// fma_round of every lane: a * b + c rounded once by the plan. `float16_factors`: a and b are float16 values, which
/// saves the way through float64.
template <class D>
HWY_INLINE V<D> FmaLanes(D d, V<D> a, V<D> b, V<D> c, const RoundPlan& plan, bool float16_factors = false) {
  if (plan.kind == RoundPlan::Kind::identity) return CanonicalNan(d, Fma(d, a, b, c));
  if (HWY_UNLIKELY(!plan.from_odd)) {
    alignas(64) float x[hn::MaxLanes(d)], y[hn::MaxLanes(d)], z[hn::MaxLanes(d)];
    hn::Store(a, d, x);
    hn::Store(b, d, y);
    hn::Store(c, d, z);
    for (size_t i = 0; i < hn::Lanes(d); ++i) z[i] = fma_round_float(x[i], y[i], z[i], plan.rounding);
    return hn::Load(d, z);
  }
  return RoundLanes(d, float16_factors ? FmaToOddOfFloat16(d, a, b, c) : FmaToOdd(d, a, b, c), plan);
}

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
