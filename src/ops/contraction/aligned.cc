// Micro-kernels of `aligned`, tensor cores: the products of a block and the accumulator are cut to F fractional bits of
// the largest exponent, summed exactly, rounded once (num/accumulate_aligned.cc is the definition). Factors have so few
// bits that float32 holds their products; cut terms are summed as integers.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/contraction/aligned.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/exact.h"
#include "ops/contraction/kernel_sets.h"
#include "ops/contraction/scratch.h"
#include "ops/contraction/wide-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::ops::contraction::HWY_NAMESPACE {

#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR

KernelSet<float> AlignedFloat() { return reference_float(); }

#else

using DI = hn::RebindToSigned<DF>;

constexpr int kZeroExponent = -126;  // what the model gives a zero
constexpr int kLeastTop = -100;      // below, scales leave float32's range: lanes that are not zero are left open
constexpr size_t kGroup = 8;         // terms below 2^(F + 2) that 32 bits sum, F <= 26, beside the accumulator

/// Exponents of values of a format whose normal numbers begin at 2^least.
HWY_INLINE hn::Vec<DI> ExponentOf(hn::Vec<DF> v, int least) {
  const DI di;
  const auto size = hn::BitCast(di, hn::Abs(v));
  const auto exponent = hn::Max(hn::Sub(hn::ShiftRight<23>(size), hn::Set(di, 127)), hn::Set(di, least));
  return hn::IfThenElse(hn::Eq(size, hn::Zero(di)), hn::Set(di, kZeroExponent), exponent);
}

void Exponents(const float* values, size_t n, int least, int32_t* to) {
  const DF d;
  const DI di;
  for (size_t i = 0; i < n; i += hn::Lanes(d))
    hn::StoreU(ExponentOf(simd::LoadN(d, values + i, n - i), least), di, to + i);
}

class Aligned {
 public:
  explicit Aligned(const num::Accumulator& accumulator)
      : bits_(accumulator.fraction_bits),
        least_(num::min_exponent(num::format(accumulator.block_format))),
        cuts_(accumulator.block_format == num::FormatId::float32 && accumulator.block_mode == num::Mode::toward_zero),
        plan_(num::plan_of({num::format(accumulator.block_format), accumulator.block_mode})) {}

  /// A block of n products more. a: [n] of stride kRows, b: [n] of stride `columns`; ea, eb: their exponents. Lanes
  /// that only the definition can tell are added to `open`.
  HWY_INLINE hn::Vec<DF> operator()(hn::Vec<DF> acc, const float* a, const int32_t* ea, const float* b,
                                    const int32_t* eb, size_t columns, size_t n, hn::Vec<DI>& open) const {
    const DF d;
    const DI di;
    const DD dd;
    auto top = ExponentOf(acc, least_);
    for (size_t k = 0; k < n; ++k)
      top = hn::Max(top, hn::Add(hn::Set(di, ea[k * kRows]), hn::LoadU(di, eb + k * columns)));
    const auto low = hn::Lt(top, hn::Set(di, kLeastTop));
    if (HWY_UNLIKELY(!hn::AllFalse(di, low)))
      open = hn::Or(open, hn::And(hn::VecFromMask(di, low), AnyTerm(acc, a, b, columns, n)));
    top = hn::Max(top, hn::Set(di, kLeastTop));
    const auto scale = hn::BitCast(d, hn::ShiftLeft<23>(hn::Sub(hn::Set(di, 127 + bits_), top)));
    const auto unit = hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(top, hn::Set(di, 127 - bits_))));
    auto units = hn::ConvertTo(di, hn::Mul(acc, scale));  // toward zero
    hn::Vec<DD> low_sum = hn::Zero(dd), high_sum = low_sum;
    for (size_t k = 0; k < n;) {
      for (const size_t end = HWY_MIN(n, k + kGroup); k < end; ++k) {
        const auto product = hn::Mul(hn::Set(d, a[k * kRows]), hn::Load(d, b + k * columns));
        units = hn::Add(units, hn::ConvertTo(di, hn::Mul(product, scale)));
      }
      low_sum = hn::Add(low_sum, hn::PromoteTo(dd, hn::LowerHalf(hn::Half<DI>(), units)));
      high_sum = hn::Add(high_sum, hn::PromoteTo(dd, hn::UpperHalf(hn::Half<DI>(), units)));
      units = hn::Zero(di);
    }
    const auto sum =
        hn::Combine(d, Rounded(hn::Mul(high_sum, WideHigh(unit))), Rounded(hn::Mul(low_sum, WideLow(unit))));
    const auto far = hn::Not(hn::Lt(hn::Abs(sum), hn::Set(d, 0x1p126f)));
    open = hn::Or(open, hn::VecFromMask(di, hn::RebindMask(di, far)));
    return cuts_ ? sum : simd::RoundLanes(d, sum, plan_);
  }

 private:
  /// All ones where the accumulator or a product is not zero.
  HWY_NOINLINE static hn::Vec<DI> AnyTerm(hn::Vec<DF> acc, const float* a, const float* b, size_t columns, size_t n) {
    const DF d;
    const DI di;
    auto some = hn::BitCast(di, hn::Abs(acc));
    for (size_t k = 0; k < n; ++k) {
      const auto x = hn::BitCast(di, hn::Abs(hn::Set(d, a[k * kRows]))),
                 y = hn::BitCast(di, hn::Abs(hn::Load(d, b + k * columns)));
      some = hn::Or(some, hn::Min(x, y));
    }
    return hn::VecFromMask(di, hn::Gt(some, hn::Zero(di)));
  }

  /// To float32: toward zero where that is the rounding asked for, else to odd, for another rounding to follow.
  HWY_INLINE hn::Vec<DH> Rounded(hn::Vec<DD> v) const {
    const DD dd;
    if (!cuts_) return simd::DemoteToOdd(dd, v);
    const hn::RebindToUnsigned<DD> du;
    return hn::DemoteTo(DH(), hn::BitCast(dd, hn::AndNot(hn::Set(du, 0x1fffffffull), hn::BitCast(du, v))));
  }

  int bits_, least_;
  bool cuts_;
  num::RoundPlan plan_;
};

