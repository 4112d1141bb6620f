#include "passes/inline_branch.h"

#include <algorithm>

#include "ops/def.h"

namespace assay::passes {
namespace {

using ir::Graph;
using ir::kNoValue;
using ir::Op;
using ir::ValueId;

/// The branch that is taken; null when that is not known or the op is not as its row wants it.
const Graph* taken_branch(const Graph& g, const Op& op) {
  if (!op.domain.empty() || op.type != "If" || !op.has_input(0)) return nullptr;
  const auto& condition = g.at(op.inputs[0]).constant;
  if (!condition || condition->elem() != ir::ElemType::boolean || condition->size() != 1) return nullptr;
  const Graph* branch = op.attr_graph(condition->int_at(0) != 0 ? "then_branch" : "else_branch");
  const bool whole = branch && branch->inputs.empty() && branch->outputs.size() == op.outputs.size();
  return whole ? branch : nullptr;
}

/// Where each value of the branch is in the graph around it. What an operation of the branch writes and the If returns
/// becomes the If's result itself, the first time.
std::vector<ValueId> place_values(Graph& g, const Op& op, const Graph& branch) {
  std::vector<ValueId> places(branch.values.size(), kNoValue);
  for (const auto& [inside, outside] : branch.captures) places[inside] = outside;
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const ValueId v = branch.outputs[i];
    if (op.outputs[i] != kNoValue && places[v] == kNoValue && branch.at(v).producer != ir::kNoOp)
      places[v] = op.outputs[i];
  }
  for (ValueId v = 0; v < branch.values.size(); ++v) {
    if (places[v] != kNoValue) continue;
    ir::Value value = branch.at(v);
    value.name = g.fresh_name(value.name);
    g.values.push_back(std::move(value));
    places[v] = static_cast<ValueId>(g.values.size() - 1);
  }
  return places;
}

std::shared_ptr<Graph> moved(const Graph& nested, const std::vector<ValueId>& places) {
  auto out = std::make_shared<Graph>(nested);
  for (auto& [inside, outside] : out->captures) outside = places[outside];
  return out;
}

Op moved(Op op, const std::vector<ValueId>& places) {
  for (auto* list : {&op.inputs, &op.outputs})
    for (ValueId& v : *list)
      if (v != kNoValue) v = places[v];
  for (ir::Attr& a : op.attrs) {
    if (auto* one = std::get_if<std::shared_ptr<Graph>>(&a.value)) *one = moved(**one, places);
    if (auto* many = std::get_if<std::vector<std::shared_ptr<Graph>>>(&a.value))
      for (auto& each : *many) each = moved(*each, places);
  }
  return op;
}

Op identity(ValueId from, ValueId to) {
  Op op{.domain = "", .type = "Identity", .name = ""};
  op.inputs = {from};
  op.outputs = {to};
  op.def = ops::find_op("", "Identity");
  return op;
}

}  // namespace

bool inline_branch(Graph& g, const Op& op, std::vector<Op>& waiting) {
  const Graph* branch = taken_branch(g, op);
  if (!branch) return false;
  const std::vector<ValueId> places = place_values(g, op, *branch);
  std::vector<Op> ops;
  for (const Op& inner : branch->ops) ops.push_back(moved(inner, places));
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    const ValueId from = places[branch->outputs[i]], to = op.outputs[i];
    if (to != kNoValue && from != to) ops.push_back(identity(from, to));
  }
  waiting.insert(waiting.end(), std::make_move_iterator(ops.rbegin()), std::make_move_iterator(ops.rend()));
  return true;
}

}  // namespace assay::passes
