// Micro-kernels of chains whose every step is rounded to a narrower format (float16 throughout, bfloat16, ...), of
// chains that flush subnormals, and of sums over several lanes.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/stepped.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/fma-inl.h"
#include "ops/contraction/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

/// Any rounding of steps and products, by its plan.
class PlannedStep {
 public:
  explicit PlannedStep(const num::Policy& policy)
      : step_(num::make_plan(policy.accumulator.step.value_or(plain_float()))),
        product_(num::make_plan(policy.accumulator.product.value_or(policy.accumulator.step.value_or(plain_float())))),
        fused_(policy.accumulator.fused),
        via_float32_(policy.accumulator.step_via_float32),
        flush_(policy.accumulator.flush_subnormals || policy.flush_subnormals),
        smallest_(static_cast<float>(num::min_normal(policy.accumulator.step.value_or(plain_float()).format))) {}

  template <class D, class V>
  HWY_INLINE V operator()(D d, V a, V b, V acc) const {
    if (!fused_) {
      a = Flushed(d, Rounded(d, a, b, hn::Set(d, -0.0f), product_));  // adding -0 changes nothing
      b = hn::Set(d, 1.0f);
    }
    return Flushed(d, Rounded(d, a, b, acc, step_));
  }

  template <class D, class V>
  HWY_INLINE V Flushed(D d, V v) const {
    return flush_ ? simd::FlushBelow(d, v, smallest_) : v;
  }

 private:
  static num::Rounding plain_float() { return {.format = num::format(num::FormatId::float32)}; }

  template <class D, class V>
  HWY_INLINE V Rounded(D d, V a, V b, V c, const num::RoundPlan& plan) const {
    if (via_float32_) return simd::RoundLanes(d, simd::Fma(d, a, b, c), plan);
    return simd::FmaLanes(d, a, b, c, plan);
  }

  num::RoundPlan step_, product_;
  bool fused_, via_float32_, flush_;
  float smallest_;
};

// The loops below take the number of rows at run time: their steps are long, and a copy for each number of rows would
// only cost compile time.
using Rows = void (*)(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                      const num::Policy& policy);
template <Rows kRun>
struct AnyRows {
  template <size_t kM>
  struct Kernel {
    static void Run(size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                    const num::Policy& policy) {
      kRun(kM, kc, a, b, c, ldc, resume, policy);
    }
  };
};

HWY_NOINLINE void Planned(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                          const num::Policy& policy) {
  const PlannedStep step(policy);
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d), columns = kVectors * lanes;
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; j += lanes) {
      auto acc = resume ? step.Flushed(d, hn::LoadU(d, c + i * ldc + j)) : hn::Zero(d);
      for (size_t k = 0; k < kc; ++k)
        acc = step(d, hn::Set(d, a[k * kRows + i]), hn::Load(d, b + k * columns + j), acc);
      hn::StoreU(acc, d, c + i * ldc + j);
    }
  }
}

/// float16 after each fused multiply-add, to nearest even. Rounding the float32 result again goes wrong only where that
/// result is a tie of float16 though the exact one is not, so steps with a possible tie are looked at closely.
template <class D>
HWY_NOINLINE hn::Vec<D> HalfStep(D d, hn::Vec<D> a, hn::Vec<D> b, hn::Vec<D> c) {
  return simd::RoundToFloat16(d, simd::FmaToOdd(d, a, b, c));
}

template <size_t kM>
struct Halves {
  static void Run(size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume, const num::Policy&) {
    const hn::ScalableTag<float> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    using V = hn::Vec<decltype(d)>;
    const size_t lanes = hn::Lanes(d);
    const auto low = hn::Set(du, 0x1fffu), tie = hn::Set(du, 0x1000u);
    const auto magnitude = hn::Set(du, 0x7fffffffu), normal = hn::Set(du, 0x38800000u), zero = hn::Zero(du);
    V acc[kM][kVectors];
    for (size_t i = 0; i < kM; ++i) {
      for (size_t j = 0; j < kVectors; ++j) acc[i][j] = resume ? hn::LoadU(d, c + i * ldc + j * lanes) : hn::Zero(d);
    }
    for (size_t k = 0; k < kc; ++k, a += kRows, b += kVectors * lanes) {
#pragma GCC unroll 16
      for (size_t i = 0; i < kM; ++i) {
        const V x = hn::Set(d, a[i]);
#pragma GCC unroll 4
        for (size_t j = 0; j < kVectors; ++j) {
          const V row = hn::Load(d, b + j * lanes);
          const V sum = simd::Fma(d, x, row, acc[i][j]);
          const auto bits = hn::BitCast(du, sum), size = hn::And(bits, magnitude);
          // Below the normal numbers ties lie elsewhere.
          const auto subnormal = hn::And(hn::Lt(size, normal), hn::Ne(size, zero));
          const auto suspect = hn::Or(hn::Eq(hn::And(bits, low), tie), subnormal);
          if (HWY_UNLIKELY(!hn::AllFalse(du, suspect))) {
            acc[i][j] = HalfStep(d, x, row, acc[i][j]);
          } else {
            acc[i][j] = simd::RoundToFloat16(d, sum);
          }
        }
      }
    }
    for (size_t i = 0; i < kM; ++i) {
      for (size_t j = 0; j < kVectors; ++j) hn::StoreU(acc[i][j], d, c + i * ldc + j * lanes);
    }
  }
};

