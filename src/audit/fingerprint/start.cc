// Where outputs that no policy explains leave what policies give.
#include <algorithm>
#include <set>

#include "audit/fingerprint/fit.h"

namespace assay::audit {
namespace {

/// Operations that `value` is made by, up to values within rounding, inputs and constants.
size_t made_by(const ir::Graph& graph, ir::ValueId value, const std::vector<std::string>& within) {
  std::set<ir::OpId> ops;
  std::vector<ir::ValueId> left = {value};
  while (!left.empty()) {
    const ir::Value& one = graph.at(left.back());
    left.pop_back();
    if (one.producer == ir::kNoOp || !ops.insert(one.producer).second) continue;
    const ir::Op& op = graph.ops[one.producer];
    auto inputs = op.inputs;
    for (const ir::ValueId captured : ir::captured_by(op)) inputs.push_back(captured);
    for (const ir::ValueId id : inputs)
      if (id != ir::kNoValue && std::ranges::find(within, graph.at(id).name) == within.end()) left.push_back(id);
  }
  return ops.size();
}

}  // namespace

std::optional<FitStart> start_of(const FitCase& one, const CaseFit& fit, const Allowance* allowed) {
  const ir::Graph& graph = *one.model->graph;
  FitStart start;
  for (const ir::Op& op : graph.ops)
    for (const ir::ValueId id : op.outputs) {
      if (id == ir::kNoValue) continue;
      const auto array = std::ranges::find(fit.arrays, graph.at(id).name, &ArrayFit::name);
      if (array == fit.arrays.end()) continue;
      if (allowed[array - fit.arrays.begin()].used <= 1) {
        start.after.push_back(array->name);
        continue;
      }
      start.array = array->name;
      start.operation = graph.describe(op);
      start.among = made_by(graph, id, start.after);
      return start;
    }
  return std::nullopt;
}

}  // namespace assay::audit
