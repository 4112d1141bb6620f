// Graphs as NeuralNetworks.
#pragma once
#include <span>

#include "coreml/lower.h"
#include "coreml/lower/refusals.h"
#include "ops/lower/names.h"

namespace assay::coreml {
/// Layers in the graph's order, under EXACT_ARRAY_MAPPING: arrays keep the ranks that they have. `outputs` get the
/// names of the blobs that hold them: an output that is an input too needs another. `refused` inputs are listed with
/// the operations that cannot be written.
Result<mil::Network> lower_network(const ir::Graph& graph, ops::LegalNames& names,
                                   std::span<const RefusedInput> refused, Result<std::vector<mil::Feature>>& outputs);
}  // namespace assay::coreml
