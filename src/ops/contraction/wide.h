// Between the vector loops of wide.cc and the rounding of their sums; private to this folder.
#pragma once
#include <cstddef>

#include "num/policy.h"

namespace assay::ops::contraction {

inline constexpr size_t kMostColumns = 64;

/// Of each column: the float64 sum, the sum of its rounding errors, and of their magnitudes.
struct WideSums {
  double high[kMostColumns], low[kMostColumns], lost[kMostColumns];
};

/// One row of a tile: a[k * a_stride], b[k * columns + column].
struct WideTask {
  size_t kc;
  const float* a;
  size_t a_stride;
  const float* b;
  size_t columns;
  bool resume;  ///< the sums start from what c holds
  const num::Policy& policy;
};

/// Rounds the sums once into c.
void finish_wide(const WideTask& task, const WideSums& sums, float* c);

/// The smallest magnitude that the accumulator's step rounds to its overflow limit or beyond; infinity without a limit.
float overflow_threshold(const num::Accumulator& accumulator);

}  // namespace assay::ops::contraction
