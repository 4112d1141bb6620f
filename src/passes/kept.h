// Which operations of a model a profile leaves alone: they run in float32 beside it.
#pragma once
#include <vector>

#include "ir/graph.h"
#include "passes/coreml_provider.h"

namespace assay::passes {

/// The placement that puts the operations of the main graph for which `kept` is true outside, with all that is nested
/// in them; the others, with theirs, where `around` puts them (null: all in one partition). `graph` must outlive it.
Placement keep_outside(const ir::Graph& graph, const std::vector<bool>& kept, const Placement* around = nullptr);

}  // namespace assay::passes
