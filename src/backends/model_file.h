// Model files of every format, as graphs.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/unknown.h"
#include "mil/model.h"

namespace assay::backends {

enum class ModelFormat : uint8_t { onnx, neural_network, ml_program };

struct ModelFile {
  ModelFormat format = ModelFormat::onnx;
  ir::Graph graph;  ///< types inferred
  /// What a Core ML file says of its inputs and outputs and the graph cannot: ranges and enumerations of sizes, images.
  mil::FunctionDescription interface {};
};

/// Reads a model whatever its format (docs/coreml.md, docs/formats/onnx.md). `given`: names of arrays that the caller
/// has, which may replace an ONNX model's defaults. Errors: A1xx.
Result<ModelFile> read_model_file(const std::string& path, Warnings& warnings, std::span<const std::string> given = {},
                                  ir::Unknown unknown = ir::Unknown::refused);

}  // namespace assay::backends
