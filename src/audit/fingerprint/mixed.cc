// Channels of which some are rounded to a narrower format and some are not.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "audit/fingerprint/traits.h"
#include "num/lattice.h"

namespace assay::audit {
namespace {

constexpr int64_t kMostSlices = 1 << 16;

/// Whole numbers that float16 holds anyway: classes and counts beside values that are rounded.
bool are_counts(const float* values, size_t n) {
  return std::all_of(values, values + n, [](float x) { return x == std::floor(x) && std::abs(x) <= 2048; });
}

/// Counts of each slice along `axis`; nothing is counted of a slice of whole numbers, which are on a format by nature.
std::vector<num::LatticeCounts> slices_along(const std::vector<float>& values, const ir::Dims& dims, size_t axis) {
  size_t inner = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= static_cast<size_t>(dims[d]);
  const auto length = static_cast<size_t>(dims[axis]);
  std::vector<num::LatticeCounts> counts(length);
  std::vector<uint8_t> whole(length, 1);
  for (size_t at = 0; at < values.size(); at += inner) {
    const size_t slice = at / inner % length;
    counts[slice].add(values.data() + at, inner);
    whole[slice] = whole[slice] != 0 && are_counts(values.data() + at, inner) ? 1 : 0;
  }
  for (size_t i = 0; i < length; ++i)
    if (whole[i] != 0) counts[i] = {};
  return counts;
}

constexpr std::array kNarrow = {num::FormatId::tf32, num::FormatId::float16, num::FormatId::bfloat16};
constexpr uint64_t kSlices = 16;  // bits of one slice where many together have enough

size_t candidate_of(num::FormatId format) {
  return static_cast<size_t>(std::ranges::find(num::kLatticeCandidates, format) - num::kLatticeCandidates.begin());
}

/// Slices on `format`, and those off it; values are known to lie on `known`, which is no evidence for a narrower one.
/// A slice of few values counts where the number of slices leaves chance no room.
Mixed split(const std::vector<num::LatticeCounts>& counts, size_t axis, num::FormatId format, num::FormatId known) {
  Mixed mixed{.axis = static_cast<int64_t>(axis), .format = format};
  const uint64_t least = kSlices + static_cast<uint64_t>(std::bit_width(counts.size()));
  for (size_t i = 0; i < counts.size(); ++i) {
    const uint64_t bits = counts[i].evidence_bits(format) - counts[i].evidence_bits(known);
    if (counts[i].off[candidate_of(format)] > 0) {
      mixed.wide.push_back(static_cast<int64_t>(i));
    } else if (bits >= least) {
      mixed.narrow.push_back(static_cast<int64_t>(i));
      mixed.evidence_bits += bits;
    }
  }
  return mixed;
}

/// The widest format that splits the slices is what some are rounded to; a narrower one with the same slices says more.
std::optional<Mixed> best_split(const std::vector<num::LatticeCounts>& counts, size_t axis) {
  std::optional<Mixed> best;
  num::FormatId known = num::FormatId::float32;
  for (const num::FormatId format : kNarrow) {
    Mixed found = split(counts, axis, format, known);
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
    const auto counts = slices_along(floats, values.dims(), axis);
    auto found = best_split(counts, axis);
    if (found && (!best || found->evidence_bits > best->evidence_bits)) best = std::move(found);
  }
  return best;
}

}  // namespace assay::audit
