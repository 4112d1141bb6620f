// Sums wider than float32, rounded once: what the kernels of `exact` and `tiles` share. Each output comes with bounds
// on its exact sum; where both round to the same value, that is the result, elsewhere the definition decides.
#pragma once
#include <cstddef>

#include "num/policy.h"

namespace assay::ops::contraction {

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

/// How the policy rounds a sum.
num::Rounding sum_rounding(const num::Policy& policy);

/// The sum of one column, rounded: by tighter bounds where those decide, else by the scalar definition.
float decided_by_definition(const WideTask& task, size_t column, float start);

/// The smallest magnitude that the accumulator's step rounds to its overflow limit or beyond; infinity without a limit.
float overflow_threshold(const num::Accumulator& accumulator);

}  // namespace assay::ops::contraction
