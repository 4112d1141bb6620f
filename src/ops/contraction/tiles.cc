// Micro-kernels of `tiles`, the Neural Engine's sums: small tiles of products through a narrow adder, the tiles'
// results summed exactly, one rounding. Operands are float16 values, so that float32 holds every product.
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/tiles.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/contraction/kernel_sets.h"
#include "ops/contraction/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

KernelSet<float> TilesFloat() { return reference_float(); }

#else

/// x + y, both cut to `bits` significant bits of the larger; zeros are added as they are.
template <bool kNearest>
struct NarrowAdder {
  explicit NarrowAdder(int bits) : shift(bits - 1) {}

  HWY_INLINE hn::Vec<DF> operator()(hn::Vec<DF> x, hn::Vec<DF> y) const {
    const DF d;
    const hn::RebindToSigned<DF> di;
    const auto mask = hn::Set(di, 0x7f800000);
    const auto ex = hn::And(hn::BitCast(di, x), mask), ey = hn::And(hn::BitCast(di, y), mask);
    // Beside a zero the unit is so small that nothing is cut: 16 binary places below the one that cuts.
    const auto zero = hn::VecFromMask(di, hn::Eq(hn::Min(ex, ey), hn::Zero(di)));
    const auto exponent = hn::Add(hn::Max(ex, ey), hn::ShiftLeft<27>(zero));
    const auto unit = hn::BitCast(d, hn::Sub(exponent, hn::Set(di, shift << 23)));
    const auto inverse = hn::BitCast(d, hn::Sub(hn::Set(di, (254 + shift) << 23), exponent));
    const auto cut = [&](hn::Vec<DF> v) HWY_ATTR {
      const auto units = hn::Mul(v, inverse);
      return kNearest ? hn::Round(units) : hn::Trunc(units);
    };
    return hn::Mul(hn::Add(cut(x), cut(y)), unit);
  }
  int shift;
};

constexpr float kLargestTerm = 0x1p15f;
constexpr size_t kMostTerms = size_t{1} << 13;

/// Sums of up to kMostTerms floats that are multiples of 2^-48, exact as long as their magnitudes add up to less than
/// kLargestTerm: multiples of 2^-7 in float32, the rest, at most 2^-8 each, in float64.
struct FixedSum {
  hn::Vec<DF> coarse;
  hn::Vec<DD> fine[2];

  HWY_INLINE FixedSum() : coarse(hn::Zero(DF())), fine{hn::Zero(DD()), hn::Zero(DD())} {}
  HWY_INLINE void Add(hn::Vec<DF> x) {
    const auto shifter = hn::Set(DF(), 0x1.8p16f);
    const auto part = hn::Sub(hn::Add(x, shifter), shifter), rest = hn::Sub(x, part);
    coarse = hn::Add(coarse, part);
    fine[0] = hn::Add(fine[0], WideLow(rest));
    fine[1] = hn::Add(fine[1], WideHigh(rest));
  }
  /// The sum as float64; where that is not exact, as bounds.
  HWY_INLINE Bounds Total() const {
    const hn::Vec<DD> whole[2] = {WideLow(coarse), WideHigh(coarse)};
    Bounds bounds;
    for (size_t h = 0; h < 2; ++h) {
      const auto sum = hn::Add(whole[h], fine[h]), other = hn::Sub(sum, whole[h]);
      const auto error = hn::Add(hn::Sub(whole[h], hn::Sub(sum, other)), hn::Sub(fine[h], other));
      const auto slack = hn::Add(hn::Abs(error), hn::Abs(error));  // at least the spacing where there is an error
      bounds.below[h] = hn::Sub(sum, slack);
      bounds.above[h] = hn::Add(sum, slack);
    }
    return bounds;
  }
};

template <bool kNearest, bool kRoundProduct>
struct Tiles {
  /// All rows and columns; false when nothing was done: the sums are too long, or start somewhere.
  HWY_NOINLINE static bool All(size_t rows, const WideTask& task, float* c, size_t ldc) {
    const num::Accumulator& accumulator = task.policy.accumulator;
    const auto block = static_cast<size_t>(accumulator.block);
    if (task.resume || task.kc / block + 1 > kMostTerms) return false;
    const float most =
        static_cast<float>(task.kc) * LargestOf(task.a, task.kc * kRows) * LargestOf(task.b, task.kc * task.columns);
    const float safe = 0.9f * HWY_MIN(overflow_threshold(accumulator), kLargestTerm);
    const bool watch = !(most < safe);
    const auto row = block == 4 ? (watch ? Row<4, true> : Row<4, false>) : (watch ? Row<0, true> : Row<0, false>);
    const WideFinish finish(task.policy);
    for (size_t i = 0; i < rows; ++i)
      row({task.kc, task.a + i, kRows, task.b, task.columns, false, task.policy}, safe, finish, c + i * ldc);
    return true;
  }

