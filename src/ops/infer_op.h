// One op's signature checked and its row's inference rule run: the step that importing and the pass share.
#pragma once
#include "base/result.h"
#include "ir/graph.h"

namespace assay::ops {

/// Required inputs and attributes are there, and the element types (where known) are ones that the row takes.
/// Errors: model_invalid, type_unsupported.
Status check_signature(const ir::Graph& graph, const ir::Op& op);

/// check_signature, then the row's rule; stores the outputs' types and, when `fold`, the values it knew.
/// Outputs about which nothing was learnt keep the type that they have. Ops without a row are left alone.
Status infer_op(ir::Graph& graph, const ir::Op& op, bool fold);

}  // namespace assay::ops
