#include "coreml/lower/index_floats.h"

#include <algorithm>
#include <vector>

#include "ops/def.h"

namespace assay::coreml {
namespace {

using ir::kNoValue;
using ir::ValueId;

bool is_single(const ir::Graph& graph, ValueId id) {
  return id != kNoValue && graph.at(id).type.elem == ir::ElemType::float32;
}

bool makes_integers(const ir::Graph& graph, const ir::Op& op) {
  return op.domain.empty() && op.type == "Cast" && ir::is_integer(graph.at(op.outputs[0]).type.elem) &&
         is_single(graph, op.inputs[0]);
}

bool is_arithmetic(const ir::Op& op) {
  using ops::Numeric;
  const Numeric numeric = op.def == nullptr ? Numeric::exact : op.def->numeric;
  return numeric != Numeric::contraction && numeric != Numeric::composite;
}

class Walk {
 public:
  /// `counting`: of the values of `graph`, those that become integers; the walk adds the others.
  void run(const ir::Graph& graph, std::vector<bool>& counting) {
    for (size_t i = graph.ops.size(); i-- > 0;) visit(graph, graph.ops[i], counting);
  }
  std::unordered_set<const ir::Op*> found;

 private:
  void visit(const ir::Graph& graph, const ir::Op& op, std::vector<bool>& counting) {
    const bool counts =
        std::ranges::any_of(op.outputs, [&](ValueId id) { return is_single(graph, id) && counting[id]; });
    bool nested = false;
    for (const ir::Attr& attr : op.attrs)
      if (const auto* body = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value); body != nullptr && *body) {
        nested = true;
        visit_nested(**body, counts, counting);
      }
    if (nested || !(makes_integers(graph, op) || (counts && is_arithmetic(op)))) return;
    found.insert(&op);
    for (const ValueId id : op.inputs)
      if (is_single(graph, id)) counting[id] = true;
  }

  void visit_nested(const ir::Graph& body, bool results_count, std::vector<bool>& around) {
    std::vector<bool> counting(body.values.size());
    if (results_count)
      for (const ValueId id : body.outputs) counting[id] = is_single(body, id);
    run(body, counting);
    for (const auto& [inside, outside] : body.captures)
      if (counting[inside]) around[outside] = true;
  }
};

}  // namespace

std::unordered_set<const ir::Op*> index_arithmetic(const ir::Graph& graph) {
  Walk walk;
  std::vector<bool> counting(graph.values.size());
  walk.run(graph, counting);
  return std::move(walk.found);
}

}  // namespace assay::coreml
