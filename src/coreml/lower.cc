#include "coreml/lower.h"

#include "coreml/interface.h"
#include "coreml/lower_network.h"
#include "coreml/lower_program.h"

namespace assay::coreml {

Result<mil::Model> lower(const ir::Graph& graph, const LowerOptions& options, Warnings& warnings) {
  if (graph.inputs.empty())
    return Error{Code::not_convertible, "the model has no inputs", "", "Core ML models have at least one"};
  mil::Model model;
  ops::LegalNames names;
  // Inputs and outputs come first, so that they keep their names if anything does, and of those the legal names.
  for (const auto* ports : {&graph.inputs, &graph.outputs})
    for (const ir::ValueId id : *ports)
      if (const std::string& name = graph.at(id).name; ops::legal_name(name) == name) names.of(name);
  ASSAY_TRY(model.description.main.inputs, input_features(graph, options, names, warnings));
  auto outputs = output_features(graph, names);
  if (options.format == Format::ml_program) {
    ASSAY_TRY(model.content, lower_program(graph, options, names, outputs, warnings));
  } else {
    mil::NetworkModel network;
    ASSAY_TRY(network.network, lower_network(graph, names, outputs));
    model.content = std::move(network);
  }
  model.description.main.outputs = *std::move(outputs);
  model.description.metadata = metadata_of(graph, names);
  model.spec_version = options.version;
  return model;
}

}  // namespace assay::coreml
