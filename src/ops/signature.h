// What a row says that an op must have, held against an op.
#pragma once
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::ops {

/// Required inputs and attributes are there, and the element types of `values` (where known) are ones that the row
/// takes: rules and kernels rely on it. Errors: model_invalid, type_unsupported.
Status check_signature(const ir::Graph& graph, const ir::Op& op, const std::vector<ir::Value>& values);

}  // namespace assay::ops
