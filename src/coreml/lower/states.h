// What sessions keep between runs, as ML Programs say it.
#pragma once
#include <vector>

#include "coreml/lower.h"
#include "ops/lower/mil.h"

namespace assay::coreml {

/// The states of the description. Errors: not_convertible for types that Core ML does not keep, and for NeuralNetworks.
Result<std::vector<mil::Feature>> state_features(const ir::Graph& graph, const LowerOptions& options,
                                                 ops::LegalNames& names);

/// States are read in front of all operations and written behind them: in between the graph's values stand for them.
Status read_states(const ir::Graph& graph, ops::MilBuilder& builder, mil::Function& function);
Status write_states(const ir::Graph& graph, ops::MilBuilder& builder);

}  // namespace assay::coreml
