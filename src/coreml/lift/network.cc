// Drivers: layers in order, whole networks, pipelines of networks.
#include <algorithm>
#include <unordered_map>

#include "coreml/lift/missing.h"
#include "coreml/lift/network_io.h"
#include "coreml/lift/nn_blobs.h"
#include "coreml/lift/nn_control.h"
#include "coreml/lift/nn_tables.h"
#include "coreml/lift/program.h"
#include "coreml/lift/scope.h"
#include "coreml/unread.h"

namespace assay::coreml {
namespace {

const std::unordered_map<std::string_view, const NnRow*>& rows_by_kind() {
  static const auto* const kByKind = [] {
    auto* map = new std::unordered_map<std::string_view, const NnRow*>;
    for (const NnRow* row : nn_rows()) map->emplace(row->kind, row);
    return map;
  }();
  return *kByKind;
}

bool is_missing(const mil::Layer& layer) { return layer.kind == nullptr || !rows_by_kind().contains(layer.kind->name); }

void find_missing(std::span<const mil::Layer> layers, Missing& missing) {
  for (const mil::Layer& layer : layers) {
    if (is_missing(layer))
      missing.add(layer.kind == nullptr ? "a layer of unknown kind" : std::string(layer.kind->name), layer.name);
    for (const char* field : {"ifBranch", "elseBranch", "conditionNetwork", "bodyNetwork"})
      if (layer.params.row() != nullptr && layer.params.row()->find(field) != nullptr)
        find_missing(nested_layers(layer, field), missing);
  }
}

bool has_nested_missing(std::span<const mil::Layer> layers) {
  Missing all, own;
  find_missing(layers, all);
  for (const mil::Layer& layer : layers)
    if (is_missing(layer)) own.add("", "");
  return all.count() != own.count();
}

/// Its results are float32 arrays of any rank: a network says no more.
void lift_unread(const mil::Layer& layer, NnLift& lift) {
  static constexpr NnRow kNone = {};
  lift.start(layer, kNone);
  const std::vector<ValueId> results =
      lift.unread(lift.all(), std::vector(layer.outputs.size(), ir::Type::tensor(ir::ElemType::float32)));
  for (size_t i = 0; i < results.size(); ++i) lift.result(results[i], i);
}

/// One network whose inputs are `features` or become inputs of the graph; its outputs join `features`.
Status lift_features(const mil::NetworkModel& model, const mil::FunctionDescription& description,
                     std::span<const std::string> given, ir::Unknown unknown, ir::Graph& graph, FeatureValues& features,
                     Warnings& warnings) {
  NnScope scope(graph);
  NnLift lift(graph, scope, warnings);
  for (const mil::Feature& feature : description.outputs) lift.needed.insert(feature.name);
  lift.needed.insert(model.network.label_probability_layer);
  ASSAY_CHECK(lift_inputs(model, description, given, features, lift));
  Missing missing;
  find_missing(model.network.layers, missing);
  if (unknown == ir::Unknown::refused || has_nested_missing(model.network.layers)) ASSAY_CHECK(missing.status());
  ASSAY_CHECK(lift_layers(model.network.layers, lift));
  return lift_outputs(model, description, features, lift);
}

/// The graph's outputs under the features' names; each is written by an operation of its own.
Status finish(ir::Graph& graph, const mil::Description& description, const FeatureValues& features,
              Warnings& warnings) {
  NnScope scope(graph);
  NnLift lift(graph, scope, warnings);
  for (const mil::Feature& feature : description.main.outputs) {
    const auto found = features.find(feature.name);
    if (found == features.end()) return Error{Code::model_invalid, "no model writes the output '" + feature.name + "'"};
    ValueId id = found->second;
    lift.begin("output", feature.name);
    if (graph.at(id).producer == ir::kNoOp || std::ranges::count(graph.outputs, id) > 0) id = lift.op("Identity", {id});
    ASSAY_CHECK(lift.status());
    lift.rename_output(id, feature.name);
    graph.at(id).unstated = false;
    graph.outputs.push_back(id);
  }
  drop_unread(graph);
  for (const auto& [key, value] : description.metadata.user) graph.metadata[key] = value;
  return {};
}

}  // namespace

std::vector<const NnRow*> nn_rows() {
  std::vector<const NnRow*> rows;
  for (const auto table : kNnTables)
    for (const NnRow& row : table()) rows.push_back(&row);
  std::ranges::sort(rows, {}, &NnRow::kind);
  return rows;
}

Status lift_layers(std::span<const mil::Layer> layers, NnLift& lift) {
  for (size_t i = 0; i < layers.size(); ++i) {
    if (is_missing(layers[i])) {
      lift_unread(layers[i], lift);
      ASSAY_CHECK(lift.status());
      continue;
    }
    const NnRow& row = *rows_by_kind().at(layers[i].kind->name);
    lift.start(layers[i], row);
    lift.rest = layers.subspan(i + 1);
    row.lift(lift);
    ASSAY_CHECK(lift.status());
    if (!may_leave(layers[i]) || lift.rest.empty()) continue;
    if (layers[i].kind->name != "branch") return {};  // nobody gets there
    lift_unless_left(std::exchange(lift.rest, {}), lift);
    return lift.status();
  }
  return {};
}

Result<ir::Graph> lift_network(const mil::NetworkModel& model, const mil::Description& description,
                               std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown) {
  ir::Graph graph;
  graph.name = "network";
  for (const mil::Feature& feature : description.main.outputs) graph.reserve_name(feature.name);
  FeatureValues features;
  ASSAY_CHECK(lift_features(model, description.main, given, unknown, graph, features, warnings));
  ASSAY_CHECK(finish(graph, description, features, warnings));
  return graph;
}

namespace {
/// Values of the graph leave the names of the model's own inputs and outputs free.
void reserve_names(const mil::FunctionDescription& interface, ir::Graph& graph) {
  for (const auto* features : {&interface.inputs, &interface.outputs})
    for (const mil::Feature& feature : *features) graph.reserve_name(feature.name);
}

Status lift_part(const mil::Model& model, std::span<const std::string> given, ir::Unknown unknown, ir::Graph& graph,
                 FeatureValues& features, Warnings& warnings) {
  if (const auto* network = std::get_if<mil::NetworkModel>(&model.content))
    return lift_features(*network, model.description.main, given, unknown, graph, features, warnings);
  if (const auto* program = std::get_if<mil::Program>(&model.content))
    return lift_function(*program, model.description, {}, given, unknown, graph, features, warnings);
  return Error{Code::coreml_kind, "the pipeline has a " + std::string(mil::content_name(model)), "",
               "pipelines of NeuralNetworks and ML Programs are read"};
}
/// Of a pipeline that has both, one profile settles all.
void warn_of_both(const mil::Pipeline& pipeline, Warnings& warnings) {
  const auto programs = std::ranges::count_if(
      pipeline.models, [](const mil::Model& m) { return std::holds_alternative<mil::Program>(m.content); });
  if (programs == 0 || programs == std::ssize(pipeline.models)) return;
  const Warning warning{Code::not_modelled,
                        "the pipeline has NeuralNetworks beside ML Programs: layers run as operations of a program "
                        "that declares float32, "
                        "where GPUs and the Neural Engine take float16"};
  warnings.push_back(warning);
}
}  // namespace

Result<ir::Graph> lift_pipeline(const mil::Pipeline& pipeline, const mil::Description& description,
                                std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown) {
  ir::Graph graph;
  graph.name = "pipeline";
  FeatureValues features;
  warn_of_both(pipeline, warnings);
  reserve_names(description.main, graph);
  for (const mil::Model& model : pipeline.models) reserve_names(model.description.main, graph);
  for (const mil::Model& model : pipeline.models)
    ASSAY_CHECK(lift_part(model, given, unknown, graph, features, warnings));
  ASSAY_CHECK(finish(graph, description, features, warnings));
  return graph;
}

}  // namespace assay::coreml
