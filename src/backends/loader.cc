// The words for programs: `[FILE@]PROFILE`, `[FILE@]PROVIDER[:key=value,...]`, `recorded:FILE.npz`, `callable:NAME`,
// `ort:NAME`.
#include <algorithm>
#include <map>
#include <set>

#include "backends/callable.h"
#include "backends/engine.h"
#include "backends/model_file.h"
#include "backends/ort/program.h"
#include "backends/program.h"
#include "backends/provider_use.h"
#include "backends/recorded.h"
#include "profiles/provider.h"
#include "profiles/typed.h"

namespace assay::backends {
namespace {
constexpr size_t kMostVariants = 6;
constexpr std::string_view kRecorded = "recorded:", kCallable = "callable:";

// Splits FILE@ off. The last '@' counts, so that files may have one in their name; options of a real runtime may too.
std::pair<std::string, std::string_view> split_file(std::string_view spec, const std::string& model) {
  if (spec.starts_with(ort::kPrefix)) return {model, spec};
  const size_t real = spec.find("@" + std::string(ort::kPrefix));
  const size_t at = real == std::string_view::npos ? spec.rfind('@') : real;
  if (at == std::string_view::npos) return {model, spec};
  return {std::string(spec.substr(0, at)), spec.substr(at + 1)};
}

// A model whose weights are float16 is given to Core ML as it is.
bool has_float16_weights(const ir::Graph& graph) {
  return std::ranges::any_of(graph.values, [](const ir::Value& value) {
    return value.constant && value.constant->elem() == ir::ElemType::float16;
  });
}

std::vector<EngineVariant> variants_of(const profiles::Profile& profile, bool primary_only) {
  std::vector<EngineVariant> variants;
  for (size_t i = 0; i < profile.variants.size() && i < (primary_only ? 1 : kMostVariants); ++i)
    variants.push_back({&profile, i, profile.variants[i].name});
  return variants;
}

// Without a name a Core ML file runs as its format does on the CPU (docs/semantics.md).
std::string_view default_profile(ModelFormat format) {
  switch (format) {
    case ModelFormat::neural_network:
      return "coreml-nn-cpu";
    case ModelFormat::ml_program:
      return "coreml-mlprogram-f32-cpu";
    case ModelFormat::onnx:
      break;
  }
  return "strict-f32";
}

Error no_model() { return Error{Code::usage, "no model is given for this program", "", "write FILE@PROFILE"}; }

// Every float tensor that an operation of the main graph computes becomes an output.
void add_outputs(ir::Graph& graph) {
  const auto add = [&graph](ir::ValueId v) {
    if (v == ir::kNoValue || graph.at(v).name.empty() || graph.at(v).type.kind != ir::Type::Kind::tensor) return;
    if (!ir::is_float(graph.at(v).type.elem) || std::ranges::find(graph.outputs, v) != graph.outputs.end()) return;
    graph.outputs.push_back(v);
  };
  for (const ir::Op& op : graph.ops) std::ranges::for_each(op.outputs, add);
}
}  // namespace

struct ProgramLoader::State {
  ProgramOptions options;
  std::map<std::string, std::shared_ptr<const Model>> models;
  std::set<std::string> elsewhere;                             ///< model files that only real runtimes read
  std::vector<std::shared_ptr<const profiles::Profile>> made;  ///< profiles made for providers, kept for the programs

  Result<std::unique_ptr<Program>> open_callable(std::string_view spec, const std::string& model, Warnings& warnings);
  Result<std::unique_ptr<Program>> open_ort(std::string_view spec, const std::string& model, std::string_view name,
                                            Warnings& warnings);

  Result<std::vector<std::string>> given() const {
    if (!options.given) return std::vector<std::string>();
    return options.given();
  }

