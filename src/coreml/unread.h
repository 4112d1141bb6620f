// Operations that nobody reads.
#pragma once
#include "ir/graph.h"

namespace assay::coreml {
/// They leave the graph: steps between mappings of axes that cancel out, what computed an output that is gone.
void drop_unread(ir::Graph& graph);
}  // namespace assay::coreml
