// Float32 numbers that count: indices, sizes and positions on their way to integers.
#pragma once
#include <unordered_set>

#include "ir/graph.h"

namespace assay::coreml {

/// The operations of a graph and of those nested in it that compute what becomes integers: casts of float32 to
/// integers, and elementwise, moving and reducing operations whose results reach one. Float16 would make other integers
/// of numbers above 2048. Products, normalisations and what lies behind them are no arithmetic of indices.
std::unordered_set<const ir::Op*> index_arithmetic(const ir::Graph& graph);

}  // namespace assay::coreml
