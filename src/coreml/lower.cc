#include "coreml/lower.h"

#include <algorithm>

#include "coreml/lower/classifier_edges.h"
#include "coreml/lower/edges.h"
#include "coreml/lower/interface.h"
#include "coreml/lower/network.h"
#include "coreml/lower/program.h"
#include "coreml/lower/states.h"

namespace assay::coreml {

namespace {

constexpr int kWithoutInputs = 9;  // specification version: iOS18

/// Names that are no value's of the graph.
std::optional<Classifier> named(std::optional<Classifier> classifier, ops::LegalNames& names) {
  if (!classifier) return classifier;
  classifier->label.name = names.of(classifier->label.name);
  std::string& probabilities = classifier->probabilities.name;
  if (!probabilities.empty()) probabilities = names.of(probabilities);
  return classifier;
}

void add_regressor(const ir::Graph& graph, const mil::Feature& regressed, mil::Model& model) {
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (!is_called(graph.at(graph.outputs[i]), regressed.name)) continue;
    mil::Feature& feature = model.description.main.outputs[i];
    if (regressed.kind == mil::Feature::Kind::float64) feature.kind = regressed.kind;
    model.description.main.predicted_feature = feature.name;
    std::get<mil::NetworkModel>(model.content).kind = mil::NetworkModel::Kind::regressor;
  }
}

}  // namespace

Result<mil::Model> lower(const ir::Graph& graph, const LowerOptions& options, Warnings& warnings) {
  if (graph.inputs.empty() && options.version != 0 && options.version < kWithoutInputs)
    return Error{Code::not_convertible, "the model has no inputs, which Core ML allows from iOS18 on", "",
                 "--target iOS18"};
  mil::Model model;
  ops::LegalNames names;
  // Inputs, outputs and states come first, so that they keep their names if anything does, and of those the legal
  // names.
  for (const auto* ports : {&graph.inputs, &graph.outputs})
    for (const ir::ValueId id : *ports)
      if (const std::string& name = graph.at(id).name; ops::legal_name(name) == name) names.of(name);
  for (const ir::State& state : graph.states)
    if (ops::legal_name(state.name) == state.name) names.of(state.name);
  const std::optional<Classifier> classifier = named(options.classifier, names);
  std::vector<RefusedInput> refused;
  ASSAY_TRY(model.description.main.inputs, input_features(graph, options, names, refused, warnings));
  ASSAY_TRY(model.description.main.states, state_features(graph, options, names));
  auto outputs = output_features(graph, options, names);
  if (options.format == Format::ml_program) {
    ASSAY_TRY(model.content, lower_program(graph, options, names, refused, outputs, warnings));
  } else {
    mil::NetworkModel network;
    ASSAY_TRY(network.network, lower_network(graph, names, refused, outputs));
    network.network.rank4_images = std::ranges::any_of(
        model.description.main.inputs, [](const mil::Feature& f) { return f.kind == mil::Feature::Kind::image; });
    model.content = std::move(network);
  }
  model.description.main.outputs = *std::move(outputs);
  if (options.regressed && options.format == Format::neural_network) add_regressor(graph, *options.regressed, model);
  model.description.metadata = metadata_of(graph, names, model.description.main.outputs, options);
  if (classifier) add_classifier(*classifier, model);
  model.spec_version = options.version;
  return model;
}

}  // namespace assay::coreml
