// What of a resolved program plain ONNX can say: storage rounding, through pairs of Casts.
#pragma once
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::onnx {

/// not_expressible about the operation.
Error refuse(std::string what, const ir::Graph& g, const ir::Op& op);

/// Whether a Cast rounds so.
bool plain(const num::Rounding& r);

/// The first thing about the operation's policy that Cast pairs cannot say; empty when there is none.
std::string unsayable(const ir::Graph& g, const ir::Op& o);

}  // namespace assay::onnx
