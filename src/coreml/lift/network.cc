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

/// Operations that nobody reads: steps between mappings of axes that cancel out.
void drop_unread(ir::Graph& graph) {
  std::vector<bool> read(graph.values.size());
  for (const ValueId id : graph.outputs) read[id] = true;
  std::vector<bool> keep(graph.ops.size());
  for (size_t i = graph.ops.size(); i-- > 0;) {
    const ir::Op& op = graph.ops[i];
    keep[i] = std::ranges::any_of(op.outputs, [&](ValueId id) { return id != ir::kNoValue && read[id]; });
    if (!keep[i]) continue;
    for (const ValueId id : op.inputs)
      if (id != ir::kNoValue) read[id] = true;
    for (const ValueId id : ir::captured_by(op)) read[id] = true;
  }
  size_t i = 0;
  std::erase_if(graph.ops, [&](const ir::Op&) { return !keep[i++]; });
  graph.relink();
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

Result<ir::Graph> lift_pipeline(const mil::Pipeline& pipeline, const mil::Description& description,
                                std::span<const std::string> given, Warnings& warnings, ir::Unknown unknown) {
  ir::Graph graph;
  graph.name = "pipeline";
  for (const mil::Feature& feature : description.main.outputs) graph.reserve_name(feature.name);
  FeatureValues features;
  for (const mil::Model& model : pipeline.models) {
    const auto* network = std::get_if<mil::NetworkModel>(&model.content);
    if (network == nullptr)
      return Error{Code::coreml_kind, "the pipeline has a " + std::string(mil::content_name(model)), "",
                   "pipelines of NeuralNetworks are read"};
    ASSAY_CHECK(lift_features(*network, model.description.main, given, unknown, graph, features, warnings));
  }
  ASSAY_CHECK(finish(graph, description, features, warnings));
  return graph;
}

}  // namespace assay::coreml
