#include "num/lattice.h"

#include <bit>
#include <cmath>

#include "num/exact.h"

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
    counts.counted += off(hn::RebindMask(d, test(hn::BitCast(du, normal), 0xfffffu)));
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

bool tells(double value) {
  return value != 0 && 64 - std::countr_zero(unpack(value).significand) > 4;  // significand bits from first to last
}

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
}

void LatticeCounts::merge(const LatticeCounts& other) {
  values += other.values;
  finite += other.finite;
  counted += other.counted;
  for (size_t k = 0; k < off.size(); ++k) off[k] += other.off[k];
  from_float64 = from_float64 || other.from_float64;
}

uint64_t LatticeCounts::evidence_bits(FormatId candidate) const {
  const int own = from_float64 ? 52 : 23;
  return counted * static_cast<uint64_t>(own - format(candidate).significand_bits);
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
