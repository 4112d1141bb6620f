// Micro-kernels of `pairs`, the dot-product instructions of CPUs on bfloat16 pairs (num/accumulate_pairs.cc is the
// definition): float32 accumulators, subnormals flushed at every step.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/pairs.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/contraction/kernel_sets.h"
#include "ops/contraction/scratch.h"
#include "ops/contraction/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

KernelSet<float> PairsFloat() { return reference_float(); }

#else

using num::Accumulator;

HWY_INLINE hn::Vec<DF> Flushed(hn::Vec<DF> v) { return simd::FlushBelow(DF(), v, 0x1p-126f); }
HWY_INLINE hn::Vec<DF> FlushedFma(hn::Vec<DF> x, hn::Vec<DF> y, hn::Vec<DF> acc) {
  return Flushed(hn::MulAdd(x, y, acc));
}
HWY_INLINE hn::Vec<DF> OddSum(hn::Vec<DF> x, hn::Vec<DF> y) { return Flushed(simd::AddToOdd(DF(), x, y)); }

/// The panel with its subnormals flushed and two steps of zeros behind it.
HWY_INLINE const float* FlushedPanel(const float* from, size_t n, size_t width, float* to) {
  const DF d;
  for (size_t i = 0; i < n; i += hn::Lanes(d)) simd::StoreN(Flushed(simd::LoadN(d, from + i, n - i)), d, to + i, n - i);
  for (size_t i = n; i < n + 2 * width; ++i) to[i] = 0;
  return to;
}

/// One row, one vector of columns: a[k * kRows], b[k * columns], kc rounded up to pairs.
template <Accumulator::PairRule kRule>
HWY_NOINLINE hn::Vec<DF> PairColumns(size_t kc, size_t block, const float* a, const float* b, size_t columns,
                                     hn::Vec<DF> acc) {
  const DF d;
  const auto x = [&](size_t k) HWY_ATTR { return hn::Set(d, a[k * kRows]); };
  const auto y = [&](size_t k) HWY_ATTR { return hn::LoadU(d, b + k * columns); };
  if constexpr (kRule == Accumulator::PairRule::odd_then_even) {
    for (size_t k = 0; k < kc; k += 2) acc = FlushedFma(x(k), y(k), FlushedFma(x(k + 1), y(k + 1), acc));
  } else if constexpr (kRule == Accumulator::PairRule::even_odd_sums) {
    for (size_t k = 0; k < kc;) {
      auto even = hn::Zero(d), odd = even;
      for (const size_t end = k + block; k < end && k < kc; k += 2) {
        even = FlushedFma(x(k), y(k), even);
        odd = FlushedFma(x(k + 1), y(k + 1), odd);
      }
      acc = Flushed(hn::Add(Flushed(hn::Add(even, odd)), acc));
    }
  } else {
    for (size_t k = 0; k < kc; k += 2) {
      const auto first = Flushed(hn::Mul(x(k), y(k))), second = Flushed(hn::Mul(x(k + 1), y(k + 1)));  // exact
      acc = OddSum(acc, OddSum(first, second));
    }
  }
  return acc;
}

HWY_NOINLINE void AllPairs(size_t rows, const WideTask& task, float* c, size_t ldc) {
  const DF d;
  const Accumulator& accumulator = task.policy.accumulator;
  const size_t na = task.kc * kRows, nb = task.kc * task.columns;
  const float* const a = FlushedPanel(task.a, na, kRows, scratch<float>(4, na + 2 * kRows));
  const float* const b = FlushedPanel(task.b, nb, task.columns, scratch<float>(5, nb + 2 * task.columns));
  const auto block = static_cast<size_t>(HWY_MAX(accumulator.block, 2));
  // Nothing may overflow on the way: then, and with infinities and NaN, all is left to the definition.
  const float most = static_cast<float>(task.kc) * LargestOf(a, na) * LargestOf(b, nb);
  const auto columns =
      accumulator.pairs == Accumulator::PairRule::odd_then_even   ? PairColumns<Accumulator::PairRule::odd_then_even>
      : accumulator.pairs == Accumulator::PairRule::even_odd_sums ? PairColumns<Accumulator::PairRule::even_odd_sums>
                                                                  : PairColumns<Accumulator::PairRule::round_to_odd>;
  for (size_t i = 0; i < rows; ++i) {
    const WideTask row{task.kc, task.a + i, kRows, task.b, task.columns, task.resume, task.policy};
    float* const to = c + i * ldc;
    for (size_t j = 0; j < task.columns; j += hn::Lanes(d)) {
      const auto start = task.resume ? Flushed(hn::LoadU(d, to + j)) : hn::Zero(d);
      const float largest = hn::GetLane(hn::MaxOfLanes(d, hn::Abs(start)));
      if (most < 0x1p120f && largest < 0x1p120f) {
        hn::StoreU(columns(task.kc, block, a + i, b + j, task.columns, start), d, to + j);
      } else {
        for (size_t l = j; l < j + hn::Lanes(d); ++l) to[l] = decided_by_definition(row, l, to[l]);
      }
    }
  }
}

KernelSet<float> PairsFloat() { return SetOf<float, WideKernel<AllPairs>::Kernel>(kWholeK); }

#endif

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(PairsFloat);

KernelSet<float> pairs_float() { return HWY_DYNAMIC_DISPATCH(PairsFloat)(); }

}  // namespace assay::ops::contraction
#endif
