#include "coreml/lift.h"

#include "base/limits.h"
#include "coreml/lift/builder.h"
#include "coreml/lift/program.h"
#include "coreml/notes.h"

namespace assay::coreml {

namespace {
Result<ir::Graph> lift_content(const mil::Model& model, Warnings& warnings, const std::string& function,
                               std::span<const std::string> given, ir::Unknown unknown) {
  if (const auto* program = std::get_if<mil::Program>(&model.content))
    return lift_program(*program, model.description, function, given, warnings, unknown);
  if (const auto* network = std::get_if<mil::NetworkModel>(&model.content))
    return lift_network(*network, model.description, given, warnings, unknown);
  if (const auto* pipeline = std::get_if<mil::Pipeline>(&model.content))
    return lift_pipeline(*pipeline, model.description, given, warnings, unknown);
  return Error{Code::coreml_kind, "the model is a " + std::string(mil::content_name(model)), "",
               "NeuralNetworks, ML Programs and pipelines of them are read"};
}

}  // namespace

Result<ir::Graph> lift(const mil::Model& model, Warnings& warnings, const std::string& function,
                       std::span<const std::string> given, ir::Unknown unknown) {
  ASSAY_TRY(ir::Graph graph, within_memory("the model's constants",
                                           [&] { return lift_content(model, warnings, function, given, unknown); }));
  settle_insides(graph);
  restore_notes(model.description.metadata, graph);
  return graph;
}

}  // namespace assay::coreml
