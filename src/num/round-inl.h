// RoundLanes: any Rounding of float vectors, from a RoundPlan. Included once per target (see simd.h).

#if defined(ASSAY_NUM_ROUND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_NUM_ROUND_INL_H_
#undef ASSAY_NUM_ROUND_INL_H_
#else
#define ASSAY_NUM_ROUND_INL_H_
#endif

#include "hwy/highway.h"
#include "num/round_plan.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

/// What is added to a significand before the dropped bits are cut off.
template <class DU>
HWY_INLINE V<DU> RoundingAddend(DU du, Mode mode, V<DU> odd, V<DU> below_half, V<DU> half) {
  if (mode == Mode::nearest_even) return hn::Add(below_half, odd);
  if (mode == Mode::nearest_away) return half;
  return hn::Zero(du);
}

/// Results on the subnormal lattice of the format, for magnitudes (bits `a`) below its smallest normal.
template <class D, class U>
HWY_INLINE U RoundSubnormalLanes(D d, U a, const RoundPlan& plan) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto one = hn::Set(du, 1u);
  const auto field = hn::ShiftRight<23>(a);
  const auto hidden = hn::IfThenZeroElse(hn::Eq(field, hn::Zero(du)), hn::Set(du, 0x800000u));
  const auto significand = hn::Or(hn::And(a, hn::Set(du, 0x7fffffu)), hidden);
  const auto more = hn::Sub(hn::Set(du, plan.min_field), hn::Max(field, one));
  // (Lanes that are not subnormal come along; their shifts only have to be in range.)
  const auto shift = hn::Min(hn::Max(hn::Add(hn::Set(du, plan.shift), more), one), hn::Set(du, 31u));
  const auto quotient = hn::Shr(significand, shift);
  const auto half = hn::Shl(one, hn::Sub(shift, one));
  const auto addend = RoundingAddend(du, plan.mode, hn::And(quotient, one), hn::Sub(half, one), half);
  auto units = hn::Shr(hn::Add(significand, addend), shift);
  if (plan.mode == Mode::to_odd) {
    const auto exact = hn::Eq(hn::Shl(quotient, shift), significand);
    units = hn::IfThenElse(exact, units, hn::Or(units, one));
  }
  const auto value = hn::Mul(hn::ConvertTo(d, hn::BitCast(di, units)), hn::Set(d, plan.spacing));
  return hn::BitCast(du, value);
}

template <class D>
HWY_INLINE V<D> RoundIntegerLanes(D d, V<D> v, const RoundPlan& plan) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;  // magnitudes are compared as signed integers: AVX2 has no other comparison
  const auto below = [&](auto x, uint32_t limit) HWY_ATTR {
    return hn::RebindMask(du, hn::Lt(hn::BitCast(di, x), hn::Set(di, static_cast<int32_t>(limit))));
  };
  const auto above = [&](auto x, uint32_t limit) HWY_ATTR {
    return hn::RebindMask(du, hn::Gt(hn::BitCast(di, x), hn::Set(di, static_cast<int32_t>(limit))));
  };
  const auto bits = hn::BitCast(du, v);
  const auto a = hn::And(bits, hn::Set(du, 0x7fffffffu));
  const auto sign = hn::Xor(bits, a);
  const int shift = static_cast<int>(plan.shift);
  const auto odd = hn::And(hn::ShiftRightSame(a, shift), hn::Set(du, plan.lsb_mask));
  const auto addend = RoundingAddend(du, plan.mode, odd, hn::Set(du, plan.below_half), hn::Set(du, plan.half));
  auto r = hn::ShiftLeftSame(hn::ShiftRightSame(hn::Add(a, addend), shift), shift);
  if (plan.mode == Mode::to_odd) {
    r = hn::IfThenElse(hn::Eq(r, a), r, hn::Or(r, hn::Set(du, 1u << shift)));
  }
  if (plan.has_subnormal_path) {
    const auto low = hn::And(below(a, plan.min_normal), above(a, 0));
    if (HWY_UNLIKELY(!hn::AllFalse(du, low))) r = hn::IfThenElse(low, RoundSubnormalLanes(d, a, plan), r);
  }
  r = hn::IfThenZeroElse(below(r, plan.flush_below), r);
  r = hn::IfThenElse(above(r, plan.max), hn::Set(du, plan.overflow), r);
  r = hn::IfThenElse(hn::Eq(a, hn::Set(du, 0x7f800000u)), hn::Set(du, plan.from_infinity), r);
  r = hn::IfThenElse(above(a, 0x7f800000u), a, r);
  auto out = hn::Or(r, sign);
  if (!plan.signed_zero) out = hn::IfThenZeroElse(hn::Eq(r, hn::Zero(du)), out);
  return CanonicalNan(d, hn::BitCast(d, out));
}

template <class D>
HWY_INLINE V<D> RoundFloat16Edges(D d, V<D> v, const RoundPlan& plan) {
  const hn::RebindToSigned<D> di;
  const auto magnitude = hn::Set(di, 0x7fffffff);
  const auto of = [di](uint32_t bits) HWY_ATTR { return hn::Set(di, static_cast<int32_t>(bits)); };
  const auto rounded = hn::BitCast(di, RoundToFloat16(d, v));
  const auto a = hn::And(hn::BitCast(di, v), magnitude);
  auto r = hn::And(rounded, magnitude);
  r = hn::IfThenZeroElse(hn::Lt(r, of(plan.flush_below)), r);
  r = hn::IfThenElse(hn::Gt(r, of(plan.max)), of(plan.overflow), r);
  r = hn::IfThenElse(hn::Eq(a, of(0x7f800000u)), of(plan.from_infinity), r);
  r = hn::IfThenElse(hn::Gt(a, of(0x7f800000u)), rounded, hn::Or(r, hn::AndNot(magnitude, rounded)));
  return hn::BitCast(d, r);
}

/// round_float of every lane.
template <class D>
HWY_INLINE V<D> RoundLanes(D d, V<D> v, const RoundPlan& plan) {
  switch (plan.kind) {
    case RoundPlan::Kind::identity:
      return CanonicalNan(d, v);
    case RoundPlan::Kind::float16:
      return RoundToFloat16(d, v);
    case RoundPlan::Kind::bfloat16:
      return RoundToBfloat16(d, v);
    case RoundPlan::Kind::tf32:
      return RoundToTf32(d, v);
    case RoundPlan::Kind::float16_edges:
      return RoundFloat16Edges(d, v, plan);
    case RoundPlan::Kind::integers:
      return RoundIntegerLanes(d, v, plan);
    case RoundPlan::Kind::scalar:
      break;
  }
  alignas(64) float lanes[hn::MaxLanes(d)];
  hn::Store(v, d, lanes);
  for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = round_float(lanes[i], plan.rounding);
  return hn::Load(d, lanes);
}

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
