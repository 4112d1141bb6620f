// Micro-kernels whose sums are wide: `exact` (every product summed exactly, one rounding) and `tiles` (the Neural
// Engine: small tiles through a narrow adder, tile results summed exactly). The wide sum is a float64 with the sum of
// its rounding errors beside it; where their bound leaves the rounded result open, the definition decides.
#include <algorithm>
#include <cmath>
#include <vector>

#include "num/accumulate.h"
#include "num/format.h"
#include "ops/contraction/kernel_sets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/wide.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/contraction/tile-inl.h"
#include "ops/contraction/wide.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

KernelSet<float> ExactFloat() { return reference_float(); }
KernelSet<float> TilesFloat() { return reference_float(); }

#else

using DF = hn::ScalableTag<float>;
using DH = hn::Half<DF>;
using DD = hn::Rebind<double, DH>;

/// Sums, their rounding errors and the errors' magnitudes, for one vector of float lanes as two of double lanes.
struct Sums {
  hn::Vec<DD> high[2], low[2], lost[2];

  HWY_INLINE Sums() {
    for (int i = 0; i < 2; ++i) high[i] = low[i] = lost[i] = hn::Zero(DD());
  }
  HWY_INLINE void Add(int half, hn::Vec<DD> x) {
    const auto sum = hn::Add(high[half], x), other = hn::Sub(sum, high[half]);
    const auto error = hn::Add(hn::Sub(high[half], hn::Sub(sum, other)), hn::Sub(x, other));
    high[half] = sum;
    low[half] = hn::Add(low[half], error);
    lost[half] = hn::Add(lost[half], hn::Abs(error));
  }
  HWY_INLINE void Add(hn::Vec<DF> x) {
    Add(0, hn::PromoteTo(DD(), hn::LowerHalf(DH(), x)));
    Add(1, hn::PromoteTo(DD(), hn::UpperHalf(DH(), x)));
  }
  HWY_INLINE void Store(WideSums& to, size_t at) const {
    const DD dd;
    for (size_t i = 0; i < 2; ++i) {
      const size_t j = at + i * hn::Lanes(dd);
      hn::StoreU(high[i], dd, to.high + j);
      hn::StoreU(low[i], dd, to.low + j);
      hn::StoreU(lost[i], dd, to.lost + j);
    }
  }
};

struct Exact {
  HWY_NOINLINE static void All(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc,
                               bool resume, const num::Policy& policy) {
    const DF d;
    const DD dd;
    const size_t lanes = hn::Lanes(d), columns = kVectors * lanes;
    for (size_t i = 0; i < rows; ++i) {
      WideSums sums;
      for (size_t j = 0; j < columns; j += lanes) {
        Sums s;
        if (resume) s.Add(hn::LoadU(d, c + i * ldc + j));
        for (size_t k = 0; k < kc; ++k) {
          const auto x = hn::Set(dd, static_cast<double>(a[k * kRows + i]));
          const auto row = hn::Load(d, b + k * columns + j);
          s.Add(0, hn::Mul(x, hn::PromoteTo(dd, hn::LowerHalf(DH(), row))));
          s.Add(1, hn::Mul(x, hn::PromoteTo(dd, hn::UpperHalf(DH(), row))));
        }
        s.Store(sums, j);
      }
      finish_wide({kc, a + i, kRows, b, columns, resume, policy}, sums, c + i * ldc);
    }
  }
};

/// x + y, both cut to `bits` significant bits of the larger; operands are float16 products, so float32 holds all.
struct NarrowAdder {
  explicit NarrowAdder(const num::Accumulator& accumulator)
      : shift(accumulator.fraction_bits - 1), nearest(accumulator.block_mode == num::Mode::nearest_even) {}