  /// kBlock 0: the policy's. kWatch: columns whose terms' magnitudes add up to `safe` are left to the definition.
  template <size_t kBlock, bool kWatch>
  HWY_NOINLINE static void Row(const WideTask& task, float safe, const WideFinish& finish, float* c) {
    const DF d;
    const size_t lanes = hn::Lanes(d);
    const auto block = kBlock != 0 ? kBlock : static_cast<size_t>(task.policy.accumulator.block);
    const NarrowAdder<kNearest> add(task.policy.accumulator.fraction_bits);
    hn::Vec<DF> sizes[kVectors];
    for (size_t v = 0; v < kVectors; ++v) sizes[v] = hn::Zero(d);
    const auto term = [&](size_t k, size_t v) HWY_ATTR {
      auto product = hn::Mul(hn::Set(d, task.a[k * kRows]), hn::Load(d, task.b + k * task.columns + v * lanes));
      const hn::Rebind<hwy::float16_t, DF> dh;
      if constexpr (kRoundProduct) product = hn::PromoteTo(d, hn::DemoteTo(dh, product));
      if constexpr (kWatch) sizes[v] = hn::Add(sizes[v], hn::Abs(product));
      return product;
    };
    FixedSum sums[kVectors];
    size_t k = 0;
    for (; k + block <= task.kc; k += block) {
      hn::Vec<DF> tile[kVectors];
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) tile[v] = term(k, v);
#pragma GCC unroll 4
      for (size_t p = 1; p < block; ++p) {
#pragma GCC unroll 4
        for (size_t v = 0; v < kVectors; ++v) tile[v] = add(tile[v], term(k + p, v));
      }
#pragma GCC unroll 4
      for (size_t v = 0; v < kVectors; ++v) sums[v].Add(tile[v]);
    }
    for (size_t v = 0; v < kVectors && k < task.kc; ++v) {
      auto tile = term(k, v);
      for (size_t p = k + 1; p < task.kc; ++p) tile = add(tile, term(p, v));
      sums[v].Add(tile);
    }
    for (size_t v = 0; v < kVectors; ++v) {
      Bounds bounds = sums[v].Total();
      if constexpr (kWatch) {
        const auto open = hn::Set(DD(), std::numeric_limits<double>::quiet_NaN());
        const hn::Vec<DD> wide[2] = {WideLow(sizes[v]), WideHigh(sizes[v])};
        for (size_t h = 0; h < 2; ++h) {
          const auto known = hn::Lt(wide[h], hn::Set(DD(), static_cast<double>(safe)));
          bounds.above[h] = hn::IfThenElse(known, bounds.above[h], open);
        }
      }
      finish(task, bounds, v * lanes, c);
    }
  }
};

HWY_NOINLINE void AllTiles(size_t rows, const WideTask& task, float* c, size_t ldc) {
  const num::Accumulator& accumulator = task.policy.accumulator;
  const bool nearest = accumulator.block_mode == num::Mode::nearest_even, rounds = accumulator.product.has_value();
  const auto all = nearest ? (rounds ? Tiles<true, true>::All : Tiles<true, false>::All)
                           : (rounds ? Tiles<false, true>::All : Tiles<false, false>::All);
  if (all(rows, task, c, ldc)) return;
  for (size_t i = 0; i < rows; ++i) {
    const WideTask row{task.kc, task.a + i, kRows, task.b, task.columns, task.resume, task.policy};
    for (size_t j = 0; j < task.columns; ++j) c[i * ldc + j] = decided_by_definition(row, j, c[i * ldc + j]);
  }
}

KernelSet<float> TilesFloat() { return SetOf<float, WideKernel<AllTiles>::Kernel>(kWholeK); }

#endif

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(TilesFloat);

KernelSet<float> tiles_float() { return HWY_DYNAMIC_DISPATCH(TilesFloat)(); }

}  // namespace assay::ops::contraction
#endif
