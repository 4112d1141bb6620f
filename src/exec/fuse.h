// Which elementwise operations run with the operation in front of them: in the epilogue of a contraction, or chunk by
// chunk behind another elementwise operation. Fusion never changes bits: each fused operation still rounds its result
// as its own policy says.
#pragma once
#include <cstddef>
#include <vector>

#include "ir/graph.h"

namespace assay::exec {

struct Fusion {
  ir::OpId head;                ///< the operation in front
  std::vector<ir::OpId> tail;   ///< elementwise operations in order; the last one's output is what is written
  std::vector<size_t> flowing;  ///< for each of `tail`: the input through which the value flows
};

/// At most one fusion per operation. `types` are the values' inferred types; `live` says which ops still run (others
/// were folded).
std::vector<Fusion> find_fusions(const ir::Graph& graph, const std::vector<ir::Value>& values,
                                 const std::vector<bool>& live);

}  // namespace assay::exec
