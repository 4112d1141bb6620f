// Inputs and outputs of float64 that are float32 inside.
#pragma once
#include <string>
#include <vector>

#include "ir/graph.h"

namespace assay::coreml {

/// Networks made by coremltools declare arrays of doubles and compute in float32. Inputs of which only Casts to float32
/// read, and outputs that a Cast from float32 writes, become float32: the same numbers, in a type that ML Programs
/// have. Returns their names.
std::vector<std::string> make_edges_single(ir::Graph& graph);

}  // namespace assay::coreml