/// One row, one vector of columns from j.
HWY_NOINLINE void AlignedColumns(const WideTask& task, const Aligned& block, const int32_t* ea, const int32_t* eb,
                                 size_t j, float* c) {
  const DF d;
  const DI di;
  const num::Accumulator& accumulator = task.policy.accumulator;
  const auto size = static_cast<size_t>(accumulator.block),
             parts = static_cast<size_t>(HWY_MAX(accumulator.split_k, 1));
  const size_t whole = (task.kc + parts - 1) / parts, length = (whole + size - 1) / size * size;
  auto open = hn::Zero(di);
  auto total = task.resume ? hn::LoadU(d, c + j) : hn::Zero(d);
  for (size_t begin = 0; begin < task.kc; begin += length) {
    const size_t end = HWY_MIN(task.kc, begin + length);
    auto acc = begin == 0 ? total : hn::Zero(d);
    for (size_t k = begin; k < end; k += size) {
      const size_t at = k * task.columns + j;
      acc = block(acc, task.a + k * kRows, ea + k * kRows, task.b + at, eb + at, task.columns, HWY_MIN(size, end - k),
                  open);
    }
    total = begin == 0 ? acc : hn::Add(total, acc);
  }
  DecideOpen(task, total, open, j, c);
}

HWY_NOINLINE void AllAligned(size_t rows, const WideTask& task, float* c, size_t ldc) {
  const num::Accumulator& accumulator = task.policy.accumulator;
  const int least = num::min_exponent(num::format(accumulator.factors));
  const size_t na = task.kc * kRows, nb = task.kc * task.columns, lanes = hn::Lanes(DF());
  int32_t* const ea = scratch<int32_t>(0, na);
  int32_t* const eb = scratch<int32_t>(1, nb);
  Exponents(task.a, na, least, ea);
  Exponents(task.b, nb, least, eb);
  // Products must not overflow: then, and with infinities and NaN, all is left to the definition.
  const bool finite = LargestOf(task.a, na) * LargestOf(task.b, nb) < 0x1p120f;
  const Aligned block(accumulator);
  for (size_t i = 0; i < rows; ++i) {
    const WideTask row{task.kc, task.a + i, kRows, task.b, task.columns, task.resume, task.policy};
    float* const to = c + i * ldc;
    for (size_t j = 0; j < task.columns && finite; j += lanes) AlignedColumns(row, block, ea + i, eb, j, to);
    for (size_t j = 0; j < task.columns && !finite; ++j) to[j] = decided_by_definition(row, j, to[j]);
  }
}

KernelSet<float> AlignedFloat() { return SetOf<float, WideKernel<AllAligned>::Kernel>(kWholeK); }

#endif

}  // namespace assay::ops::contraction::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::ops::contraction {

HWY_EXPORT(AlignedFloat);

KernelSet<float> aligned_float() { return HWY_DYNAMIC_DISPATCH(AlignedFloat)(); }

}  // namespace assay::ops::contraction
#endif
