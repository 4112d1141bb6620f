// What a file says beyond its graph: what `convert` keeps of it, and tells of where the other format has no such thing.
#pragma once
#include <string>
#include <vector>

#include "backends/model_file.h"
#include "base/result.h"
#include "coreml/lower.h"
#include "ir/graph.h"

namespace assay::api {

/// Inputs and outputs as Core ML has them, and what a Core ML file says of them into `options`. Returns those that are
/// float32 now.
std::vector<std::string> fit_edges(const backends::ModelFile& file, ir::Graph& graph, coreml::LowerOptions& options);

/// Notes of default values that the written file does not have (default_lost).
void note_lost_defaults(const backends::ModelFile& file, const std::string& path, bool to_onnx, Warnings& warnings);

/// Notes of compressed constants that the written file holds as what they expand to (weights_expanded).
void note_expanded(const backends::ModelFile& file, const std::string& path, Warnings& warnings);
/// Warns of functions that the written file does not have (function_left_out).
void warn_of_functions(const backends::ModelFile& file, const std::string& path, Warnings& warnings);

}  // namespace assay::api
