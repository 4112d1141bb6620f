// A matrix product as a model, for benchmarks.
#pragma once
#include "ir/graph.h"

namespace assay::api {

/// One MatMul of an input and a constant matrix; not resolved.
ir::Graph product_graph(const ir::Tensor& right);

}  // namespace assay::api
