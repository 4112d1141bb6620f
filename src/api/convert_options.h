// What `convert` was asked for, from words to options.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "coreml/lower.h"
#include "ir/graph.h"

namespace assay::api {

/// --input NAME:SHAPE. Dimensions are separated by 'x'; each is a size or a range lo..hi (hi left out: no limit).
/// Several shapes, separated by commas, are the sizes that the input may have (enumerated shapes).
struct InputShape {
  std::string name;
  std::vector<std::vector<mil::SizeRange>> shapes;  ///< one, or the enumerated ones (all sizes fixed)
};
/// Errors: usage.
Result<InputShape> parse_input_shape(const std::string& word);

/// The graph with the shapes asked for: fixed sizes are set (and shape arithmetic folded), ranges and enumerations go
/// into `options`. A dimension that several inputs name alike gets the same size in all of them. Errors: usage,
/// data_missing, data_shape.
Result<ir::Graph> with_shapes(const ir::Graph& graph, const std::vector<std::string>& words,
                              coreml::LowerOptions& options);

/// What a Core ML model says of flexible inputs, for those that no --input names.
void keep_flexible(std::span<const mil::Feature> inputs, const ir::Graph& graph, coreml::LowerOptions& options);

/// float32, float16 or mixed:FILE into `options`. FILE is TOML: `default` and [[operation]] tables with `name` or
/// `type` and `precision`. Errors: usage, precision_file.
Status set_precision(const std::string& word, coreml::LowerOptions& options);
/// Names of operations that the graph does not have and types that nothing has are mistakes: what they meant would keep
/// the default in silence.
/// Errors: precision_file.
Status check_precisions(const ir::Graph& graph, const coreml::LowerOptions& options);

}  // namespace assay::api
