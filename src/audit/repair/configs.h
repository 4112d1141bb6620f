// The set of operations that stay in float32, in the words of other tools.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"

namespace assay::audit {

/// File names and contents: coremltools' op_selector, onnxconverter-common's node_block_list, TensorRT's layer
/// precisions, ONNX Runtime's provider options. `kept`: by operation of the main graph.
std::vector<std::pair<std::string, std::string>> config_files(const ir::Graph& model, const std::vector<bool>& kept);

}  // namespace assay::audit
