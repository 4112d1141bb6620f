#include "api/convert_kept.h"

#include <algorithm>
#include <optional>

#include "api/convert_options.h"
#include "base/text.h"
#include "coreml/lower/classifier_edges.h"
#include "coreml/lower/edges.h"
#include "coreml/lower/image_edges.h"
#include "coreml/lower/single_edges.h"

namespace assay::api {
namespace {
using mil::Feature;

constexpr size_t kMostNamed = 5;

std::optional<Feature> predicted_number(const mil::FunctionDescription& interface) {
  const auto found = std::ranges::find(interface.outputs, interface.predicted_feature, &Feature::name);
  if (found == interface.outputs.end() ||
      (found->kind != Feature::Kind::float64 && found->kind != Feature::Kind::array))
    return std::nullopt;
  return *found;
}

void describe(const std::vector<ir::ValueId>& ports, const std::vector<Feature>& features, const ir::Graph& graph,
              coreml::LowerOptions& options) {
  for (const ir::ValueId id : ports)
    for (const Feature& feature : features)
      if (coreml::is_called(graph.at(id), feature.name)) options.described[graph.at(id).name] = feature;
}

/// Of a NeuralNetwork optional arrays without a default are zeros, which ML Programs state.
void state_zeros(const backends::ModelFile& file, coreml::LowerOptions& options) {
  if (file.format != backends::ModelFormat::neural_network || options.format != coreml::Format::ml_program) return;
  for (auto& [name, feature] : options.described)
    if (feature.optional && !feature.array.default_value) feature.array.default_value = 0;
}

std::string quoted(const std::string& name) { return "'" + name + "'"; }

/// "a, b, c, d, e and 7 more".
std::string first_named(const std::vector<std::string>& names) {
  std::vector<std::string> shown;
  for (size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) shown.push_back(names[i]);
  const size_t more = names.size() - shown.size();
  return join(shown, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

std::string default_in_words(const Feature& feature, backends::ModelFormat format) {
  if (feature.array.default_value) return " (default " + shortest(*feature.array.default_value) + ")";
  return format == backends::ModelFormat::neural_network ? " (default 0)" : "";
}

}  // namespace

std::vector<std::string> fit_edges(const backends::ModelFile& file, ir::Graph& graph, coreml::LowerOptions& options) {
  const mil::FunctionDescription& interface = file.interface;
  keep_flexible(interface.inputs, graph, options);
  describe(graph.inputs, interface.inputs, graph, options);
  describe(graph.outputs, interface.outputs, graph, options);
  state_zeros(file, options);
  options.metadata = file.metadata;
  options.classifier = coreml::take_classifier(graph, interface);
  options.regressed = predicted_number(interface);
  options.images = coreml::make_edges_images(graph, interface);
  std::vector<std::string> narrowed = coreml::make_edges_single(graph);
  const bool double_stays = options.format == coreml::Format::neural_network && options.regressed &&
                            options.regressed->kind == Feature::Kind::float64;
  if (double_stays) std::erase(narrowed, options.regressed->name);
  return narrowed;
}

void note_lost_defaults(const backends::ModelFile& file, const std::string& path, bool to_onnx, Warnings& warnings) {
  std::vector<std::string> required, constant;
  for (const Feature& feature : file.interface.inputs)
    if (feature.optional) required.push_back(quoted(feature.name) + default_in_words(feature, file.format));
  if (to_onnx && !required.empty())
    warnings.push_back({Code::default_lost,
                        std::to_string(required.size()) +
                            (required.size() == 1 ? " optional input" : " optional inputs") +
                            " of the model must be given to the ONNX file: " + first_named(required),
                        path, "give an array of the default where the model is to run without the input"});
  for (const ir::Value& value : file.graph.values)
    if (value.constant && value.replaces_default) constant.push_back(quoted(value.name));
  if (!constant.empty())
    warnings.push_back({Code::default_lost,
                        std::to_string(constant.size()) +
                            (constant.size() == 1 ? " input with a default becomes a constant: "
                                                  : " inputs with defaults become constants: ") +
                            first_named(constant),
                        path, "take the initializer out of the model where it is meant to be an input"});
}

void note_expanded(const backends::ModelFile& file, const std::string& path, Warnings& warnings) {
  if (file.compressed == 0) return;
  warnings.push_back({Code::weights_expanded,
                      std::to_string(file.compressed) +
                          (file.compressed == 1 ? " compressed constant is" : " compressed constants are") +
                          " written uncompressed",
                      path, "Core ML Tools can compress the written file again"});
}

void warn_of_functions(const backends::ModelFile& file, const std::string& path, Warnings& warnings) {
  if (file.other_functions.empty()) return;
  std::vector<std::string> others;
  for (const std::string& name : file.other_functions) others.push_back(quoted(name));
  warnings.push_back(
      {Code::function_left_out,
       "the file that is written has the function '" + file.graph.name + "' alone, without " + first_named(others),
       path, "make another function the default and convert the model once more"});
}

}  // namespace assay::api
