// Model files of every format, as graphs.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
  mil::Metadata metadata{};                    ///< of a Core ML file: author, licence and so on
  size_t compressed = 0;                       ///< constants that the file holds compressed, and the graph does not
  std::vector<std::string> other_functions{};  ///< of an ML Program: those that the graph does not have
};

struct ReadOptions {
  std::span<const std::string> given{};  ///< names of arrays that the caller has: they replace the model's defaults
  bool keep_optional = false;            ///< optional inputs of a Core ML model stay inputs, given or not
  ir::Unknown unknown = ir::Unknown::refused;
};

/// Reads a model whatever its format (docs/coreml.md, docs/formats/onnx.md). Errors: A1xx.
Result<ModelFile> read_model_file(const std::string& path, Warnings& warnings, const ReadOptions& options = {});

}  // namespace assay::backends
