#include "passes/layers.h"

#include <algorithm>

#include "ops/def.h"

namespace assay::passes {
namespace {

/// Unstated values are float32 once they are resolved.
bool is_number(const ir::Value& value) {
  const ir::ElemType elem = value.unstated ? ir::ElemType::float32 : value.type.elem;
  return value.type.kind == ir::Type::Kind::tensor && (elem == ir::ElemType::float32 || elem == ir::ElemType::float16);
}

}  // namespace

bool moves_floats(const ir::Graph& graph, const ir::Op& op) {
  if (op.def == nullptr || op.def->numeric != ops::Numeric::exact) return false;
  return std::ranges::any_of(op.outputs, [&](ir::ValueId v) { return v != ir::kNoValue && is_number(graph.at(v)); });
}

std::vector<bool> computed_with_inside(const ir::Graph& graph) {
  std::vector<bool> computed(graph.values.size());
  for (size_t i = graph.ops.size(); i-- > 0;) {
    const ir::Op& op = graph.ops[i];
    const bool passes_on = moves_floats(graph, op);
    if (passes_on && std::ranges::none_of(op.outputs, [&](ir::ValueId v) { return v != ir::kNoValue && computed[v]; }))
      continue;
    for (const ir::ValueId v : op.inputs)
      if (v != ir::kNoValue && graph.at(v).inside && !graph.at(v).constant && is_number(graph.at(v)))
        computed[v] = true;
  }
  return computed;
}

}  // namespace assay::passes
