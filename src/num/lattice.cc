#include "num/lattice.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "num/exact.h"

#ifndef ASSAY_NUM_LATTICE_ONCE  // once for all instruction sets
#define ASSAY_NUM_LATTICE_ONCE
namespace assay::num {

inline bool tells(double value) {
  return value != 0 && 64 - std::countr_zero(unpack(value).significand) > 4;  // significand bits from first to last
}

// Counts the whole numbers among values that tell. `own`: significand bits that the values themselves can have.
template <typename T>
void count_whole(const T* values, size_t n, int own, LatticeCounts& counts) {
  for (size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(values[i]);
    if (!std::isfinite(x) || x != std::trunc(x) || !tells(x)) continue;
    ++counts.whole;
    const int exponent = std::min(std::ilogb(x), own);
    for (size_t k = 0; k < counts.whole_bits.size(); ++k)
      counts.whole_bits[k] +=
          static_cast<uint64_t>(std::max(0, exponent - format(kLatticeCandidates[k]).significand_bits));
  }
}

}  // namespace assay::num
#endif

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "num/lattice.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

void CountLattice(const float* values, size_t n, LatticeCounts& counts) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto zero = hn::Zero(du);
  const size_t step = hn::Lanes(d);
  for (size_t i = 0; i < n; i += step) {
    const auto v = LoadN(d, values + i, n - i);  // lanes beyond the end are 0: on every lattice, not counted
    const auto bits = hn::BitCast(du, v);
    const auto finite = hn::IsFinite(v);
    const auto test = [&](auto b, uint32_t mask) { return hn::Ne(hn::And(b, hn::Set(du, mask)), zero); };
    const auto off = [&](auto is_off) { return hn::CountTrue(d, hn::And(finite, is_off)); };
    // Subnormals have no hidden bit: scaled up, their significand bits can be counted as the others'.
    const auto subnormal = hn::Lt(hn::Abs(v), hn::Set(d, 0x1p-126f));
    const auto normal = hn::IfThenElse(subnormal, hn::Mul(v, hn::Set(d, 0x1p64f)), v);
    counts.finite += hn::CountTrue(d, finite) - (n - i < step ? step - (n - i) : 0);
    const auto telling = hn::And(finite, hn::RebindMask(d, test(hn::BitCast(du, normal), 0xfffffu)));
    counts.counted += hn::CountTrue(d, telling);
    if (!hn::AllFalse(d, hn::And(telling, hn::Eq(v, hn::Trunc(v)))))
      count_whole(values + i, std::min(step, n - i), 23, counts);
    counts.off[0] += off(hn::RebindMask(d, test(bits, 0xffffu)));
    counts.off[1] += off(hn::Ne(RoundToFloat16(d, v), v));
    counts.off[2] += off(hn::RebindMask(d, test(bits, 0x1fffu)));
  }
}

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::num {
namespace {
HWY_EXPORT(CountLattice);
}  // namespace

void LatticeCounts::add(const float* data, size_t n) {
  values += n;
  HWY_DYNAMIC_DISPATCH(CountLattice)(data, n, *this);
}

void LatticeCounts::add(const double* data, size_t n) {
  from_float64 = true;
  values += n;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(data[i])) continue;
    ++finite;
    counted += tells(data[i]) ? 1 : 0;
    for (size_t k = 0; k < off.size(); ++k) off[k] += representable(data[i], format(kLatticeCandidates[k])) ? 0 : 1;
  }
  count_whole(data, n, 52, *this);
}

void LatticeCounts::merge(const LatticeCounts& other) {
  values += other.values;
  finite += other.finite;
  counted += other.counted;
  whole += other.whole;
  for (size_t k = 0; k < off.size(); ++k) {
    whole_bits[k] += other.whole_bits[k];
    off[k] += other.off[k];
  }
  from_float64 = from_float64 || other.from_float64;
}

uint64_t LatticeCounts::evidence_bits(FormatId candidate) const {
  const auto at = static_cast<size_t>(std::ranges::find(kLatticeCandidates, candidate) - kLatticeCandidates.begin());
  const int own = from_float64 ? 52 : 23;
  const uint64_t of_whole = at < whole_bits.size() ? whole_bits[at] : 0;
  return (counted - whole) * static_cast<uint64_t>(own - format(candidate).significand_bits) + of_whole;
}

LatticeVerdict LatticeCounts::verdict() const {
  const FormatId own = from_float64 ? FormatId::float64 : FormatId::float32;
  for (size_t k = 0; k < off.size() && kLatticeCandidates[k] != own; ++k) {
    if (off[k] != 0) continue;
    const uint64_t evidence = evidence_bits(kLatticeCandidates[k]);
    return {evidence < kEnoughEvidence ? std::nullopt : std::optional(kLatticeCandidates[k]), evidence};
  }
  return {own, 0};
}

}  // namespace assay::num
#endif
