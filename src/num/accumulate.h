// Scalar definitions of every Accumulator: the oracles that fast kernels are tested against, and the slow path for
// policies that have no fast kernel. Exact integer arithmetic where the hardware's adder is not IEEE's.
#pragma once
#include <cstddef>

#include "num/policy.h"

namespace assay::num {

/// acc + sum of a[i] * b[i], i ascending, as `accumulator` says; acc starts at c. Values are those of the operands as
/// they enter (already rounded); `compute` is float32 or float64, and for float32 all of them are float32 values.
/// Chains start at c; the other kinds: lanes add c last, exact and tiles sum it with the rest, aligned and pairs start
/// at it. Any NaN result is the canonical one.
double dot_reference(const Accumulator& accumulator, FormatId compute, const double* a, const double* b, size_t k,
                     double c = 0);
/// The same under a policy: operands are rounded by policy.operand first; policy.flush_subnormals flushes too.
double dot_reference(const Policy& policy, const double* a, const double* b, size_t k, double c = 0);

/// c + sum of terms[i]: the terms take the products' place (exact: no rounding of a product).
double sum_reference(const Accumulator& accumulator, FormatId compute, const double* terms, size_t n, double c = 0);

}  // namespace assay::num
