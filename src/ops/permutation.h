// The order of axes that a Transpose names.
#pragma once
#include "ir/graph.h"

namespace assay::ops {

/// The permutation, reversed axes by default; empty when it is none of `rank` axes.
ir::Dims permutation(const ir::Op& op, int64_t rank);

}  // namespace assay::ops
