// Micro-kernels of `exact`: every product summed exactly, one rounding. The sum is a float64 chain whose products are
// exact; its error is at most one unit roundoff of the terms' magnitudes a step, and where that leaves the rounded
// result open a closer look decides (wide.h).
#include <cmath>

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
  for (; i + hn::Lanes(dd) <= n; i += hn::Lanes(dd))
    hn::StoreU(hn::PromoteTo(dd, hn::LoadU(DH(), from + i)), dd, to + i);
  for (; i < n; ++i) to[i] = static_cast<double>(from[i]);
}

/// The sum of the magnitudes of each row of a panel [kc][kRows].
HWY_INLINE void SumMagnitudes(const double* panel, size_t kc, double* rows) {
  // Three vectors of 2, 4 or 8 lanes hold whole numbers of 6 or 12 rows together, so that lanes keep their row.
  const DD dd;
  const size_t lanes = hn::Lanes(dd), period = 3 * lanes, n = kc * kRows;
  auto s0 = hn::Zero(dd), s1 = s0, s2 = s0;
  size_t i = 0;
  for (; i + period <= n; i += period) {
    s0 = hn::Add(s0, hn::Abs(hn::LoadU(dd, panel + i)));
    s1 = hn::Add(s1, hn::Abs(hn::LoadU(dd, panel + i + lanes)));
    s2 = hn::Add(s2, hn::Abs(hn::LoadU(dd, panel + i + 2 * lanes)));
  }
  alignas(64) double sums[3 * hn::MaxLanes(dd)];
  hn::StoreU(s0, dd, sums);
  hn::StoreU(s1, dd, sums + lanes);
  hn::StoreU(s2, dd, sums + 2 * lanes);
  for (size_t r = 0; r < kRows; ++r) rows[r] = 0;
  for (size_t l = 0; l < period; ++l) rows[l % kRows] += sums[l];
  for (; i < n; ++i) rows[i % kRows] += std::abs(panel[i]);
}

/// Rounds one vector of sums. largest: the columns' largest magnitudes in B; magnitudes: the sum of those of A's row.
HWY_NOINLINE void FinishExact(const WideTask& task, const double* sums, const float* largest, double magnitudes,
                              const WideFinish& finish, size_t j, float* c) {
  const DF d;
  const DD dd;
  // Each of kc steps errs by at most 2^-53 of the terms' magnitudes so far; the rest covers second-order terms.
  const auto unit = hn::Set(dd, static_cast<double>(task.kc + 1) * 0x1.01p-53), terms = hn::Set(dd, magnitudes);
  const auto start = task.resume ? hn::Abs(hn::LoadU(d, c + j)) : hn::Zero(d), size = hn::Load(d, largest);
  const hn::Vec<DD> columns[2] = {WideLow(size), WideHigh(size)}, starts[2] = {WideLow(start), WideHigh(start)};
  Bounds bounds;
  for (size_t h = 0; h < 2; ++h) {
    const auto slack = hn::Mul(unit, hn::MulAdd(terms, columns[h], starts[h]));
    const auto sum = hn::Load(dd, sums + h * hn::Lanes(dd));
    bounds.below[h] = hn::Sub(sum, slack);
    bounds.above[h] = hn::Add(sum, slack);
  }
  finish(task, bounds, j, c);
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
    double magnitudes[kRows];
    SumMagnitudes(wide, kc, magnitudes);
    for (size_t j = 0; j < columns; j += lanes) {
      Columns(kc, wide, magnitudes, a, b, c, ldc, resume, policy, j, finish);
    }
  }

  /// One vector of columns of all rows.
  HWY_INLINE static void Columns(size_t kc, const double* wide, const double* magnitudes, const float* a,
                                 const float* b, float* c, size_t ldc, bool resume, const num::Policy& policy, size_t j,
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
    alignas(64) double sums[kM * hn::MaxLanes(d)];
#pragma GCC unroll 16
    for (size_t i = 0; i < kM; ++i) {
      hn::Store(acc[i][0], dd, sums + 2 * i * hn::Lanes(dd));
      hn::Store(acc[i][1], dd, sums + (2 * i + 1) * hn::Lanes(dd));
    }
    alignas(64) float largest[hn::MaxLanes(d)];
    hn::Store(size, d, largest);
    for (size_t i = 0; i < kM; ++i)
      FinishExact({kc, a + i, kRows, b, columns, resume, policy}, sums + i * hn::Lanes(d), largest, magnitudes[i],
                  finish, j, c + i * ldc);
  }
};

KernelSet<float> ExactFloat() { return SetOf<float, Exact>(kWholeK); }

#endif

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(ExactFloat);

KernelSet<float> exact_float() { return HWY_DYNAMIC_DISPATCH(ExactFloat)(); }

}  // namespace assay::ops::contraction
#endif
