// Models with the types taken away: what their mathematics is.
#pragma once
#include <optional>

#include "ir/graph.h"
#include "ir/tensor.h"

namespace assay::audit {

/// The narrowest 16-bit type that a constant of the graph, or of one inside it, is declared in.
std::optional<ir::ElemType> narrow_constants(const ir::Graph& graph);
/// A copy whose values declared float16 or bfloat16 are float32. With `rounded_to`, float32 constants that are no
/// parameters hold the nearest numbers of that type.
ir::Graph widened(const ir::Graph& graph, std::optional<ir::ElemType> rounded_to = std::nullopt);
/// The same numbers in float32 where they are in float16 or bfloat16.
ir::Tensor widened(const ir::Tensor& tensor);

}  // namespace assay::audit
