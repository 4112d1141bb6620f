#include "coreml/lower/single_edges.h"

#include <algorithm>

#include "coreml/lower/edges.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

bool is_cast(const ir::Graph& graph, const ir::Op& op, ElemType from, ElemType to) {
  return op.domain.empty() && op.type == "Cast" && op.inputs.size() == 1 && op.outputs.size() == 1 &&
         graph.at(op.inputs[0]).type.elem == from && graph.at(op.outputs[0]).type.elem == to;
}

bool is_output(const ir::Graph& graph, ir::ValueId id) {
  return std::ranges::find(graph.outputs, id) != graph.outputs.end();
}

bool narrow_input(ir::Graph& graph, ir::ValueId id) {
  if (graph.at(id).type.elem != ElemType::float64 || is_output(graph, id)) return false;
  std::vector<ir::Op*> casts;
  for (ir::Op& op : graph.ops) {
    if (!reads(op, id)) continue;
    if (!is_cast(graph, op, ElemType::float64, ElemType::float32)) return false;
    casts.push_back(&op);
  }
  graph.at(id).type.elem = ElemType::float32;
  for (ir::Op* op : casts) make_identity(*op);
  return true;
}

bool narrow_output(ir::Graph& graph, ir::ValueId id) {
  if (graph.at(id).type.elem != ElemType::float64) return false;
  if (std::ranges::any_of(graph.ops, [&](const ir::Op& op) { return reads(op, id); })) return false;
  const auto writer = std::ranges::find_if(
      graph.ops, [&](const ir::Op& op) { return std::ranges::find(op.outputs, id) != op.outputs.end(); });
  if (writer == graph.ops.end() || !is_cast(graph, *writer, ElemType::float32, ElemType::float64)) return false;
  graph.at(id).type.elem = ElemType::float32;
  make_identity(*writer);
  return true;
}

}  // namespace

std::vector<std::string> make_edges_single(ir::Graph& graph) {
  std::vector<std::string> names;
  for (const ir::ValueId id : graph.inputs)
    if (narrow_input(graph, id)) names.push_back(graph.at(id).name);
  for (const ir::ValueId id : graph.outputs)
    if (narrow_output(graph, id)) names.push_back(graph.at(id).name);
  return names;
}

}  // namespace assay::coreml
