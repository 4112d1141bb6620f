// Graphs of the IR as Core ML models.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "mil/model.h"

namespace assay::coreml {

enum class Format : uint8_t { ml_program, neural_network };

/// Two outputs of a classifier: the graph gives its probabilities as its last output in their place.
struct Classifier {
  mil::Feature label, probabilities;      ///< as the file that was read has them; the latter may be absent (no name)
  size_t label_at, probabilities_at = 0;  ///< their places among the outputs
  ir::Tensor labels;                      ///< string or int64
};

struct LowerOptions {
  Format format = Format::ml_program;
  /// Specification version to keep to; 0: the lowest that the operations allow.
  int version = 0;
  /// Floating-point type that float32 operations become; by name, then by operator type, then the default.
  mil::DataType precision = mil::DataType::float32;
  std::map<std::string, mil::DataType> precision_of_op{};
  std::map<std::string, mil::DataType> precision_of_type{};
  /// Ranges and enumerations of symbolic dimensions of inputs: by input name, for each dimension lower and upper bound.
  std::map<std::string, std::vector<mil::SizeRange>> ranges{};
  std::map<std::string, std::vector<mil::Dims>> enumerated{};
  /// Ranges of symbolic dimensions by symbol, for inputs that `ranges` does not name.
  std::map<std::string, mil::SizeRange> symbol_ranges{};
  /// What the Core ML file that was read says of inputs and outputs, by name: defaults, usual shapes,
  /// what they are for.
  std::map<std::string, mil::Feature> described{};
  mil::Metadata metadata{};  ///< of that file; what users define comes from the graph
  /// Inputs and outputs that are images, by name; sizes that the graph or the above know better replace theirs.
  std::map<std::string, mil::ImageFeature> images{};
  std::optional<Classifier> classifier{};
  /// The output that a regressor predicts; in NeuralNetworks alone, which have such.
  std::optional<mil::Feature> regressed{};
};

/// Whether any operation is asked to compute in less than float32.
inline bool lowers_precision(const LowerOptions& options) {
  return options.precision != mil::DataType::float32 || !options.precision_of_op.empty() ||
         !options.precision_of_type.empty();
}

/// Converts a graph whose types are inferred. float32 stays float32 unless the options say otherwise. Errors:
/// not_convertible listing everything that the format cannot say, by operator, count and first node.
Result<mil::Model> lower(const ir::Graph& graph, const LowerOptions& options, Warnings& warnings);

}  // namespace assay::coreml
