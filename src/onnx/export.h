// IR to ONNX files.
#pragma once
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::onnx {

/// Writes the graph as an ONNX model, weights streamed from where they are; models over 2 GB get their large weights in
/// `path`.data. A resolved graph is written as what it means (docs/semantics.md 2): float32 everywhere, and a pair of
/// Casts (to the storage type and back) after each input, weight and output that is stored narrower; inputs that are
/// exempt read the value before its pair. The operator set is the lowest in which the nodes mean what the IR does
/// (onnx/oldest.h). Operators of domain coreml are calls of functions that the model defines (onnx/functions.h), where
/// they have one. Errors: not_expressible naming the first statement that ONNX cannot say; write_failed.
Status export_model(const ir::Graph& graph, const std::string& path);
/// The same in memory, for models below 2 GB. `opset`: the version of ai.onnx that the model states, whatever its
/// operators' rows need (the caller knows that they meant the same then); 0: what they need.
Result<std::string> model_bytes(const ir::Graph& graph, int opset = 0);

}  // namespace assay::onnx
