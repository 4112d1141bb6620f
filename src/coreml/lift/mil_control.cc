// Branches and loops: If and Loop of ONNX, whose graphs are the operation's blocks.
#include <algorithm>

#include "coreml/lift/mil_tables.h"
#include "coreml/lift/program.h"
#include "coreml/lift/scope.h"

namespace assay::coreml {
namespace {

/// Outputs of a nested graph are values of its own, each once.
void set_outputs(MilLift& c, const std::vector<ValueId>& values) {
  for (ValueId v : values) {
    const bool taken = std::ranges::find(c.graph.outputs, v) != c.graph.outputs.end();
    if (c.graph.at(v).producer == ir::kNoOp || taken) v = c.op("Identity", {v});
    c.graph.outputs.push_back(v);
  }
}

std::shared_ptr<ir::Graph> branch(MilLift& c, const mil::Block& block, std::string name) {
  auto graph = std::make_shared<ir::Graph>();
  graph->name = std::move(name);
  MilScope scope(*graph, &c.scope());
  MilLift inner(*graph, scope, c);
  inner.begin(c.operation->type, std::string(c.operation->name()));
  set_outputs(inner, inner.block(block, {}));
  if (!inner.status().ok()) c.fail(inner.status().error());
  return graph;
}

void lift_cond(MilLift& c) {
  const auto& blocks = c.operation->blocks;
  if (blocks.size() != 2 || blocks[0].outputs.size() != c.result_count() ||
      blocks[1].outputs.size() != c.result_count())
    return c.bad("it has not two blocks that give its results");
  const ValueId condition = c.in("pred");
  auto yes = branch(c, blocks[0], "then"), no = branch(c, blocks[1], "else");
  if (c.failed()) return;
  const std::vector<ValueId> results =
      c.ops("If", {condition}, c.result_count(), {{"then_branch", std::move(yes)}, {"else_branch", std::move(no)}});
  for (size_t i = 0; i < results.size(); ++i) c.result(results[i], i);
}

/// The type that a carried value has in every iteration: as the block declares it. Of a list, which may grow, only the
/// length differs.
ir::Type carried_type(MilLift& c, const mil::Type& declared, ValueId first) {
  if (declared.is_tensor()) {
    auto type = ir_type(declared);
    if (type.ok()) return *std::move(type);
    c.fail(type.error());
  }
  ir::Type type = c.type(first);
  if (declared.kind == mil::Type::Kind::list && type.ranked() && !type.shape->empty()) type.shape->front() = ir::Dim();
  return type;
}

/// One iteration: the body, then the condition on what it gives, as Loop asks at the end of an iteration.
std::shared_ptr<ir::Graph> iteration(MilLift& c, const std::vector<ValueId>& first) {
  const mil::Block &condition = c.operation->blocks[0], &body = c.operation->blocks[1];
  auto graph = std::make_shared<ir::Graph>();
  graph->name = "body";
  MilScope scope(*graph, &c.scope());
  MilLift inner(*graph, scope, c);
  inner.begin(c.operation->type, std::string(c.operation->name()));
  const auto add = [&](const std::string& name, ir::Type type) {
    graph->inputs.push_back(graph->add_value(graph->fresh_name(name), std::move(type)));
    return graph->inputs.back();
  };
  add("iteration", ir::Type::of(ir::ElemType::int64, {}));
  add("condition", ir::Type::of(ir::ElemType::boolean, {}));
  std::vector<ValueId> carried;
  for (size_t i = 0; i < first.size(); ++i)
    carried.push_back(add(body.inputs[i].name, carried_type(c, body.inputs[i].type, first[i])));
  std::vector<ValueId> next = inner.block(body, carried);
  if (!inner.failed()) next.insert(next.begin(), inner.block(condition, next).front());
  set_outputs(inner, next);
  if (!inner.status().ok()) c.fail(inner.status().error());
  return graph;
}

/// The condition is asked before each iteration, the first one too.
void lift_while_loop(MilLift& c) {
  const auto& blocks = c.operation->blocks;
  const std::vector<ValueId> first = c.all("loop_vars");
  const auto fits = [&](const mil::Block& b, size_t outputs) {
    return b.inputs.size() == first.size() && b.outputs.size() == outputs;
  };
  if (blocks.size() != 2 || !fits(blocks[0], 1) || !fits(blocks[1], first.size()) || first.size() != c.result_count())
    return c.bad("it has not a condition and a body that fit its variables");
  const std::vector<ValueId> starts = c.block(blocks[0], first);
  if (c.failed()) return;
  auto body = iteration(c, first);
  if (c.failed()) return;
  std::vector<ValueId> inputs = {ir::kNoValue, starts.front()};
  inputs.insert(inputs.end(), first.begin(), first.end());
  const std::vector<ValueId> results = c.ops("Loop", std::move(inputs), first.size(), {{"body", std::move(body)}});
  for (size_t i = 0; i < results.size(); ++i) c.result(results[i], i);
}

constexpr MilRow kRows[] = {
    {"cond", lift_cond},
    {"while_loop", lift_while_loop},
};

}  // namespace

std::vector<ValueId> MilLift::block(const mil::Block& block, const std::vector<ValueId>& inputs) {
  MilScope inside(graph, &scope_);
  MilLift lift(graph, inside, *this);
  for (size_t i = 0; i < block.inputs.size() && i < inputs.size(); ++i) inside.define(block.inputs[i].name, inputs[i]);
  std::vector<ValueId> outputs;
  if (const Status status = lift_operations(block.operations, lift); !status.ok()) fail(status.error());
  for (const std::string& name : block.outputs) {
    outputs.push_back(inside.find(name));
    if (outputs.back() != ir::kNoValue) continue;
    if (!failed()) bad("nothing defines the block's output '" + name + "'");
    outputs.back() = graph.add_value(graph.fresh_name(name), {});
  }
  return outputs;
}

std::span<const MilRow> mil_control_rows() { return kRows; }

}  // namespace assay::coreml
