#include "exec/operands.h"

#include <algorithm>

namespace assay::exec {
namespace {
bool is_round(const ir::Op& op) { return op.domain == "assay" && op.type == "Round"; }
}  // namespace

Result<Resolved> Resolved::of(const ir::Graph& model, const ir::Graph& graph) {
  Resolved r;
  r.graph_ = &graph;
  r.values_ = model.values.size();
  r.added_.resize(graph.ops.size());
  for (ir::ValueId v = 0; v < graph.values.size(); ++v) r.origins_.push_back(v);
  ir::OpId at = 0;
  const auto copies = [&](const ir::Op& op) {
    return is_round(op) && (op.inputs[0] >= r.values_ || op.outputs[0] >= r.values_);
  };
  for (const ir::Op& wanted : model.ops) {
    OpGroup group{at, at, at};
    const auto written = [&](ir::ValueId v) { return graph.at(v).producer >= group.begin; };
    while (at < graph.ops.size() && copies(graph.ops[at]) && !is_round(wanted)) r.added_[at++] = true;
    if (at == graph.ops.size()) return Error{Code::internal, "a resolved graph lacks operations", graph.name, ""};
    group.op = at++;
    // Roundings of what it gives; what rounds older values is about to be read by the next one.
    while (at < graph.ops.size() && copies(graph.ops[at]) && graph.at(graph.ops[at].inputs[0]).producer != ir::kNoOp &&
           written(graph.ops[at].inputs[0]))
      r.added_[at++] = true;
    group.end = at;
    r.groups_.push_back(group);
    std::vector<ir::ValueId> operands = graph.ops[group.op].inputs;
    std::ranges::copy(ir::captured_by(graph.ops[group.op]), std::back_inserter(operands));
    r.operands_.push_back(std::move(operands));
  }
  for (; at < graph.ops.size(); ++at) r.added_[at] = true;
  for (ir::OpId id = 0; id < graph.ops.size(); ++id) {
    if (!r.added_[id]) continue;
    const ir::ValueId from = graph.ops[id].inputs[0], to = graph.ops[id].outputs[0];
    if (to >= r.values_)
      r.origins_[to] = r.origins_[from];
    else if (from >= r.values_)
      r.origins_[from] = to;  // the value before the rounding that it gets in storage
  }
  return r;
}

std::vector<uint32_t> Resolved::group_numbers() const {
  std::vector<uint32_t> numbers(graph_->ops.size());
  uint32_t next = 0;
  ir::OpId done = 0;
  const auto alone = [&](ir::OpId end) {
    for (; done < end; ++done) numbers[done] = next++;
  };
  for (const OpGroup& group : groups_) {
    alone(group.op);
    for (; done < group.end; ++done) numbers[done] = next;
    ++next;
  }
  alone(static_cast<ir::OpId>(numbers.size()));
  return numbers;
}

std::vector<Storing> Resolved::path(ir::ValueId v) const {
  std::vector<Storing> steps;
  for (;;) {
    const ir::Value& value = graph_->at(v);
    const ir::OpId producer = value.producer;
    const ir::ElemType storage = value.storage == ir::ElemType::undefined ? value.type.elem : value.storage;
    steps.push_back({producer == ir::kNoOp ? std::nullopt : graph_->ops[producer].policy.result, storage});
    // Copies of the model's value; what is no copy was given by the caller, or is the result as the operation stores
    // it.
    if (producer == ir::kNoOp || v < values_ || !is_added(producer)) break;
    v = graph_->ops[producer].inputs[0];
  }
  std::ranges::reverse(steps);
  return steps;
}

}  // namespace assay::exec