  HWY_INLINE hn::Vec<DF> operator()(hn::Vec<DF> x, hn::Vec<DF> y) const {
    const DF d;
    const hn::RebindToSigned<DF> di;
    const auto size = hn::Max(hn::Abs(x), hn::Abs(y));
    const auto exponent = hn::And(hn::BitCast(di, size), hn::Set(di, 0x7f800000));
    const auto unit_bits = hn::Sub(exponent, hn::Set(di, shift << 23));
    const auto unit = hn::BitCast(d, unit_bits), inverse = hn::BitCast(d, hn::Sub(hn::Set(di, 254 << 23), unit_bits));
    const auto cut = [&](hn::Vec<DF> v) HWY_ATTR {
      const auto units = hn::Mul(v, inverse);
      return nearest ? hn::Round(units) : hn::Trunc(units);
    };
    const auto sum = hn::Mul(hn::Add(cut(x), cut(y)), unit);
    // Zeros, infinities and NaN are added as they are; their product is one of those too, and no other product is.
    const auto product = hn::Abs(hn::Mul(x, y));
    const auto ordinary = hn::And(hn::Gt(product, hn::Zero(d)), hn::Lt(product, hn::Set(d, HUGE_VALF)));
    return hn::IfThenElse(ordinary, sum, hn::Add(x, y));
  }
  int shift;
  bool nearest;
};

struct Tiles {
  HWY_NOINLINE static void All(size_t rows, size_t kc, const float* a, const float* b, float* c, size_t ldc,
                               bool resume, const num::Policy& policy) {
    const DF d;
    const size_t lanes = hn::Lanes(d), columns = kVectors * lanes,
                 block = static_cast<size_t>(policy.accumulator.block);
    const NarrowAdder add(policy.accumulator);
    const bool round_product = policy.accumulator.product.has_value();
    const auto limit = hn::Set(d, overflow_threshold(policy.accumulator)), infinity = hn::Set(d, HUGE_VALF);
    const DD dd;
    const auto near = hn::Set(dd, 0.9 * static_cast<double>(hn::GetLane(limit)));
    const auto limited = [&](hn::Vec<DF> v) HWY_ATTR {
      return hn::IfThenElse(hn::Ge(hn::Abs(v), limit), hn::CopySign(infinity, v), v);
    };
    for (size_t i = 0; i < rows; ++i) {
      // All columns at once: an addition takes long, and those of other columns fill the time.
      const auto term = [&](size_t p, size_t v) HWY_ATTR {
        const auto product = hn::Mul(hn::Set(d, a[p * kRows + i]), hn::Load(d, b + p * columns + v * lanes));
        return round_product ? simd::RoundToFloat16(d, product) : product;
      };
      Sums s[kVectors];
      for (size_t v = 0; v < kVectors; ++v) {
        if (resume) s[v].Add(hn::LoadU(d, c + i * ldc + v * lanes));
      }
      for (size_t k = 0; k < kc; k += block) {
        hn::Vec<DF> tile[kVectors];
        for (size_t v = 0; v < kVectors; ++v) tile[v] = limited(hn::Add(hn::Zero(d), term(k, v)));
        for (size_t p = k + 1; p < std::min(k + block, kc); ++p) {
          for (size_t v = 0; v < kVectors; ++v) tile[v] = limited(add(tile[v], term(p, v)));
        }
        for (size_t v = 0; v < kVectors; ++v) {
          s[v].Add(tile[v]);
          // A total near the limit may be over it for a while: left to the definition.
          for (int half = 0; half < 2; ++half) {
            const auto over = hn::Ge(hn::Abs(s[v].high[half]), near);
            s[v].lost[half] = hn::IfThenElse(over, hn::Set(dd, HUGE_VAL), s[v].lost[half]);
          }
        }
      }
      WideSums sums;
      for (size_t v = 0; v < kVectors; ++v) s[v].Store(sums, v * lanes);
      finish_wide({kc, a + i, kRows, b, columns, resume, policy}, sums, c + i * ldc);
    }
  }
};

