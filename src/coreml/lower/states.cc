#include "coreml/lower/states.h"

#include <algorithm>

#include "coreml/lower/edges.h"
#include "coreml/lower/refusals.h"

namespace assay::coreml {
namespace {

constexpr int kStates = 9;  // specification version: iOS18

/// The function's input whose content `type` is.
Result<ops::MilValue> held(const ir::Graph& graph, const ir::State& state, ops::ScopedNames& names) {
  ops::MilValue input{names.of(state.name), {}};
  input.type.kind = mil::Type::Kind::state;
  ASSAY_TRY(mil::Type type, ops::mil_type(graph.at(state.before).type));
  input.type.parts.push_back(std::move(type));
  return input;
}

/// Whether anything takes what a state held before the run.
bool is_read(const ir::Graph& graph, ir::ValueId before) {
  const auto takes = [&](const ir::Op& op) { return reads(op, before); };
  const auto keeps = [&](const ir::State& s) { return s.after == before && s.before != before; };
  return std::ranges::count(graph.outputs, before) > 0 || std::ranges::any_of(graph.ops, takes) ||
         std::ranges::any_of(graph.states, keeps);
}

}  // namespace

Result<std::vector<mil::Feature>> state_features(const ir::Graph& graph, const LowerOptions& options,
                                                 ops::LegalNames& names) {
  std::vector<mil::Feature> features;
  for (const ir::State& state : graph.states) {
    const std::string where = "state '" + state.name + "'";
    if (options.format == Format::neural_network)
      return Error{Code::not_convertible, "a NeuralNetwork has no states", where, "convert to a .mlpackage"};
    const ir::Type& type = graph.at(state.before).type;
    const bool fits = type.is_static() && !type.shape->empty() && type.shape->size() <= kMostAxes;
    if (!fits || type.elem != ir::ElemType::float16)
      return Error{Code::not_convertible,
                   "its type is " + ir::to_string(type) + ", and Core ML keeps float16 arrays of a fixed shape", where,
                   "declare it so in the model"};
    mil::Feature feature{.name = names.of(state.name), .kind = mil::Feature::Kind::state};
    feature.array.type = mil::ArrayType::float16;
    feature.array.shape = type.dims();
    features.push_back(std::move(feature));
  }
  return features;
}

Status read_states(const ir::Graph& graph, ops::MilBuilder& builder, mil::Function& function) {
  for (const ir::State& state : graph.states) {
    builder.need(kStates, "states");
    ASSAY_TRY(const ops::MilValue input, held(graph, state, builder.names()));
    function.inputs.push_back({input.name, input.type});
    if (!is_read(graph, state.before)) continue;
    const ops::MilValue read{builder.names().fresh(input.name + "_read"), input.type.parts[0]};
    builder.emit("read_state", {{"input", input}}, {{read.name, read.type}});
    builder.bind(state.before, read);
  }
  return {};
}

Status write_states(const ir::Graph& graph, ops::MilBuilder& builder) {
  builder.set_precision(mil::DataType::float32);
  for (const ir::State& state : graph.states) {
    if (state.after == state.before) continue;
    ASSAY_TRY(const ops::MilValue input, held(graph, state, builder.names()));
    ASSAY_TRY(const ops::MilValue value, builder.value(state.after));
    builder.emit("write_state", {{"input", input}, {"data", builder.cast(value, input.type.parts[0].data)}}, {});
  }
  return {};
}

}  // namespace assay::coreml
