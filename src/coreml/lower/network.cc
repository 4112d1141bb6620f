#include "coreml/lower/network.h"

#include <unordered_set>

#include "coreml/lower/refusals.h"
#include "ops/def.h"
#include "ops/lower/nn.h"

namespace assay::coreml {
namespace {

bool is_half(ir::ElemType type) { return type == ir::ElemType::float16 || type == ir::ElemType::bfloat16; }

/// What is rounded and declared narrower than float32: layers hold float32, and none of them rounds to less.
Status check_rounding(const ops::NnContext& context) {
  const ops::Numeric numeric = context.op.def->numeric;  // conversions have reasons of their own
  if (numeric == ops::Numeric::exact || numeric == ops::Numeric::convert) return {};
  for (const std::vector<ir::ValueId>* values : {&context.op.inputs, &context.op.outputs})
    for (const ir::ValueId id : *values) {
      if (id == ir::kNoValue || !is_half(context.graph.at(id).type.elem)) continue;
      return context.refuse("layers compute in float32, not in " +
                            std::string(ir::elem_name(context.graph.at(id).type.elem)));
    }
  return {};
}

Status lower_op(const ir::Graph& graph, const ir::Op& op, ops::NnBuilder& builder) {
  ops::NnContext context(graph, op, builder);
  if (std::string why = impossible<&ops::OpDef::to_nn>(op); !why.empty()) return context.refuse(std::move(why));
  ASSAY_CHECK(check_results(graph, op));
  ASSAY_CHECK(check_rounding(context));
  return op.def->to_nn.apply(context);
}

/// Outputs that are constants: their own names are the outputs'.
Status write_constant_outputs(const ir::Graph& graph, ops::NnBuilder& builder) {
  for (const ir::ValueId id : graph.outputs) {
    const ir::Value& value = graph.at(id);
    if (!value.constant || value.producer != ir::kNoOp || builder.bound(id)) continue;
    const ir::Dims dims = value.constant->rank() == 0 ? ir::Dims{1} : value.constant->dims();
    ASSAY_TRY(mil::Weights held, ops::nn_weights(*value.constant));
    const std::string blob = builder.names().fresh(value.name);
    builder.add(
        "loadConstantND", {}, {blob},
        mil::Message(mil::find_layer("loadConstantND")->params).set("shape", dims).set("data", std::move(held)));
    builder.bind(id, blob);
  }
  return {};
}

Status lower_all(const ir::Graph& graph, ops::NnBuilder& builder, Unknowns& unknowns, Refusals& refusals) {
  const auto stand_in = [&](const ir::Op& op) {
    for (const ir::ValueId id : op.outputs)
      if (id != ir::kNoValue && !builder.bound(id)) builder.bind(id, builder.names().of(graph.at(id).name));
  };
  return lower_each<&ops::OpDef::to_nn>(
      graph, unknowns, refusals, [&](const ir::Op& op) { return lower_op(graph, op, builder); }, stand_in);
}

/// Outputs have names of their own: a copy where a value is an input too, a constant, or output twice.
Status write_outputs(const ir::Graph& graph, ops::NnBuilder& builder, std::vector<mil::Feature>& outputs) {
  std::unordered_set<std::string> taken;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const ir::Value& value = graph.at(graph.outputs[i]);
    ASSAY_TRY(const std::string blob, builder.value(graph.outputs[i]));
    std::string& name = outputs[i].name;
    const bool produced = value.producer != ir::kNoOp || value.constant;
    if (produced && blob == name && taken.insert(name).second) continue;
    if (!produced || !taken.insert(name).second) name = builder.names().fresh(name);
    builder.add("copy", {blob}, {name}, mil::Message(mil::find_layer("copy")->params));
  }
  return {};
}

}  // namespace

Result<mil::Network> lower_network(const ir::Graph& graph, ops::LegalNames& names,
                                   std::span<const RefusedInput> refused, Result<std::vector<mil::Feature>>& outputs) {
  ops::NnBuilder builder(graph, names);
  builder.network().exact_arrays = true;
  for (const ir::ValueId id : graph.inputs) builder.bind(id, names.of(graph.at(id).name));
  ASSAY_CHECK(write_constant_outputs(graph, builder));
  Unknowns unknowns;
  Refusals refusals;
  for (const RefusedInput& input : refused) {
    refusals.add(input);
    unknowns.add(graph, input.id);
  }
  builder.set_lower([&](const ir::Graph& g, ops::NnBuilder& b) { return lower_all(g, b, unknowns, refusals); });
  ASSAY_CHECK(lower_all(graph, builder, unknowns, refusals));
  if (!refusals.empty()) return refusals.error("a NeuralNetwork");
  if (!outputs.ok()) return outputs.error();
  ASSAY_CHECK(write_outputs(graph, builder, *outputs));
  return std::move(builder.network());
}

}  // namespace assay::coreml
