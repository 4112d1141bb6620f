#include "backends/model_file.h"

#include <algorithm>

#include "coreml/file.h"
#include "coreml/lift.h"
#include "onnx/import.h"
#include "passes/infer_shapes.h"

namespace assay::backends {
namespace {

Error in_file(Error error, const std::string& path) {
  if (!error.where.starts_with(path)) error.where = error.where.empty() ? path : path + ": " + error.where;
  return error;
}

/// Whether values have types: a pipeline with a program has some.
bool holds_program(const mil::Model& model) {
  const auto* pipeline = std::get_if<mil::Pipeline>(&model.content);
  return std::holds_alternative<mil::Program>(model.content) ||
         (pipeline != nullptr && std::ranges::any_of(pipeline->models, holds_program));
}

std::vector<std::string> input_names(const mil::FunctionDescription& interface) {
  std::vector<std::string> names;
  for (const mil::Feature& feature : interface.inputs) names.push_back(feature.name);
  return names;
}

/// Defaults of a pipeline's inputs that its models alone state: of the first that reads the input, as when it runs.
void take_defaults(const mil::Model& model, mil::FunctionDescription& interface) {
  const auto* pipeline = std::get_if<mil::Pipeline>(&model.content);
  if (pipeline == nullptr) return;
  for (mil::Feature& feature : interface.inputs) {
    if (!feature.optional || feature.array.default_value) continue;
    for (const mil::Model& part : pipeline->models) {
      const auto& inputs = part.description.main.inputs;
      const auto found = std::ranges::find(inputs, feature.name, &mil::Feature::name);
      if (found == inputs.end()) continue;
      feature.array.default_value = found->array.default_value;
      break;
    }
  }
}

size_t compressed_constants(const mil::Block& block) {
  size_t count = 0;
  for (const mil::Operation& op : block.operations) {
    if (op.type.starts_with("constexpr_")) ++count;
    for (const mil::Block& nested : op.blocks) count += compressed_constants(nested);
  }
  return count;
}

size_t compressed_constants(const mil::Model& model) {
  size_t count = 0;
  if (const auto* pipeline = std::get_if<mil::Pipeline>(&model.content))
    for (const mil::Model& part : pipeline->models) count += compressed_constants(part);
  const auto* program = std::get_if<mil::Program>(&model.content);
  if (program == nullptr) return count;
  const mil::Function* function = mil::find(program->functions, mil::default_function_of(model.description));
  return function == nullptr || function->body() == nullptr ? count : count + compressed_constants(*function->body());
}

std::vector<std::string> other_functions(const mil::Model& model) {
  const auto* program = std::get_if<mil::Program>(&model.content);
  if (program == nullptr) return {};
  const std::string converted = mil::default_function_of(model.description);
  std::vector<std::string> others;
  for (const auto& [name, function] : program->functions)
    if (name != converted) others.push_back(name);
  return others;
}

Result<ModelFile> read_coreml(const std::string& path, Warnings& warnings, const ReadOptions& options) {
  ASSAY_TRY(mil::Model model, coreml::read_model(path));
  const bool program = holds_program(model);
  mil::FunctionDescription interface = mil::interface_of(model.description, model.description.default_function);
  take_defaults(model, interface);
  const std::vector<std::string> all = input_names(interface);
  auto graph = coreml::lift(model, warnings, {}, options.keep_optional ? all : options.given, options.unknown);
  if (!graph.ok()) return in_file(std::move(graph).error(), path);
  return ModelFile{program ? ModelFormat::ml_program : ModelFormat::neural_network,
                   *std::move(graph),
                   std::move(interface),
                   std::move(model.description.metadata),
                   compressed_constants(model),
                   other_functions(model)};
}

Result<ModelFile> read_any(const std::string& path, Warnings& warnings, const ReadOptions& options) {
  if (coreml::recognise(path) != coreml::Container::none) return read_coreml(path, warnings, options);
  ASSAY_TRY(ir::Graph graph, onnx::import_model(path, warnings, options.given, options.unknown));
  return ModelFile{ModelFormat::onnx, std::move(graph), {}};
}

}  // namespace

Result<ModelFile> read_model_file(const std::string& path, Warnings& warnings, const ReadOptions& options) {
  ASSAY_TRY(ModelFile file, read_any(path, warnings, options));
  ASSAY_CHECK(passes::infer_shapes(file.graph));
  return file;
}

}  // namespace assay::backends
