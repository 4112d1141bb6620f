// What the rows whose attributes are graphs (If, Loop) share.
#pragma once
#include <string_view>

#include "ops/infer.h"

namespace assay::ops {

/// The graph of that name, which must have so many inputs and outputs.
Result<const ir::Graph*> nested_graph(const InferContext& c, std::string_view attr, size_t inputs, size_t outputs);
/// Type of output `i` of a nested graph. Errors: type_unsupported for what is no tensor.
Result<ir::Type> nested_output(const InferContext& c, std::string_view attr, const ir::Graph& graph, size_t i);
/// type_unsupported when `type`, which `what` has, is no tensor.
Status only_tensors(const InferContext& c, const ir::Type& type, std::string_view what);
/// An input that is one element of type `elem`, of rank 0 or not.
Status one_element(const InferContext& c, const ir::Type& type, ir::ElemType elem, std::string_view what);

}  // namespace assay::ops
