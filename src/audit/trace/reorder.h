// The same program with nothing changed but the order of its sums.
#pragma once
#include <string>

#include "ir/graph.h"

namespace assay::audit {

struct Reordered {
  ir::Graph graph;
  std::string words;  ///< what the order was changed to; empty: nothing in it has another order
};
/// `graph` is resolved. Rounding of each step, storage and all else stay; sums that are exact have no order.
Reordered reorder_sums(const ir::Graph& graph);

}  // namespace assay::audit
