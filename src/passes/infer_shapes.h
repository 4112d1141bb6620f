// Every value gets a type; shape arithmetic on known shapes is folded (integers and booleans only, so no rounding).
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::passes {
/// Runs each row's inference in order and evaluates integer and boolean operations whose inputs are all known (up to a
/// size limit); folded operations leave the graph. Integer vectors of which only some elements are known (the Shape of
/// [n,3,h,w]) are followed through data movement. Nested graphs are inferred with what their captures are.
/// `value_info` of the file is never trusted.
Status infer_shapes(ir::Graph& graph);

/// The graph for given inputs: `shapes` by input name; `values` make integer inputs known (they stay inputs). Other
/// inputs keep what they declare. Errors: data_missing for a name that is no input, data_shape where the declared
/// type contradicts.
Result<ir::Graph> specialise(const ir::Graph& graph, const std::map<std::string, ir::Dims>& shapes,
                             const std::map<std::string, ir::Tensor>& values = {});
}  // namespace assay::passes
