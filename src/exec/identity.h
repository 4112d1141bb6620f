// Operations that turn out to move nothing for the shapes of a plan: a slice of everything, an expansion to the shape
// that is there, a transposition of axes of one place.
#pragma once
#include <vector>

#include "ir/graph.h"

namespace assay::exec {

/// Whether output 0 holds the elements of input 0, bit for bit and in the same order, when both are stored as one type.
/// `values` are the graph's with the types and constants that inference found.
bool moves_nothing(const ir::Op& op, const std::vector<ir::Value>& values);

}  // namespace assay::exec
