// What a run of a graph is given: tensors of the declared types, and what the graph's states hold at first.
#pragma once
#include <span>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::exec {

/// One tensor per graph input, of its declared type. Errors: data_missing, data_shape, data_type.
Status check_inputs(const ir::Graph& graph, std::span<const ir::Tensor> inputs);
/// Zeros of the state's stored type. Errors: model_invalid where its shape is not fixed.
Result<ir::Tensor> zero_state(const ir::Graph& graph, const ir::State& state);

}  // namespace assay::exec
