// Every value gets a type; shape arithmetic on known shapes is folded (integers and booleans only, so no rounding).
#pragma once
#include <map>
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::passes {
/// Runs each row's inference in order and evaluates integer and boolean operations whose inputs are all known (up to a
/// size limit). `value_info` of the file is never trusted.
Status infer_shapes(ir::Graph& graph);
}  // namespace assay::passes
