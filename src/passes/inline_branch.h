// An If whose condition is known needs no choice when it runs.
#pragma once
#include <vector>

#include "ir/graph.h"

namespace assay::passes {

/// When `op` is an If whose condition is known: puts the operations of the branch that it takes on `waiting`, the first
/// one last (the back of `waiting` comes next), renamed into `graph`, and returns true. `op` is in neither list.
bool inline_branch(ir::Graph& graph, const ir::Op& op, std::vector<ir::Op>& waiting);

}  // namespace assay::passes
