#include "passes/kept.h"

namespace assay::passes {
namespace {

Placement all_inside(const ir::Graph& graph) {
  Placement all;
  all.partition.assign(graph.ops.size(), 0);
  all.reasons.resize(graph.ops.size());
  all.folded.resize(graph.ops.size());
  all.partitions = 1;
  for (const ir::Op& op : graph.ops)
    ir::for_each_nested(op, [&](const ir::Graph& inner) { all.nested.emplace(&inner, all_inside(inner)); });
  return all;
}

}  // namespace

Placement keep_outside(const ir::Graph& graph, const std::vector<bool>& kept, const Placement* around) {
  Placement placement = around == nullptr ? all_inside(graph) : *around;
  for (size_t id = 0; id < graph.ops.size(); ++id) {
    if (!kept[id]) continue;
    placement.partition[id] = kOutside;
    placement.reasons[id] = "kept in float32";
    ir::for_each_nested(graph.ops[id], [&](const ir::Graph& inner) { placement.nested.erase(&inner); });
  }
  return placement;
}

}  // namespace assay::passes
