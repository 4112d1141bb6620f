// Micro-kernels of `exact`: every product summed exactly, one rounding. The sum is a float64 chain whose products are
// exact; its error is at most one unit roundoff of the terms' magnitudes a step, and where that leaves the rounded
// result open a closer look decides (wide.h).
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/exact.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/contraction/kernel_sets.h"
#include "ops/contraction/scratch.h"
#include "ops/contraction/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

KernelSet<float> ExactFloat() { return reference_float(); }

#else

constexpr size_t kExactSlot = 5;  // scratch() slot of A's panel in float64

HWY_INLINE void Widen(const float* from, size_t n, double* to) {
  const DD dd;
  size_t i = 0;
  for (; i + hn::Lanes(dd) <= n; i += hn::Lanes(dd)) hn::StoreU(hn::PromoteTo(dd, hn::LoadU(DH(), from + i)), dd, to + i);
  for (; i < n; ++i) to[i] = static_cast<double>(from[i]);
}

template <size_t kM>
struct Exact {
  static void Run(size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                  const num::Policy& policy) {
    const DF d;
    const size_t lanes = hn::Lanes(d), columns = kVectors * lanes;
    const WideFinish finish(policy);
    double* const wide = scratch<double>(kExactSlot, kc * kRows);
    Widen(a, kc * kRows, wide);
    const auto largest = static_cast<double>(LargestOf(a, kc * kRows));
    for (size_t j = 0; j < columns; j += lanes) {
      Columns(kc, wide, largest, a, b, c, ldc, resume, policy, j, finish);
    }
  }

  /// One vector of columns of all rows.
  HWY_INLINE static void Columns(size_t kc, const double* wide, double largest, const float* a, const float* b,
                                 float* c, size_t ldc, bool resume, const num::Policy& policy, size_t j,
                                 const WideFinish& finish) {
    const DF d;
    const DD dd;
    const size_t columns = kVectors * hn::Lanes(d);
    hn::Vec<DD> acc[kM][2];
#pragma GCC unroll 16
    for (size_t i = 0; i < kM; ++i) {
      const auto start = resume ? hn::LoadU(d, c + i * ldc + j) : hn::Zero(d);
      acc[i][0] = WideLow(start), acc[i][1] = WideHigh(start);
    }
    auto size = hn::Zero(d);
    for (size_t k = 0; k < kc; ++k) {
      const auto row = hn::Load(d, b + k * columns + j);
      const auto low = WideLow(row), high = WideHigh(row);
      size = LargerMagnitude(size, row);
#pragma GCC unroll 16
      for (size_t i = 0; i < kM; ++i) {
        const auto x = hn::Set(dd, wide[k * kRows + i]);
        acc[i][0] = hn::MulAdd(x, low, acc[i][0]);
        acc[i][1] = hn::MulAdd(x, high, acc[i][1]);
      }
    }
    // Each of kc steps errs by at most 2^-53 of the terms' magnitudes so far; the rest covers second-order terms.
    const auto steps = static_cast<double>(kc);
    const auto unit = hn::Set(dd, (steps + 1) * 0x1.01p-53), terms = hn::Set(dd, steps * largest);
#pragma GCC unroll 16
    for (size_t i = 0; i < kM; ++i) {
      const auto start = resume ? hn::Abs(hn::LoadU(d, c + i * ldc + j)) : hn::Zero(d);
      const hn::Vec<DD> sizes[2] = {WideLow(size), WideHigh(size)}, starts[2] = {WideLow(start), WideHigh(start)};
      Bounds bounds;
      for (size_t h = 0; h < 2; ++h) {
        const auto slack = hn::Mul(unit, hn::MulAdd(terms, sizes[h], starts[h]));
        bounds.below[h] = hn::Sub(acc[i][h], slack);
        bounds.above[h] = hn::Add(acc[i][h], slack);
      }
      finish({kc, a + i, kRows, b, columns, resume, policy}, bounds, j, c + i * ldc);
    }
  }
};

KernelSet<float> ExactFloat() { return SetOf<float, Exact>(); }

#endif

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(ExactFloat);

KernelSet<float> exact_float() {
  KernelSet<float> set = HWY_DYNAMIC_DISPATCH(ExactFloat)();
  set.whole_k = true;
  return set;
}

}  // namespace assay::ops::contraction
#endif
