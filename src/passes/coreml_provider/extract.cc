#include <algorithm>
#include <map>

#include "passes/coreml_provider.h"

namespace assay::passes {
namespace {

using ir::kNoValue;
using ir::ValueId;

/// The operations of the partition, and those that make what it reads of constants.
std::vector<bool> members(const ir::Graph& graph, const Placement& placement, int partition) {
  std::vector<bool> in(graph.ops.size()), constant(graph.values.size());
  for (ValueId id = 0; id < graph.values.size(); ++id) constant[id] = graph.at(id).constant != nullptr;
  const auto present = [&](ValueId id) { return id != kNoValue; };
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    const ir::Op& op = graph.ops[i];
    in[i] = placement.partition[i] == partition;
    const bool folds = !op.inputs.empty() && !ir::has_nested(op) &&
                       std::ranges::all_of(op.inputs, [&](ValueId id) { return id == kNoValue || constant[id]; });
    for (const ValueId id : op.outputs)
      if (folds && present(id)) constant[id] = true;
  }
  for (size_t i = graph.ops.size(); i-- > 0;) {
    if (!in[i]) continue;
    for (const ValueId id : graph.ops[i].inputs)
      if (present(id) && constant[id] && graph.at(id).producer != ir::kNoOp) in[graph.at(id).producer] = true;
  }
  return in;
}

}  // namespace

ir::Graph extract_partition(const ir::Graph& graph, const Placement& placement, int partition) {
  const std::vector<bool> in = members(graph, placement, partition);
  std::vector<bool> leaves(graph.values.size());
  for (const ValueId id : graph.outputs) leaves[id] = true;
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    if (in[i]) continue;
    for (const ValueId id : graph.ops[i].inputs)
      if (id != kNoValue) leaves[id] = true;
    for (const ValueId id : ir::captured_by(graph.ops[i])) leaves[id] = true;
  }
  ir::Graph out;
  out.name = graph.name;
  out.metadata = graph.metadata;
  std::map<ValueId, ValueId> copies;
  const auto copy = [&](ValueId id) {
    const auto [found, added] = copies.emplace(id, 0);
    if (!added) return found->second;
    const ValueId made = out.add_value(graph.at(id).name, graph.at(id).type);
    out.at(made).constant = graph.at(id).constant;
    out.at(made).parameter = graph.at(id).parameter;
    return found->second = made;
  };
  for (size_t i = 0; i < graph.ops.size(); ++i) {
    if (!in[i]) continue;
    ir::Op op = graph.ops[i];
    for (ValueId& id : op.inputs) {
      if (id == kNoValue) continue;
      const bool crosses = !copies.contains(id) && !graph.at(id).constant;
      id = copy(id);
      if (crosses) out.inputs.push_back(id);
    }
    for (ValueId& id : op.outputs) {
      if (id == kNoValue) continue;
      const bool crosses = leaves[id] && placement.partition[i] == partition;
      id = copy(id);
      if (crosses) out.outputs.push_back(id);
    }
    out.add_op(std::move(op));
  }
  return out;
}

}  // namespace assay::passes