/// Subnormals become zeros of their sign.
template <bool kFlush, class D, class V>
HWY_INLINE V FlushedIf(D d, V v) {
  if constexpr (!kFlush) return v;
  return simd::FlushBelow(d, v, 0x1p-126f);
}

/// Lane l sums k = l, l + lanes, ...; then halves are added. Step is (sum, a, b) -> sum, on vectors; kCount is the
/// number of lanes, 0 the policy's.
template <size_t kCount, bool kFlush, class Step>
HWY_INLINE void SumLanes(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                         const num::Policy& policy, const Step& step) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const size_t width = hn::Lanes(d), columns = kVectors * width;
  const size_t count = kCount != 0 ? kCount : static_cast<size_t>(policy.accumulator.lanes);
  for (size_t i = 0; i < rows; ++i) {
    for (size_t j = 0; j < columns; j += width) {
      V lanes[kCount != 0 ? kCount : 16];
      for (size_t l = 0; l < count; ++l) lanes[l] = hn::Zero(d);
      const float *x = a + i, *y = b + j;
      size_t k = 0;
      for (; k + count <= kc; k += count, x += count * kRows, y += count * columns) {
#pragma GCC unroll 16
        for (size_t l = 0; l < count; ++l)
          lanes[l] = step(lanes[l], hn::Set(d, x[l * kRows]), hn::Load(d, y + l * columns));
      }
      for (size_t l = 0; k < kc; ++k, ++l)
        lanes[l] = step(lanes[l], hn::Set(d, x[l * kRows]), hn::Load(d, y + l * columns));
      for (size_t half = count / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; ++l) lanes[l] = FlushedIf<kFlush>(d, hn::Add(lanes[l], lanes[l + half]));
      }
      if (resume) {  // the start is added last, unless it is zero
        const V start = hn::LoadU(d, c + i * ldc + j);
        const V sum = FlushedIf<kFlush>(d, hn::Add(lanes[0], FlushedIf<kFlush>(d, start)));
        lanes[0] = hn::IfThenElse(hn::Eq(start, hn::Zero(d)), lanes[0], sum);
      }
      hn::StoreU(lanes[0], d, c + i * ldc + j);
    }
  }
}

/// Eight lanes, fused: what runtimes do that vectorise dot products along k.
template <bool kFlush>
HWY_NOINLINE void EightLanes(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                             const num::Policy& policy) {
  const hn::ScalableTag<float> d;
  SumLanes<8, kFlush>(rows, kc, a, b, c, ldc, resume, policy,
                      [d](auto sum, auto x, auto y) HWY_ATTR { return FlushedIf<kFlush>(d, simd::Fma(d, x, y, sum)); });
}

template <bool kFlush>
HWY_NOINLINE void AnyLanes(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                           const num::Policy& policy) {
  const hn::ScalableTag<float> d;
  const bool fused = policy.accumulator.fused;
  SumLanes<0, kFlush>(rows, kc, a, b, c, ldc, resume, policy, [d, fused](auto sum, auto x, auto y) HWY_ATTR {
    return FlushedIf<kFlush>(d, fused ? simd::Fma(d, x, y, sum) : hn::Add(sum, FlushedIf<kFlush>(d, hn::Mul(x, y))));
  });
}

void Lanes(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
           const num::Policy& policy) {
  const bool flush = policy.flush_subnormals || policy.accumulator.flush_subnormals;
  const bool eight = policy.accumulator.lanes == 8 && policy.accumulator.fused;
  const Rows sum = eight ? (flush ? EightLanes<true> : EightLanes<false>) : (flush ? AnyLanes<true> : AnyLanes<false>);
  sum(rows, kc, a, b, c, ldc, resume, policy);
}

KernelSet<float> PlannedFloat() { return SetOf<float, AnyRows<Planned>::Kernel>(); }
KernelSet<float> HalvesFloat() { return SetOf<float, Halves>(); }
KernelSet<float> LanesFloat() { return SetOf<float, AnyRows<Lanes>::Kernel>(kWholeK); }

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "ops/contraction/kernel_sets.h"

namespace assay::ops::contraction {

HWY_EXPORT(PlannedFloat);
HWY_EXPORT(HalvesFloat);
HWY_EXPORT(LanesFloat);

KernelSet<float> planned_float() { return HWY_DYNAMIC_DISPATCH(PlannedFloat)(); }
KernelSet<float> halves_float() { return HWY_DYNAMIC_DISPATCH(HalvesFloat)(); }
KernelSet<float> lanes_float() { return HWY_DYNAMIC_DISPATCH(LanesFloat)(); }

}  // namespace assay::ops::contraction
#endif
