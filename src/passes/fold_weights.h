// Weights that a model makes of other weights become constants, so that a format which wants them as such gets them.
#pragma once
#include "base/result.h"
#include "ir/graph.h"

namespace assay::passes {

/// Exporters reorder the gates of recurrent layers by Slice and Concat. Operations that only move the bytes of
/// constants leave the graph; their results stay, as constants. For graphs that are written, not for those that are
/// run: a profile may round what stands between. Expects the types of infer_shapes; nested graphs are left as they are.
Status fold_moved_weights(ir::Graph& g);

}  // namespace assay::passes
