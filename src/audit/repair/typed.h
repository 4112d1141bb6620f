// A model whose declared types say all: float16 (or bfloat16) where operations are lowered, float32 where they are
// kept, and Casts at the borders.
#pragma once
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::audit {

/// Which operations of the main graph ONNX can say in `low`: by operation. Those that can not stay in float32.
Result<std::vector<bool>> lowerable(const ir::Graph& model, ir::ElemType low);

/// The model with the operations of `lowered` in `low`; inputs and outputs keep their types. Errors: those of type
/// inference where an operation cannot be said so.
Result<ir::Graph> typed_graph(const ir::Graph& model, const std::vector<bool>& lowered, ir::ElemType low);

}  // namespace assay::audit
