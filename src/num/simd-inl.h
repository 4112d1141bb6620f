// Vector helpers that mean the same on every target, where Highway's own differ: fused multiply-add, 16-bit storage,
// canonical NaNs, partial loads and stores. Included once per target by a kernel file (see simd.h).
// Lanes are float or double; D is a Highway tag such as hn::ScalableTag<float>.

// Per-target include guard.
#if defined(ASSAY_NUM_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_NUM_SIMD_INL_H_
#undef ASSAY_NUM_SIMD_INL_H_
#else
#define ASSAY_NUM_SIMD_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "hwy/highway.h"
#include "num/half.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Whether this target is emulated lane by lane, with multiply-adds that round twice and its own 16-bit conversions.
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
inline constexpr bool kEmulated = true;
#else
inline constexpr bool kEmulated = false;
#endif

template <class D>
using V = hn::Vec<D>;

/// a * b + c, rounded once.
template <class D>
HWY_INLINE V<D> Fma(D d, V<D> a, V<D> b, V<D> c) {
  if constexpr (kEmulated) {
    using T = hn::TFromD<D>;
    alignas(64) T x[hn::MaxLanes(d)], y[hn::MaxLanes(d)], z[hn::MaxLanes(d)];
    hn::Store(a, d, x);
    hn::Store(b, d, y);
    hn::Store(c, d, z);
    for (size_t i = 0; i < hn::Lanes(d); ++i) z[i] = std::fma(x[i], y[i], z[i]);
    return hn::Load(d, z);
  } else {
    (void)d;
    return hn::MulAdd(a, b, c);
  }
}

/// c - a * b, rounded once.
template <class D>
HWY_INLINE V<D> NegFma(D d, V<D> a, V<D> b, V<D> c) {
  if constexpr (kEmulated) {
    return Fma(d, hn::Neg(a), b, c);
  } else {
    (void)d;
    return hn::NegMulAdd(a, b, c);
  }
}

/// Every NaN becomes 0x7fc00000 (0x7ff8000000000000).
template <class D>
HWY_INLINE V<D> CanonicalNan(D d, V<D> v) {
  using T = hn::TFromD<D>;
  const hn::RebindToUnsigned<D> du;
  const auto nan = hn::BitCast(
      d, hn::Set(du, sizeof(T) == 4 ? hwy::MakeUnsigned<T>(0x7fc00000u) : hwy::MakeUnsigned<T>(0x7ff8000000000000ull)));
  return hn::IfThenElse(hn::IsNaN(v), nan, v);
}

/// Magnitudes below `smallest` become zeros of their sign.
template <class D>
HWY_INLINE V<D> FlushBelow(D d, V<D> v, hn::TFromD<D> smallest) {
  const auto tiny = hn::Lt(hn::Abs(v), hn::Set(d, smallest));
  return hn::IfThenElse(tiny, hn::And(v, hn::Set(d, hn::TFromD<D>(-0.0))), v);
}

template <class D>
HWY_INLINE V<D> NanOf(D d) {
  return hn::Set(d, std::numeric_limits<hn::TFromD<D>>::quiet_NaN());
}

// IEEE 754-2019 maximum: equal operands differ only in the sign of zero, where + wins; NaN wins over all.
template <class D>
HWY_INLINE V<D> MaxOf(D d, V<D> a, V<D> b) {
  const auto larger = hn::IfThenElse(hn::Eq(a, b), hn::And(a, b), hn::IfThenElse(hn::Gt(a, b), a, b));
  return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::IsNaN(b)), NanOf(d), larger);
}
template <class D>
HWY_INLINE V<D> MinOf(D d, V<D> a, V<D> b) {
  const auto smaller = hn::IfThenElse(hn::Eq(a, b), hn::Or(a, b), hn::IfThenElse(hn::Lt(a, b), a, b));
  return hn::IfThenElse(hn::Or(hn::IsNaN(a), hn::IsNaN(b)), NanOf(d), smaller);
}

// ---- Partial vectors: the first n lanes (n <= Lanes(d)); other lanes load as zero and are not written. No access
// beyond the n-th element.

template <class D, class T>
HWY_INLINE V<D> LoadN(D d, const T* from, size_t n) {
  if (n >= hn::Lanes(d)) return hn::LoadU(d, from);
  alignas(64) T lanes[hn::MaxLanes(d)] = {};
  std::memcpy(lanes, from, n * sizeof(T));
  return hn::Load(d, lanes);
}

template <class D, class T>
HWY_INLINE void StoreN(V<D> v, D d, T* to, size_t n) {
  if (n >= hn::Lanes(d)) return hn::StoreU(v, d, to);
  alignas(64) T lanes[hn::MaxLanes(d)];
  hn::Store(v, d, lanes);
  std::memcpy(to, lanes, n * sizeof(T));
}

