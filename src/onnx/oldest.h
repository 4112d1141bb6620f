// The lowest operator set in which a node already says what it says in the newest.
#pragma once
#include "ir/graph.h"

namespace assay::onnx {

/// At most the version of the operator's row, whose meaning the IR has: less where later versions only added types,
/// attributes or inputs that this operation does without.
int oldest_version(const ir::Graph& graph, const ir::Op& op);

}  // namespace assay::onnx
