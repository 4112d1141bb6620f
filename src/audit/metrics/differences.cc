#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "audit/metrics/counts.h"
#include "num/ulp.h"

namespace assay::audit {
namespace {
using ir::ElemType;
using ir::Tensor;

// The type whose ULPs are counted between values of two types: float64 where both are, float32 where one is narrower
// (its values are float32 values too); undefined where one is no floating-point type.
ElemType ulp_type_of(ElemType a, ElemType b) {
  if (!ir::is_float(a) || !ir::is_float(b)) return ElemType::undefined;
  return a == ElemType::float64 && b == ElemType::float64 ? ElemType::float64 : ElemType::float32;
}

uint64_t ulps_between(double a, double b, ElemType type) {
  if (type == ElemType::float64) return num::ulp_distance(a, b);
  return num::ulp_distance(static_cast<float>(a), static_cast<float>(b));
}

// The values of a run of elements, as float64: straight loads for the common types.
class Reader {
 public:
  Reader(const Tensor& tensor, int64_t begin) : tensor_(tensor), begin_(begin) {}
  double operator[](int64_t i) const {
    if (tensor_.elem() == ElemType::float32) return static_cast<double>(tensor_.data<float>()[begin_ + i]);
    return tensor_.float_at(begin_ + i);
  }

 private:
  const Tensor& tensor_;
  int64_t begin_;
};
}  // namespace

int exponent_of(double x) {
  const int biased = static_cast<int>(std::bit_cast<uint64_t>(x) >> 52 & 0x7ff);
  return biased != 0 ? biased - 1023 : std::ilogb(x);
}

void Histogram::add(int exponent, uint64_t n) {
  if (bins_.empty()) bins_.resize(kHigh - kLow + 1);
  bins_[static_cast<size_t>(std::clamp(exponent, kLow, kHigh) - kLow)] += n;
}

void Histogram::merge(const Histogram& other) {
  if (other.bins_.empty()) return;
  if (bins_.empty()) bins_.resize(other.bins_.size());
  for (size_t i = 0; i < bins_.size(); ++i) bins_[i] += other.bins_[i];
}

std::vector<std::pair<int, uint64_t>> Histogram::bins() const {
  std::vector<std::pair<int, uint64_t>> out;
  for (size_t i = 0; i < bins_.size(); ++i)
    if (bins_[i] != 0) out.emplace_back(static_cast<int>(i) + kLow, bins_[i]);
  return out;
}

uint64_t Histogram::total() const {
  uint64_t sum = 0;
  for (const uint64_t n : bins_) sum += n;
  return sum;
}

void Differences::add_pair(double r, double c, int64_t sample, int64_t element) {
  if (std::isnan(r) || std::isnan(c)) {
    ++(std::isnan(r) && std::isnan(c) ? equal : nan_mismatches);
    return;
  }
  const double d = std::abs(c - r);
  if (d > max_abs || (d == max_abs && sample < worst.sample)) {
    max_abs = d;
    worst = {sample, element, r, c};
  }
  if (ulp_type != ElemType::undefined) {
    const uint64_t steps = ulps_between(r, c, ulp_type);
    max_ulp = std::max(max_ulp, steps);
    if (steps > 0) ulp.add(63 - std::countl_zero(steps));
  }
  if (std::isinf(d)) {
    ++infinite;
    return;
  }
  abs.add(exponent_of(d));
  if (r == 0) {
    ++reference_zeros;
    return;
  }
  const double relative = d / std::abs(r);
  max_rel = std::max(max_rel, relative);
  if (relative > 0 && std::isfinite(relative)) rel.add(exponent_of(relative));
}

void Differences::add(const Tensor& reference, const Tensor& candidate, int64_t begin_reference,
                      int64_t begin_candidate, int64_t count, int64_t sample) {
  elements += static_cast<uint64_t>(count);
  if (reference.elem() == ElemType::string || candidate.elem() == ElemType::string) {
    const bool both = reference.elem() == candidate.elem();
    for (int64_t i = 0; i < count; ++i) {
      const auto at = [](const Tensor& t, int64_t k) -> const std::string& {
        return t.strings()[static_cast<size_t>(k)];
      };
      const bool same = both && at(reference, begin_reference + i) == at(candidate, begin_candidate + i);
      ++(same ? equal : nan_mismatches);
    }
    ulp_type = ElemType::undefined;
    return;
  }
  ulp_type = ulp_type_of(reference.elem(), candidate.elem());
  const Reader a(reference, begin_reference), b(candidate, begin_candidate);
  for (int64_t i = 0; i < count; ++i) {
    const double r = a[i], c = b[i];
    if (r == c) {
      ++equal;
    } else {
      add_pair(r, c, sample, i);
    }
  }
}

void Differences::merge(const Differences& other) {
  if (elements == 0) {
    ulp_type = other.ulp_type;
  } else if (other.elements > 0 && other.ulp_type != ulp_type) {
    // ULPs of different types are counted together only over several outputs; the coarser type names them.
    const bool coarser = other.ulp_type != ElemType::undefined &&
                         (ulp_type == ElemType::undefined || ir::elem_bits(other.ulp_type) < ir::elem_bits(ulp_type));
    if (coarser) ulp_type = other.ulp_type;
  }
  elements += other.elements;
  equal += other.equal;
  nan_mismatches += other.nan_mismatches;
  infinite += other.infinite;
  reference_zeros += other.reference_zeros;
  const bool earlier =
      other.max_abs == max_abs && other.worst.sample >= 0 && (worst.sample < 0 || other.worst.sample < worst.sample);
  if (other.max_abs > max_abs || earlier) worst = other.worst;
  max_abs = std::max(max_abs, other.max_abs);
  max_rel = std::max(max_rel, other.max_rel);
  max_ulp = std::max(max_ulp, other.max_ulp);
  abs.merge(other.abs);
  rel.merge(other.rel);
  ulp.merge(other.ulp);
}

Differences together(const std::vector<Differences>& outputs) {
  Differences all;
  for (const Differences& d : outputs) {
    const bool first = all.elements == 0;
    const bool tie = d.max_abs == all.max_abs && d.worst.sample >= 0 && d.worst.sample < all.worst.sample;
    if (first || d.max_abs > all.max_abs || tie) all.output = d.output;
    all.merge(d);
  }
  return all;
}

void add_lattice(LatticeCounts& counts, const Tensor& tensor) {
  const auto n = static_cast<size_t>(tensor.size());
  if (tensor.elem() == ElemType::float32) return counts.add(tensor.data<float>(), n);
  if (tensor.elem() == ElemType::float64) return counts.add(tensor.data<double>(), n);
  if (!ir::is_float(tensor.elem())) return;
  std::vector<float> values(n);
  for (size_t i = 0; i < n; ++i) values[i] = static_cast<float>(tensor.float_at(static_cast<int64_t>(i)));
  counts.add(values.data(), n);
}

}  // namespace assay::audit