/// Rows at run time: the loops are long, and a copy for each number of rows would only cost compile time.
template <class Loop>
struct AnyRows {
  template <size_t kM>
  struct Kernel {
    static void Run(size_t kc, const float* a, const float* b, float* c, size_t ldc, bool resume,
                    const num::Policy& policy) {
      Loop::All(kM, kc, a, b, c, ldc, resume, policy);
    }
  };
};

KernelSet<float> ExactFloat() { return SetOf<float, AnyRows<Exact>::Kernel>(); }
KernelSet<float> TilesFloat() { return SetOf<float, AnyRows<Tiles>::Kernel>(); }

#endif

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {
namespace {

HWY_EXPORT(ExactFloat);
HWY_EXPORT(TilesFloat);

float by_definition(const WideTask& task, size_t column, float start) {
  thread_local std::vector<double> x, y;
  x.resize(task.kc);
  y.resize(task.kc);
  for (size_t k = 0; k < task.kc; ++k) {
    x[k] = task.a[k * task.a_stride];
    y[k] = task.b[k * task.columns + column];
  }
  num::Accumulator accumulator = task.policy.accumulator;
  accumulator.flush_subnormals = accumulator.flush_subnormals || task.policy.flush_subnormals;
  return static_cast<float>(
      num::dot_reference(accumulator, num::FormatId::float32, x.data(), y.data(), task.kc, task.resume ? start : 0.0));
}

}  // namespace

void finish_wide(const WideTask& task, const WideSums& sums, float* c) {
  const num::Accumulator& accumulator = task.policy.accumulator;
  const num::Rounding rounding =
      accumulator.step.value_or(num::Rounding{.format = num::format(num::FormatId::float32)});
  const bool flush = accumulator.flush_subnormals || task.policy.flush_subnormals;
  const double smallest = num::min_normal(rounding.format);
  double below[kMostColumns], above[kMostColumns];
  // The errors' own sum is off by at most one part in 2^52 a term, and so is the final addition.
  const double relative = static_cast<double>(task.kc + 4) * 0x1p-51;
  for (size_t j = 0; j < task.columns; ++j) {
    double slack = 0;
    if (sums.lost[j] != 0) slack = sums.lost[j] * relative + std::abs(sums.high[j]) * 0x1p-51;
    below[j] = sums.high[j] + (sums.low[j] - slack);
    above[j] = sums.high[j] + (sums.low[j] + slack);
  }
  num::round_in_place(below, task.columns, rounding);
  num::round_in_place(above, task.columns, rounding);
  for (size_t j = 0; j < task.columns; ++j) {
    const bool start_flushed = flush && task.resume && c[j] != 0 && std::abs(c[j]) < smallest;
    if (below[j] != above[j] || std::isnan(below[j]) || std::isinf(sums.high[j]) || start_flushed) {
      c[j] = by_definition(task, j, c[j]);
    } else {
      const double value = flush && std::abs(below[j]) < smallest ? std::copysign(0.0, below[j]) : below[j];
      c[j] = static_cast<float>(value);
    }
  }
}

float overflow_threshold(const num::Accumulator& accumulator) {
  if (!accumulator.step || accumulator.step->limit == 0) return HUGE_VALF;
  const num::Rounding& step = *accumulator.step;
  if (step.mode == num::Mode::toward_zero) return static_cast<float>(step.limit);
  const double spacing = std::ldexp(1.0, std::ilogb(step.limit) - 1 - step.format.significand_bits);
  return static_cast<float>(step.limit - spacing / 2);  // a tie rounds to the limit, which is even
}

KernelSet<float> exact_float() {
  KernelSet<float> set = HWY_DYNAMIC_DISPATCH(ExactFloat)();
  set.whole_k = true;
  return set;
}
KernelSet<float> tiles_float() {
  KernelSet<float> set = HWY_DYNAMIC_DISPATCH(TilesFloat)();
  set.whole_k = true;
  return set;
}

}  // namespace assay::ops::contraction
#endif
