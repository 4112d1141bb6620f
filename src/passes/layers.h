// What a layer of a Core ML file computes on its way, of several operations of ours: in registers, not in memory.
#pragma once
#include <vector>

#include "ir/graph.h"

namespace assay::passes {

/// Whether the operation moves numbers and does nothing else to them: its operands and results are stored alike.
bool moves_floats(const ir::Graph& graph, const ir::Op& op);

/// For each value of a graph with types: whether it is a number inside a layer (ir::Value::inside) that an operation of
/// that layer computes with, be it after a move. What is only moved on to a result is rounded as that result.
std::vector<bool> computed_with_inside(const ir::Graph& graph);

}  // namespace assay::passes
