// Model files of every format, as graphs.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::backends {

enum class ModelFormat : uint8_t { onnx, neural_network, ml_program };
/// "ONNX", "Core ML NeuralNetwork", "Core ML ML Program".
std::string_view format_name(ModelFormat format);

struct ModelFile {
  ModelFormat format = ModelFormat::onnx;
  ir::Graph graph;  ///< types inferred
};

/// Reads a model whatever its format (docs/coreml.md, docs/formats/onnx.md). `given`: names of arrays that the caller
/// has, which may replace an ONNX model's defaults. Errors: A1xx.
Result<ModelFile> read_model_file(const std::string& path, Warnings& warnings, std::span<const std::string> given = {});

}  // namespace assay::backends