  Result<std::shared_ptr<const Model>> load(const std::string& path, Warnings& warnings) {
    if (const auto it = models.find(path); it != models.end()) return it->second;
    if (path.empty()) return no_model();
    ASSAY_TRY(const std::vector<std::string> given, this->given());
    ASSAY_TRY(ModelFile file, read_model_file(path, warnings, {.given = given}));
    if (options.intermediates) add_outputs(file.graph);
    auto model = std::make_shared<Model>();
    model->format = file.format;
    model->inputs = ports_of(file.graph, file.graph.inputs);
    model->outputs = ports_of(file.graph, file.graph.outputs);
    for (Port& port : model->inputs) {
      port.core_ml = file.format != ModelFormat::onnx;
      port.in_layers = file.format == ModelFormat::neural_network;
      for (const mil::Feature& feature : file.interface.inputs)
        if (port.is_called(feature.name)) port.sizes = sizes_of(feature);
    }
    model->graph = std::make_shared<const ir::Graph>(std::move(file.graph));
    models.emplace(path, model);
    return std::shared_ptr<const Model>(model);
  }
};

Result<std::unique_ptr<Program>> ProgramLoader::State::open_callable(std::string_view spec, const std::string& model,
                                                                     Warnings& warnings) {
  const std::string_view name = spec.substr(kCallable.size());
  const auto source = std::ranges::find(options.callables, name, &CallableSource::name);
  if (source == options.callables.end())
    return Error{Code::usage, "there is no callable '" + std::string(name) + "'", std::string(spec),
                 "callables are given in Python or C++, not on the command line"};
  if (model.empty()) {
    Arrays data;
    if (options.data) {
      ASSAY_TRY(data, options.data());
    }
    return CallableProgram::of_data(std::string(spec), *source, data);
  }
  ASSAY_TRY(const std::shared_ptr<const Model> loaded, load(model, warnings));
  return CallableProgram::create(std::string(spec), *source, loaded->inputs, loaded->outputs);
}

Result<std::unique_ptr<Program>> ProgramLoader::State::open_ort(std::string_view spec, const std::string& model,
                                                                std::string_view name, Warnings& warnings) {
  ort::Request request{.model = model, .words = {}, .intermediates = options.intermediates, .given = {}};
  ASSAY_TRY(request.words, ort::parse_words(name));
  if (model.empty()) return no_model();
  ASSAY_TRY(request.given, given());
  ASSAY_TRY(auto program, ort::open_program(std::string(spec), request, options.worker, warnings));
  elsewhere.insert(model);
  return program;
}

ProgramLoader::ProgramLoader(ProgramOptions options) : state_(std::make_unique<State>()) {
  state_->options = std::move(options);
}
ProgramLoader::ProgramLoader(ProgramLoader&&) noexcept = default;
ProgramLoader::~ProgramLoader() = default;

Result<std::shared_ptr<const ir::Graph>> ProgramLoader::model(const std::string& path, Warnings& warnings) {
  ASSAY_TRY(const std::shared_ptr<const Model> model, state_->load(path, warnings));
  return model->graph;
}

std::vector<std::string> ProgramLoader::files() const {
  std::set<std::string> files = state_->elsewhere;
  for (const auto& [path, model] : state_->models) files.insert(path);
  return {files.begin(), files.end()};
}

Result<std::vector<Port>> ProgramLoader::ports(const std::string& path, Warnings& warnings) {
  if (path.empty()) return std::vector<Port>();
  ASSAY_TRY(const std::shared_ptr<const Model> model, state_->load(path, warnings));
  return model->inputs;
}

Result<std::unique_ptr<Program>> ProgramLoader::open(std::string_view spec, const std::string& model,
                                                     Warnings& warnings) {
  if (spec.starts_with(kCallable)) return state_->open_callable(spec, model, warnings);
  if (spec.starts_with(kRecorded))
    return RecordedProgram::open(std::string(spec), std::string(spec.substr(kRecorded.size())));
  const auto [file, name] = split_file(spec, model);
  if (name.starts_with(ort::kPrefix)) return state_->open_ort(spec, file, name, warnings);
  // Words are checked before files, so that a wrong word is exit 2 whatever the file.
  const profiles::Profile* profile = nullptr;
  profiles::Provider provider;
  if (profiles::names_provider(name)) {
    ASSAY_TRY(provider, profiles::parse_provider(name));
    ASSAY_TRY(const auto checked, profiles::provider_profile(provider, false));
  } else {
    if (!name.empty()) {
      ASSAY_TRY(profile, state_->options.profiles->find(name));
    }
  }
  ASSAY_TRY(const std::shared_ptr<const Model> loaded, state_->load(file, warnings));
  if (name.empty()) {
    ASSAY_TRY(profile, state_->options.profiles->find(default_profile(loaded->format)));
  }
  std::shared_ptr<const ProviderUse> use;
  if (profile == nullptr) {
    ASSAY_TRY(auto made, profiles::provider_profile(provider, has_float16_weights(*loaded->graph)));
    profile = made.get();
    state_->made.push_back(std::move(made));
    warnings.push_back({Code::emulated, std::string(name) + " is emulated through the profile " + profile->name,
                        std::string(spec), "assay profiles show " + profile->name + " says how"});
    if (loaded->format == ModelFormat::onnx) use = use_of_provider(provider, loaded->graph);
    if (use != nullptr) note_not_taken(*use, std::string(spec), warnings);
    warn_if_lowered(*loaded->graph, use.get(), provider, *profile, std::string(spec), warnings);
  }
  if (loaded->format == ModelFormat::ml_program && profiles::names_ml_program(profile->name)) {
    state_->made.push_back(profiles::typed_profile(*profile, profiles::declared_types(*loaded->graph)));
    profile = state_->made.back().get();
  }
  return EngineProgram::create(name.empty() ? std::string(spec) + profile->name : std::string(spec), loaded,
                               variants_of(*profile, state_->options.primary_only), state_->options.threads,
                               std::move(use));
}

}  // namespace assay::backends
