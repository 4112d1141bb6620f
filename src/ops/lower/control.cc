// If and Loop as cond and while_loop: graphs among attributes become nested blocks.
#include <algorithm>
#include <limits>
#include <optional>

#include "ops/lower/families.h"
#include "ops/lower/mil.h"

namespace assay::ops {
namespace {

using mil::DataType;

constexpr size_t kCarried = 2;  // inputs of Loop and of its body before what is carried

/// Conditions and counts are scalars in Core ML; ONNX takes one element of any rank too.
MilValue scalar(MilBuilder& builder, const MilValue& value) {
  if (value.rank() == 0) return value;
  ir::Dims axes;
  for (int64_t k = 0; k < value.rank(); ++k) axes.push_back(k);
  const MilValue result{builder.names().fresh(value.name + "_scalar"), mil::Type::scalar(value.data())};
  builder.emit("squeeze", {{"x", value}, {"axes", MilContext::ints(axes)}}, {{result.name, result.type}});
  return result;
}

/// The type that a value of the graph has in the program.
Result<mil::Type> type_in(const MilContext& c, const ir::Type& type) {
  ASSAY_TRY(mil::Type result, mil_type(type));
  if (type.elem == ir::ElemType::float32) result.data = c.builder.precision();
  return result;
}

/// What a block gives: a value that the block itself computes, of the wanted element type.
MilValue block_output(MilBuilder& inner, const ir::Graph& graph, ir::ValueId id, MilValue value, DataType data,
                      const mil::Block& block) {
  value = inner.cast(value, data);
  const bool given = std::ranges::find(block.outputs, value.name) != block.outputs.end();
  if (graph.at(id).producer != ir::kNoOp && !given) return value;
  const MilValue own{inner.names().fresh(value.name), value.type};
  inner.emit("identity", {{"x", value}}, {{own.name, own.type}});
  return own;
}

/// Known extents that differ between the branches, which Core ML does not take.
bool contradict(const mil::Type& a, const mil::Type& b) {
  if (a.dims->size() != b.dims->size()) return true;
  for (size_t k = 0; k < a.dims->size(); ++k)
    if ((*a.dims)[k] >= 0 && (*b.dims)[k] >= 0 && (*a.dims)[k] != (*b.dims)[k]) return true;
  return false;
}

}  // namespace

Status if_to_mil(MilContext& c) {
  const MilValue condition = scalar(c.builder, c.in(0));
  std::vector<mil::NamedType> outputs;
  for (size_t i = 0; i < c.op.outputs.size(); ++i) {
    if (!c.wants(i)) continue;
    ASSAY_TRY(mil::Type type, type_in(c, c.out_type(i)));
    outputs.push_back({c.builder.names().of(c.graph.at(c.op.outputs[i]).name), std::move(type)});
  }
  std::vector<mil::Block> blocks;
  std::vector<mil::Type> first;
  for (const char* branch : {"then_branch", "else_branch"}) {
    const ir::Graph& graph = *c.op.attr_graph(branch);
    MilBuilder inner(graph, c.builder);
    ASSAY_CHECK(inner.lower());
    mil::Block block;
    for (size_t i = 0; i < c.op.outputs.size(); ++i) {
      if (!c.wants(i)) continue;
      const size_t at = block.outputs.size();
      ASSAY_TRY(const MilValue value, inner.value(graph.outputs[i]));
      const MilValue own = block_output(inner, graph, graph.outputs[i], value, outputs[at].type.data, block);
      if (first.size() > at && contradict(first[at], own.type))
        return c.refuse("branches whose results differ in shape: " + mil::to_string(first[at]) + " and " +
                        mil::to_string(own.type));
      if (blocks.empty()) first.push_back(own.type);
      block.outputs.push_back(own.name);
    }
    block.operations = std::move(inner.operations());
    blocks.push_back(std::move(block));
  }
  ASSAY_CHECK(c.status());
  size_t next = 0;
  for (size_t i = 0; i < c.op.outputs.size(); ++i)
    if (c.wants(i)) {
      c.builder.bind(c.op.outputs[i], {outputs[next].name, outputs[next].type});
      ++next;
    }
  c.builder.emit("cond", {{"pred", condition}}, std::move(outputs), std::move(blocks));
  return {};
}

namespace {

/// The number of iterations that a loop must not pass; nothing where it is as good as unlimited.
std::optional<MilValue> limit(MilContext& c) {
  if (!c.has(0)) return std::nullopt;
  const ir::Tensor* known = c.constant(0);
  if (known != nullptr && known->size() == 1 && known->int_at(0) >= std::numeric_limits<int32_t>::max())
    return std::nullopt;
  return scalar(c.builder, c.in(0));
}

/// iteration < limit and condition.
mil::Block condition_block(MilContext& c, const std::vector<MilValue>& variables, const std::optional<MilValue>& most) {
  const ir::Graph& body = *c.op.attr_graph("body");
  MilBuilder inner(body, c.builder);
  const auto emit = [&](std::string_view type, const MilParams& params) {
    const MilValue result{c.builder.names().fresh("loop_" + std::string(type)), mil::Type::scalar(DataType::boolean)};
    inner.emit(type, params, {{result.name, result.type}});
    return result;
  };
  mil::Block block;
  for (const MilValue& v : variables) block.inputs.push_back({v.name, v.type});
  const MilValue holds =
      most ? emit("logical_and", {{"x", variables[1]}, {"y", emit("less", {{"x", variables[0]}, {"y", *most}})}})
           : emit("identity", {{"x", variables[1]}});
  block.outputs = {holds.name};
  block.operations = std::move(inner.operations());
  return block;
}

Result<mil::Block> body_block(MilContext& c, const std::vector<MilValue>& variables) {
  const ir::Graph& body = *c.op.attr_graph("body");
  MilBuilder inner(body, c.builder);
  mil::Block block;
  for (size_t i = 0; i < variables.size(); ++i) {
    block.inputs.push_back({variables[i].name, variables[i].type});
    inner.bind(body.inputs[i], variables[i]);
  }
  ASSAY_CHECK(inner.lower());
  const MilValue next{c.builder.names().fresh(variables[0].name + "_next"), variables[0].type};
  inner.emit("add", {{"x", variables[0]}, {"y", mil::of_int(1)}}, {{next.name, next.type}});
  block.outputs.push_back(next.name);
  for (size_t i = 1; i < variables.size(); ++i) {
    const ir::ValueId id = body.outputs[i - 1];
    ASSAY_TRY(MilValue value, inner.value(id));
    if (i == 1) value = scalar(inner, value);
    block.outputs.push_back(block_output(inner, body, id, value, variables[i].data(), block).name);
  }
  block.operations = std::move(inner.operations());
  return block;
}

}  // namespace

Status loop_to_mil(MilContext& c) {
  const ir::Graph& body = *c.op.attr_graph("body");
  const size_t carried = c.input_count() > kCarried ? c.input_count() - kCarried : 0;
  for (size_t i = carried; i < c.op.outputs.size(); ++i)
    if (c.wants(i)) return c.refuse("values that iterations stack up (scan outputs)");
  const std::optional<MilValue> most = limit(c);
  std::vector<MilValue> first = {
      c.builder.constant("iteration", mil::of_int(0)),
      c.has(1) ? scalar(c.builder, c.in(1)) : c.builder.constant("condition", mil::of_bool(true))};
  std::vector<MilValue> variables;
  std::vector<mil::NamedType> outputs;
  for (size_t i = 0; i < kCarried + carried; ++i) {
    mil::Type type = mil::Type::scalar(i == 0 ? DataType::int32 : DataType::boolean);
    std::string name = c.builder.names().fresh(i == 0 ? "iterations" : "condition");
    if (i >= kCarried) {
      ASSAY_TRY(type, type_in(c, body.at(body.inputs[i]).type));
      first.push_back(c.cast(c.in(i), type.data));
      const bool wanted = c.wants(i - kCarried);
      name = wanted ? c.builder.names().of(c.graph.at(c.op.outputs[i - kCarried]).name)
                    : c.builder.names().fresh("unused");
    }
    variables.push_back({c.builder.names().fresh(body.at(body.inputs[i]).name), type});
    outputs.push_back({std::move(name), std::move(type)});
  }
  std::vector<mil::Block> blocks = {condition_block(c, variables, most)};
  ASSAY_TRY(mil::Block iteration, body_block(c, variables));
  blocks.push_back(std::move(iteration));
  ASSAY_CHECK(c.status());
  for (size_t i = 0; i < carried; ++i)
    if (c.wants(i)) c.builder.bind(c.op.outputs[i], {outputs[kCarried + i].name, outputs[kCarried + i].type});
  c.builder.emit("while_loop", {{"loop_vars", first}}, std::move(outputs), std::move(blocks));
  return {};
}

}  // namespace assay::ops