// ---- Rounding of float lanes to the nearest value of a narrower format, kept as float. NaN becomes canonical.

/// Nearest even to `kDropped` fewer significand bits, exponent range unchanged (TF32: 13, bfloat16: 16).
template <int kDropped, class D>
HWY_INLINE V<D> RoundSignificand(D d, V<D> v) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<kDropped>(bits), hn::Set(du, 1u));
  const auto sum = hn::Add(bits, hn::Add(odd, hn::Set(du, (1u << (kDropped - 1)) - 1u)));
  const auto rounded = hn::And(sum, hn::Set(du, ~((1u << kDropped) - 1u)));
  return hn::IfThenElse(hn::IsNaN(v), hn::BitCast(d, hn::Set(du, half::kNan32)), hn::BitCast(d, rounded));
}

template <class D>
HWY_INLINE V<D> RoundToBfloat16(D d, V<D> v) {
  return RoundSignificand<16>(d, v);
}

template <class D>
HWY_INLINE V<D> RoundToTf32(D d, V<D> v) {
  return RoundSignificand<13>(d, v);
}

// ---- 16-bit storage in arrays of uint16_t.

/// Widens Lanes(d) float16 values; exact.
template <class D>
HWY_INLINE V<D> LoadFloat16(D d, const uint16_t* from) {
  if constexpr (kEmulated) {
    alignas(64) float lanes[hn::MaxLanes(d)];
    for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = half::from_float16(from[i]);
    return hn::Load(d, lanes);
  } else {
    const hn::Rebind<hwy::float16_t, D> dh;
    return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(from)));
  }
}

/// Narrows to float16, nearest even; NaN becomes 0x7e00.
template <class D>
HWY_INLINE void StoreFloat16(V<D> v, D d, uint16_t* to) {
  if constexpr (kEmulated) {
    alignas(64) float lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d); ++i) to[i] = half::to_float16(lanes[i]);
  } else {
    const hn::Rebind<hwy::float16_t, D> dh;
    hn::StoreU(hn::DemoteTo(dh, CanonicalNan(d, v)), dh, reinterpret_cast<hwy::float16_t*>(to));
  }
}

template <class D>
HWY_INLINE V<D> LoadBfloat16(D d, const uint16_t* from) {
  const hn::Rebind<uint16_t, D> dh;
  const hn::RebindToUnsigned<D> du;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(du, hn::LoadU(dh, from))));
}

/// Narrows to bfloat16, nearest even; NaN becomes 0x7fc0. (Highway's own DemoteTo truncates on some targets.)
template <class D>
HWY_INLINE void StoreBfloat16(V<D> v, D d, uint16_t* to) {
  const hn::Rebind<uint16_t, D> dh;
  const hn::RebindToSigned<D> di;
  const hn::RebindToUnsigned<D> du;
  const auto high = hn::ShiftRight<16>(hn::BitCast(du, RoundToBfloat16(d, v)));
  hn::StoreU(hn::DemoteTo(dh, hn::BitCast(di, high)), dh, to);
}

/// Rounds to float16, nearest even, subnormals kept, overflow to infinity; the value stays float.
template <class D>
HWY_INLINE V<D> RoundToFloat16(D d, V<D> v) {
  if constexpr (kEmulated) {
    alignas(64) float lanes[hn::MaxLanes(d)];
    hn::Store(v, d, lanes);
    for (size_t i = 0; i < hn::Lanes(d); ++i) lanes[i] = half::from_float16(half::to_float16(lanes[i]));
    return hn::Load(d, lanes);
  } else {
    const hn::Rebind<hwy::float16_t, D> dh;
    return hn::PromoteTo(d, hn::DemoteTo(dh, CanonicalNan(d, v)));
  }
}

// The same for the first n lanes.
#define ASSAY_PARTIAL(Name)                                             \
  template <class D>                                                    \
  HWY_INLINE V<D> Load##Name##N(D d, const uint16_t* from, size_t n) {  \
    if (n >= hn::Lanes(d)) return Load##Name(d, from);                  \
    uint16_t lanes[hn::MaxLanes(d)] = {};                               \
    std::memcpy(lanes, from, n * sizeof(uint16_t));                     \
    return Load##Name(d, lanes);                                        \
  }                                                                     \
  template <class D>                                                    \
  HWY_INLINE void Store##Name##N(V<D> v, D d, uint16_t* to, size_t n) { \
    if (n >= hn::Lanes(d)) return Store##Name(v, d, to);                \
    uint16_t lanes[hn::MaxLanes(d)];                                    \
    Store##Name(v, d, lanes);                                           \
    std::memcpy(to, lanes, n * sizeof(uint16_t));                       \
  }
ASSAY_PARTIAL(Float16)
ASSAY_PARTIAL(Bfloat16)
#undef ASSAY_PARTIAL

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
