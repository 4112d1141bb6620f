// What it costs to keep operations in float32 that would run in 16 bits.
#pragma once
#include <cstdint>
#include <vector>

#include "ir/graph.h"

namespace assay::audit {

/// Of one run of one sample; unknown dimensions count as 1.
struct Cost {
  uint64_t bytes = 0;          ///< more than in 16 bits: weights and results
  uint64_t multiply_adds = 0;  ///< in float32 instead of 16 bits; one a result element outside of contractions
  uint64_t casts = 0;          ///< inserted, each value once in each direction
  uint64_t cast_bytes = 0;     ///< that they read and write
  /// One number to compare by: a byte moved counts as much as a multiply-add.
  uint64_t total() const { return bytes + multiply_adds + cast_bytes; }
  friend bool operator==(const Cost&, const Cost&) = default;
};

/// `kept`: by operation of the main graph.
Cost cost_of(const ir::Graph& graph, const std::vector<bool>& kept);

}  // namespace assay::audit
