#include "coreml/unread.h"

#include <algorithm>

namespace assay::coreml {

void drop_unread(ir::Graph& graph) {
  std::vector<bool> read(graph.values.size());
  for (const ir::ValueId id : graph.outputs) read[id] = true;
  std::vector<bool> keep(graph.ops.size());
  for (size_t i = graph.ops.size(); i-- > 0;) {
    const ir::Op& op = graph.ops[i];
    keep[i] = std::ranges::any_of(op.outputs, [&](ir::ValueId id) { return id != ir::kNoValue && read[id]; });
    if (!keep[i]) continue;
    for (const ir::ValueId id : op.inputs)
      if (id != ir::kNoValue) read[id] = true;
    for (const ir::ValueId id : ir::captured_by(op)) read[id] = true;
  }
  size_t i = 0;
  std::erase_if(graph.ops, [&](const ir::Op&) { return !keep[i++]; });
  graph.relink();
}

}  // namespace assay::coreml
