// Channels of which some are rounded to a narrower format and some are not.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "audit/fingerprint/traits.h"
#include "num/exact.h"
#include "num/lattice.h"

namespace assay::audit {
namespace {

constexpr int64_t kMostSlices = 1 << 16;

/// What a slice's values say: whether they lie on a format, and with what evidence.
struct Slice {
  num::LatticeCounts counts;
  /// The same values, or, where they are multiples of a power of two of a natural size, how many times it: halves and
  /// hundreds are whole numbers of their own unit, and these weigh little (LatticeCounts::whole).
  num::LatticeCounts weighed;
  uint64_t bits(num::FormatId format) const { return weighed.evidence_bits(format); }
};

constexpr int kFinest = -8;  // units of fixed point down to 2^-8; finer ones are a format's own steps
constexpr int kNone = 128;   // of zeros, infinities and NaN, which are multiples of any

/// The exponent of the largest power of two of which x is a multiple.
int unit_of(float x) {
  if (x == 0 || !std::isfinite(x)) return kNone;
  const num::Exact exact = num::unpack(x);
  return exact.exponent + std::countr_zero(exact.significand);
}

bool fixed_point(int unit) { return unit >= kFinest && unit < kNone; }

class Slices {
 public:
  Slices(const std::vector<float>& values, const ir::Dims& dims, size_t axis)
      : values_(values), length_(static_cast<size_t>(dims[axis])) {
    for (size_t d = axis + 1; d < dims.size(); ++d) inner_ *= static_cast<size_t>(dims[d]);
  }

  std::vector<Slice> counted() const {
    std::vector<Slice> slices(length_);
    const std::vector<int> units = this->units();
    std::vector<float> scaled(inner_);
    for (size_t at = 0; at < values_.size(); at += inner_) {
      const float* run = values_.data() + at;
      Slice& slice = slices[at / inner_ % length_];
      const int unit = units[at / inner_ % length_];
      slice.counts.add(run, inner_);
      if (!fixed_point(unit)) continue;
      const float scale = std::ldexp(1.0F, -unit);
      std::transform(run, run + inner_, scaled.begin(), [&](float x) { return x * scale; });
      slice.weighed.add(scaled.data(), inner_);
    }
    for (size_t i = 0; i < length_; ++i)
      if (!fixed_point(units[i])) slices[i].weighed = slices[i].counts;
    return slices;
  }

 private:
  std::vector<int> units() const {
    std::vector<int> units(length_, kNone);
    for (size_t at = 0; at < values_.size(); at += inner_)
      for (size_t i = 0; i < inner_; ++i)
        if (int& unit = units[at / inner_ % length_]; unit >= kFinest) unit = std::min(unit, unit_of(values_[at + i]));
    return units;
  }
  const std::vector<float>& values_;
  size_t length_, inner_ = 1;
};

constexpr std::array kNarrow = {num::FormatId::tf32, num::FormatId::float16, num::FormatId::bfloat16};
constexpr uint64_t kSlices = 16;  // bits of one slice where many together have enough

size_t candidate_of(num::FormatId format) {
  return static_cast<size_t>(std::ranges::find(num::kLatticeCandidates, format) - num::kLatticeCandidates.begin());
}

/// Slices on `format`, and those off it; values are known to lie on `known`, which is no evidence for a narrower one.
/// A slice of few values counts where the number of slices leaves chance no room.
Mixed split(const std::vector<Slice>& slices, size_t axis, num::FormatId format, num::FormatId known) {
  Mixed mixed{.axis = static_cast<int64_t>(axis), .format = format};
  const uint64_t least = kSlices + static_cast<uint64_t>(std::bit_width(slices.size()));
  for (size_t i = 0; i < slices.size(); ++i) {
    const uint64_t bits = slices[i].bits(format) - slices[i].bits(known);
    if (slices[i].counts.off[candidate_of(format)] > 0) {
      mixed.wide.push_back(static_cast<int64_t>(i));
    } else if (bits >= least) {
      mixed.narrow.push_back(static_cast<int64_t>(i));
      mixed.evidence_bits += bits;
    }
  }
  return mixed;
}

/// The widest format that splits the slices is what some are rounded to; a narrower one with the same slices says more.
std::optional<Mixed> best_split(const std::vector<Slice>& slices, size_t axis) {
  std::optional<Mixed> best;
  num::FormatId known = num::FormatId::float32;
  for (const num::FormatId format : kNarrow) {
    Mixed found = split(slices, axis, format, known);
    if (found.wide.empty()) known = format;
    const bool splits = !found.wide.empty() && found.evidence_bits >= num::kEnoughEvidence;
    if (splits && (!best || found.narrow == best->narrow)) best = std::move(found);
  }
  return best;
}

}  // namespace

std::optional<Mixed> mixed_slices(const ir::Tensor& values) {
  if (values.elem() != ir::ElemType::float32 || values.rank() < 2 || values.size() == 0) return std::nullopt;
  const std::vector<float> floats(values.data<float>(), values.data<float>() + values.size());
  std::optional<Mixed> best;
  for (size_t axis = 0; axis < values.dims().size(); ++axis) {
    if (values.dims()[axis] < 2 || values.dims()[axis] > kMostSlices) continue;
    auto found = best_split(Slices(floats, values.dims(), axis).counted(), axis);
    if (found && (!best || found->evidence_bits > best->evidence_bits)) best = std::move(found);
  }
  return best;
}

}  // namespace assay::audit
