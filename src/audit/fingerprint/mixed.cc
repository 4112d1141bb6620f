// Channels of which some are rounded to a narrower format and some are not.
#include <algorithm>

#include "audit/fingerprint/traits.h"
#include "num/lattice.h"

namespace assay::audit {
namespace {

constexpr int64_t kMostSlices = 1 << 16;

/// Counts of each slice along `axis`.
std::vector<num::LatticeCounts> slices_along(const std::vector<float>& values, const ir::Dims& dims, size_t axis) {
  size_t inner = 1;
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= static_cast<size_t>(dims[d]);
  const auto length = static_cast<size_t>(dims[axis]);
  std::vector<num::LatticeCounts> counts(length);
  for (size_t at = 0; at < values.size(); at += inner) counts[at / inner % length].add(values.data() + at, inner);
  return counts;
}

std::optional<Mixed> split(const std::vector<num::LatticeCounts>& counts, size_t axis, size_t candidate) {
  const num::FormatId format = num::kLatticeCandidates[candidate];
  Mixed mixed{.axis = static_cast<int64_t>(axis), .format = format};
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i].off[candidate] > 0) {
      mixed.wide.push_back(static_cast<int64_t>(i));
    } else if (counts[i].evidence_bits(format) >= num::kEnoughEvidence) {
      mixed.narrow.push_back(static_cast<int64_t>(i));
      mixed.evidence_bits += counts[i].evidence_bits(format);
    }
  }
  return mixed.narrow.empty() || mixed.wide.empty() ? std::nullopt : std::optional(mixed);
}

}  // namespace

std::optional<Mixed> mixed_slices(const ir::Tensor& values) {
  if (values.elem() != ir::ElemType::float32 || values.rank() < 2 || values.size() == 0) return std::nullopt;
  const std::vector<float> floats(values.data<float>(), values.data<float>() + values.size());
  std::optional<Mixed> best;
  for (size_t axis = 0; axis < values.dims().size(); ++axis) {
    if (values.dims()[axis] < 2 || values.dims()[axis] > kMostSlices) continue;
    const auto counts = slices_along(floats, values.dims(), axis);
    // The narrowest format has the most evidence: what lies on bfloat16 lies on TF32 too.
    for (size_t candidate = 0; num::kLatticeCandidates[candidate] != num::FormatId::float32; ++candidate) {
      auto found = split(counts, axis, candidate);
      if (found && (!best || found->evidence_bits > best->evidence_bits)) best = std::move(found);
    }
  }
  return best;
}

}  // namespace assay::audit
