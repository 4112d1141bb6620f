// One step of shape inference: types of an op's outputs, and their values where integer arithmetic on known values
// gives them. Passes and the executor's planner share it.
#pragma once
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "ir/graph.h"

namespace assay::ops {

/// Folding stops at tensors of this many elements: shape arithmetic is small, tables are left to run time.
inline constexpr int64_t kFoldLimit = 1 << 16;

/// Whether the extents that are known and not 0 multiply to more than any tensor has: strides of such a tensor
/// overflow, be it without elements.
bool is_absurd(const ir::Type& type);

/// Runs the row's inference on `op`, whose inputs are `values`, and writes what it learns into `values`. When every
/// input is known and every output is integer or boolean, evaluates the op (no rounding can happen). Returns whether
/// all outputs' values are known now.
Result<bool> propagate(const ir::Graph& graph, const ir::Op& op, std::vector<ir::Value>& values);

/// Runs `op`, all of whose inputs are known, and writes its results into `values`. Callers see to it that nothing is
/// rounded.
Status evaluate(const ir::Graph& graph, const ir::Op& op, std::vector<ir::Value>& values);

}  // namespace assay::ops
