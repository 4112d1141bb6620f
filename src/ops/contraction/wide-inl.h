// Rounding of wide sums, vector by vector (wide.h); included once per target.

// Per-target include guard.
#if defined(ASSAY_OPS_WIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_OPS_WIDE_INL_H_
#undef ASSAY_OPS_WIDE_INL_H_
#else
#define ASSAY_OPS_WIDE_INL_H_
#endif

#include "num/fma-inl.h"
#include "ops/contraction/tile-inl.h"
#include "ops/contraction/wide.h"

#if HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

using DF = hn::ScalableTag<float>;
using DH = hn::Half<DF>;
using DD = hn::Rebind<double, DH>;

/// Bounds on the exact sums of a vector of float lanes, as two vectors of double lanes.
struct Bounds {
  HWY_INLINE Bounds() {}  // not the implicit one, which GCC compiles for no target: on arm64 it could not be inlined
  hn::Vec<DD> below[2], above[2];
};

/// Columns j, j + 1, ... into c: the sums, but by definition where `open` is set.
inline HWY_NOINLINE void DecideOpen(const WideTask& task, hn::Vec<DF> sums, hn::Vec<hn::RebindToSigned<DF>> open,
                                    size_t j, float* c) {
  const DF d;
  alignas(64) float values[hn::MaxLanes(d)];
  alignas(64) int32_t asked[hn::MaxLanes(d)];
  hn::Store(sums, d, values);
  hn::Store(open, hn::RebindToSigned<DF>(), asked);
  for (size_t i = 0; i < hn::Lanes(d); ++i)
    c[j + i] = asked[i] != 0 ? decided_by_definition(task, j + i, c[j + i]) : values[i];
}

class WideFinish {
 public:
  explicit WideFinish(const num::Policy& policy)
      : rounding_(sum_rounding(policy)),
        plan_(num::plan_of(rounding_)),
        float32_(IsFloat32(rounding_)),
        smallest_(static_cast<float>(num::min_normal(rounding_.format))),
        starts_flushed_(policy.flush_subnormals || policy.accumulator.flush_subnormals) {}

  /// The sums of columns j, j + 1, ... into c.
  HWY_INLINE void operator()(const WideTask& task, const Bounds& bounds, size_t j, float* c) const {
    const DF d;
    const hn::RebindToSigned<DF> di;
    const auto low = Rounded(bounds.below), high = Rounded(bounds.above);
    // Infinite sums and NaN take part: they need not come from the exact sum.
    const auto size = hn::BitCast(di, hn::Abs(high));
    auto open = hn::Or(hn::Ne(hn::BitCast(di, low), hn::BitCast(di, high)), hn::Gt(size, hn::Set(di, 0x7f7fffff)));
    if (starts_flushed_ && task.resume) {
      const auto start = hn::Abs(hn::LoadU(d, c + j));
      const auto tiny = hn::And(hn::Gt(start, hn::Zero(d)), hn::Lt(start, hn::Set(d, smallest_)));
      open = hn::Or(open, hn::RebindMask(di, tiny));
    }
    if (HWY_LIKELY(hn::AllFalse(di, open))) return hn::StoreU(high, d, c + j);
    DecideOpen(task, high, hn::VecFromMask(di, open), j, c);
  }

 private:
  static bool IsFloat32(num::Rounding rounding) {
    rounding.flush_subnormals = false;
    return rounding.format.exponent_bits == 8 && num::fast_rounding(rounding) == num::FastRounding::float32;
  }

  HWY_INLINE hn::Vec<DF> Rounded(const hn::Vec<DD>* sum) const {
    const DF d;
    const DD dd;
    if (float32_) {
      const auto v = hn::Combine(d, hn::DemoteTo(DH(), sum[1]), hn::DemoteTo(DH(), sum[0]));
      return rounding_.flush_subnormals ? simd::FlushBelow(d, v, smallest_) : v;
    }
    if (HWY_LIKELY(plan_.from_odd))
      return simd::RoundLanes(d, hn::Combine(d, simd::DemoteToOdd(dd, sum[1]), simd::DemoteToOdd(dd, sum[0])), plan_);
    alignas(64) double wide[2 * hn::MaxLanes(dd)];
    alignas(64) float narrow[hn::MaxLanes(d)];
    hn::Store(sum[0], dd, wide);
    hn::Store(sum[1], dd, wide + hn::Lanes(dd));
    for (size_t i = 0; i < hn::Lanes(d); ++i) narrow[i] = static_cast<float>(num::round(wide[i], rounding_));
    return hn::Load(d, narrow);
  }

  num::Rounding rounding_;
  num::RoundPlan plan_;
  bool float32_;
  float smallest_;
  bool starts_flushed_;
};

/// float lanes as two vectors of double lanes: first, second half.
HWY_INLINE hn::Vec<DD> WideLow(hn::Vec<DF> v) { return hn::PromoteTo(DD(), hn::LowerHalf(DH(), v)); }
HWY_INLINE hn::Vec<DD> WideHigh(hn::Vec<DF> v) { return hn::PromoteTo(DD(), hn::UpperHalf(DH(), v)); }

/// Magnitudes compared as bits: infinity and NaN are larger than all numbers.
HWY_INLINE hn::Vec<DF> LargerMagnitude(hn::Vec<DF> size, hn::Vec<DF> v) {
  const hn::RebindToSigned<DF> di;
  return hn::BitCast(DF(), hn::Max(hn::BitCast(di, size), hn::BitCast(di, hn::Abs(v))));
}

/// The largest magnitude (as above) of a panel of A.
HWY_INLINE float LargestOf(const float* a, size_t n) {
  const DF d;
  auto size = hn::Zero(d);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= n; i += hn::Lanes(d)) size = LargerMagnitude(size, hn::LoadU(d, a + i));
  size = LargerMagnitude(size, simd::LoadN(d, a + i, n - i));
  const hn::RebindToSigned<DF> di;
  return hn::GetLane(hn::BitCast(d, hn::MaxOfLanes(di, hn::BitCast(di, size))));
}

/// Kernels that take their number of rows at run time: kAll(rows, task, c, ldc).
template <void (*kAll)(size_t, const WideTask&, float*, size_t)>
struct WideKernel {
  template <size_t kM>
  struct Kernel {
    static void Run(size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                    const num::Policy& policy) {
      kAll(kM, {kc, a, kRows, b, TileColumns<float>(), resume, policy}, c, ldc);
    }
  };
};

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif

#endif  // per-target include guard
