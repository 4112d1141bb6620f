#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "api/context.h"
#include "api/convert_kept.h"
#include "api/convert_options.h"
#include "backends/model_file.h"
#include "base/text.h"
#include "coreml/file.h"
#include "coreml/lower.h"
#include "coreml/lower/refusals.h"
#include "onnx/export.h"
#include "onnx/functions.h"
#include "passes/fold_weights.h"

namespace assay::commands {
namespace {
using nlohmann::ordered_json;

enum class Target : uint8_t { ml_program, neural_network, onnx };

bool ends_with(const std::string& path, std::string_view ending) {
  return path.size() > ending.size() && path.ends_with(ending);
}

/// Shells complete names of folders with a slash.
std::string without_slash(std::string path) {
  while (path.ends_with(".mlpackage/") || path.ends_with("//")) path.pop_back();
  return path;
}

Result<Target> target_of(const ConvertRequest& request) {
  const std::string& format = request.format;
  const bool package = ends_with(request.output, ".mlpackage"), model = ends_with(request.output, ".mlmodel");
  if (ends_with(request.output, ".onnx")) {
    if (format.empty() || format == "onnx") return Target::onnx;
    return Error{Code::usage, "--format " + format + " does not go into " + request.output, "", "end it in .mlpackage"};
  }
  if (!package && !model)
    return Error{Code::usage, "the ending of '" + request.output + "' says no format", "",
                 "end it in .mlpackage, .mlmodel or .onnx"};
  if (format == "neuralnetwork" || (format.empty() && model)) return Target::neural_network;
  if (format.empty() || format == "mlprogram") {
    if (package) return Target::ml_program;
    return Error{Code::usage, "an ML Program does not fit into a .mlmodel file", request.output,
                 "end it in .mlpackage"};
  }
  std::vector<std::string> formats = {"mlprogram", "neuralnetwork", "onnx"};
  const std::string near = did_you_mean(format, formats);
  return Error{Code::usage, "there is no format '" + format + "'", "",
               near.empty() ? "--format takes mlprogram or neuralnetwork" : "did you mean '" + near + "'?"};
}

/// What one format alone can state is no wish to be dropped in silence.
Status check_words(const ConvertRequest& request, Target target, const coreml::LowerOptions& options) {
  if (target == Target::onnx && !request.target.empty())
    return Error{Code::usage, "--target is for Core ML: ONNX files are for every system", "", "leave --target out"};
  if (coreml::lowers_precision(options) && target != Target::ml_program)
    return Error{Code::usage, "--precision is for ML Programs: the other formats cannot state it", "",
                 "convert to a .mlpackage with --format mlprogram"};
  return {};
}

Status set_target(const std::string& word, coreml::LowerOptions& options) {
  if (word.empty()) return {};
  const auto version = mil::spec_version_of_target(word);
  if (!version)
    return Error{Code::usage, "there is no target '" + word + "'", "", "for example iOS15, macOS12, iOS17, watchOS9"};
  options.version = *version;
  return {};
}

/// Counts by operator of the operations that compute so.
template <class Wanted>
std::string operations_where(const ir::Graph& graph, Wanted wanted) {
  std::map<std::string, size_t> kinds;
  for (const ir::Op& op : graph.ops)
    if (wanted(op)) ++kinds[op.origin.empty() ? op.type : op.origin];
  std::vector<std::string> parts;
  for (const auto& [kind, count] : kinds) parts.push_back(std::to_string(count) + " " + kind);
  return join(parts, ", ");
}

bool has_any(const ir::Graph& graph, const std::vector<ir::ValueId>& values, bool (*wanted)(ir::ElemType)) {
  return std::ranges::any_of(values, [&](ir::ValueId v) {
    return v != ir::kNoValue && !graph.at(v).constant && wanted(graph.at(v).type.elem);
  });
}

bool is_single(ir::ElemType type) { return type == ir::ElemType::float32; }

constexpr char kKeepTypes[] = "--format mlprogram with an output that ends in .mlpackage keeps ";

void warn_unstated(const ir::Graph& graph, const std::string& output, Warnings& warnings) {
  const std::string floats =
      operations_where(graph, [&](const ir::Op& op) { return has_any(graph, op.outputs, is_single); });
  warnings.push_back({Code::unstated_types,
                      "a NeuralNetwork states no type for what stands between inputs and outputs: the GPU and the "
                      "Neural Engine will compute it in float16" +
                          (floats.empty() ? "" : " (" + floats + ")"),
                      output, std::string(kKeepTypes) + "float32"});
  const std::string integers = operations_where(graph, [&](const ir::Op& op) {
    return has_any(graph, op.inputs, ir::is_integer) || has_any(graph, op.outputs, ir::is_integer);
  });
  if (integers.empty()) return;
  warnings.push_back({Code::unstated_types,
                      "integers are floating-point numbers between the layers of a NeuralNetwork: exact up to 2^24 on "
                      "the CPU, up to 2^11 on the GPU and the Neural Engine (" +
                          integers + ")",
                      output, std::string(kKeepTypes) + "int32"});
}

struct Written {
  std::string format;
  int version = 0;
  std::vector<mil::Requirement> requirements;
  std::map<std::string, uint64_t> operations;
  std::vector<std::string> narrowed{};  ///< float64 inputs and outputs that are float32 in the file
  bool wrote = true;                    ///< false: a warning was an error
};

void count_block(const mil::Block& block, std::map<std::string, uint64_t>& counts) {
  for (const mil::Operation& op : block.operations) {
    if (op.type != "const") ++counts[op.type];
    for (const mil::Block& nested : op.blocks) count_block(nested, counts);
  }
}

Written describe(const mil::Model& model, const coreml::LowerOptions& options) {
  Written written;
  written.requirements = mil::requirements(model);
  const int lowest = written.requirements.empty() ? 1 : written.requirements.front().version;
  written.version = std::max(lowest, options.version);
  if (const auto* program = std::get_if<mil::Program>(&model.content)) {
    written.format = "ML Program";
    for (const auto& [name, function] : program->functions)
      if (function.body() != nullptr) count_block(*function.body(), written.operations);
  } else if (const auto* network = std::get_if<mil::NetworkModel>(&model.content)) {
    written.format = "NeuralNetwork";
    for (const mil::Layer& layer : network->network.layers)
      if (layer.kind != nullptr) ++written.operations[std::string(layer.kind->name)];
  }
  return written;
}

/// With --strict a warning is an error, for which nothing is written; a note is none.
bool may_write(const ConvertRequest& request, const Warnings& warnings) {
  return !request.strict || std::ranges::all_of(warnings, [](const Warning& w) { return is_note(w.code); });
}

Result<Written> write_coreml(const ConvertRequest& request, const ir::Graph& graph, coreml::LowerOptions options,
                             Report& report) {
  ASSAY_TRY(const mil::Model model, coreml::lower(graph, options, report.warnings));
  Written written = describe(model, options);
  if (options.format == coreml::Format::neural_network) warn_unstated(graph, request.output, report.warnings);
  written.wrote = may_write(request, report.warnings);
  if (written.wrote) ASSAY_CHECK(coreml::write_model(model, request.output, {.version = options.version}));
  return written;
}

Result<Written> write_onnx(const ConvertRequest& request, const ir::Graph& graph, Report& report) {
  Written written{"ONNX", 0, {}, {}};
  for (const ir::Op& op : graph.ops) ++written.operations[op.domain.empty() ? op.type : op.domain + "." + op.type];
  if (auto warning = onnx::warn_undefined(graph, request.output)) report.warnings.push_back(*std::move(warning));
  written.wrote = may_write(request, report.warnings);
  if (written.wrote) ASSAY_CHECK(onnx::export_model(graph, request.output));
  return written;
}

void tell(const ConvertRequest& request, const Written& written, Report& report) {
  ordered_json reasons = ordered_json::array();
  for (const mil::Requirement& r : written.requirements)
    reasons.push_back({{"version", r.version}, {"feature", r.feature}});
  const ordered_json result = {{"model", request.model},
                               {"written", written.wrote ? request.output : ""},
                               {"format", written.format},
                               {"specification_version", written.version},
                               {"required_by", reasons},
                               {"operations", written.operations},
                               {"float64_as_float32", written.narrowed}};
  report.json = result.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  if (!written.wrote) return;
  report.text = fmt::format("wrote {}: {}", request.output, written.format);
  if (written.version != 0) report.text += fmt::format(", specification version {}", written.version);
  if (!written.requirements.empty()) report.text += fmt::format(" ({})", mil::to_string(written.requirements.front()));
  std::vector<std::string> parts;
  for (const auto& [kind, count] : written.operations) parts.push_back(fmt::format("{} {}", count, kind));
  report.text += "\n  " + join(parts, ", ") + "\n";
  if (!written.narrowed.empty())
    report.text +=
        "  float64 arrays that are rounded to float32 at once are float32 arrays: " + join(written.narrowed, ", ") +
        "\n";
}

/// Operators that Assay does not have are listed together with those that the format cannot say.
Error all_refused(const ConvertRequest& request, coreml::LowerOptions options, Error missing) {
  Warnings unsaid;
  auto file = backends::read_model_file(request.model, unsaid, {.keep_optional = true, .unknown = ir::Unknown::kept});
  if (!file.ok()) return missing;
  auto graph = api::with_shapes(file->graph, request.inputs, options);
  if (!graph.ok()) return missing;
  api::fit_edges(*file, *graph, options);
  const auto lowered = coreml::lower(*graph, options, unsaid);
  const bool listed = !lowered.ok() && lowered.error().message.find(coreml::kUnknownOperator) != std::string::npos;
  return listed ? lowered.error() : missing;
}

}  // namespace

Result<Report> convert(const ConvertRequest& given) {
  ConvertRequest request = given;
  request.output = without_slash(request.output);
  Report report;
  ASSAY_TRY(const Target target, target_of(request));
  coreml::LowerOptions options;
  options.format = target == Target::neural_network ? coreml::Format::neural_network : coreml::Format::ml_program;
  ASSAY_CHECK(set_target(request.target, options));
  ASSAY_CHECK(api::set_precision(request.precision, options));
  ASSAY_CHECK(check_words(request, target, options));
  const auto read = backends::read_model_file(request.model, report.warnings, {.keep_optional = true});
  if (!read.ok() && read.error().code == Code::op_unsupported && target != Target::onnx)
    return all_refused(request, options, read.error());
  if (!read.ok()) return read.error();
  const backends::ModelFile& file = *read;
  ASSAY_TRY(ir::Graph graph, api::with_shapes(file.graph, request.inputs, options));
  ASSAY_CHECK(api::check_precisions(graph, options));
  if (target != Target::onnx) ASSAY_CHECK(passes::fold_moved_weights(graph));
  std::vector<std::string> narrowed;
  if (target != Target::onnx) narrowed = api::fit_edges(file, graph, options);
  api::warn_of_functions(file, request.model, report.warnings);
  api::note_expanded(file, request.model, report.warnings);
  api::note_lost_defaults(file, request.model, target == Target::onnx, report.warnings);
  Written written;
  if (target == Target::onnx) {
    ASSAY_TRY(written, write_onnx(request, graph, report));
  } else {
    ASSAY_TRY(written, write_coreml(request, graph, options, report));
  }
  written.narrowed = std::move(narrowed);
  tell(request, written, report);
  return report;
}

}  // namespace assay::commands
