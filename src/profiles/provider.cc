#include "profiles/provider.h"

#include <algorithm>

#include "base/text.h"

namespace assay::profiles {
namespace {

constexpr std::string_view kCpu = "CPUExecutionProvider";

/// Providers of ONNX Runtime that no single profile stands for, and the profiles of such hardware.
struct Known {
  std::string_view name, profiles;
};
constexpr Known kKnown[] = {
    {"CUDAExecutionProvider", "cuda-tf32-ampere, cuda-tf32-hopper, cuda-f16-ampere, cuda-f16-hopper, cuda-f16-volta"},
    {"TensorrtExecutionProvider", "trt-fp16, cuda-tf32-ampere, cuda-tf32-hopper"},
    {"NvTensorRTRTXExecutionProvider", "trt-fp16, cuda-tf32-ampere"},
    {"OpenVINOExecutionProvider", "openvino-bf16, f16-storage, cpu-f32"},
    {"DnnlExecutionProvider", "cpu-f32, openvino-bf16"},
    {"QNNExecutionProvider", "qnn-htp-f16"},
    {"XnnpackExecutionProvider", "cpu-f32, xnnpack-f16"},
    {"ACLExecutionProvider", "cpu-f32, arm-bf16"},
    {"ROCMExecutionProvider", "amd-xf32, f16-storage"},
    {"MIGraphXExecutionProvider", "amd-xf32, f16-storage"},
    {"NnapiExecutionProvider", "f16-storage, litert-gpu-f16, qnn-htp-f16"},
    {"DmlExecutionProvider", "f16-storage, cpu-f32"},
    {"WebGpuExecutionProvider", "f16-throughout, f16-storage, cpu-f32"},
};

struct Option {
  std::string_view name;
  std::vector<std::string> values;  ///< the default first; empty: any text
};
const std::vector<Option>& core_ml_options() {
  static const std::vector<Option> options{
      {"ModelFormat", {"NeuralNetwork", "MLProgram"}},
      {"MLComputeUnits", {"ALL", "CPUOnly", "CPUAndGPU", "CPUAndNeuralEngine"}},
      {"AllowLowPrecisionAccumulationOnGPU", {"0", "1"}},
      {"RequireStaticInputShapes", {"0", "1"}},
      {"EnableOnSubgraphs", {"0", "1"}},
      {"SpecializationStrategy", {"Default", "FastPrediction"}},
      {"ProfileComputePlan", {"0", "1"}},
      {"ModelCacheDirectory", {}},
  };
  return options;
}

Error words(std::string message, std::string fix) { return Error{Code::usage, std::move(message), "", std::move(fix)}; }

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  const std::string meant = did_you_mean(word, known);
  return meant.empty() ? "it takes: " + join(known, ", ") : "did you mean '" + meant + "'?";
}

std::string shown(std::string_view text) { return "'" + std::string(text.substr(0, 80)) + "'"; }

Status check_options(const Provider& provider, const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const Option& option : options) names.emplace_back(option.name);
  for (const auto& [key, value] : provider.options) {
    const auto option = std::ranges::find(options, key, &Option::name);
    if (option == options.end()) {
      return words(provider.name + " has no option " + shown(key),
                   options.empty() ? "it takes none" : suggestion(key, names));
    }
    if (!option->values.empty() && std::ranges::find(option->values, value) == option->values.end())
      return words(provider.name + ": " + key + " cannot be " + shown(value), suggestion(value, option->values));
  }
  return {};
}

/// `first` with the other unit's variants behind its own.
Profile both_units(const Profile& first, const Profile& second) {
  Profile both = first;
  both.doc += " Or: " + second.doc;
  for (Variant variant : second.variants) {
    variant.name = second.name + "/" + variant.name;
    both.variants.push_back(std::move(variant));
  }
  const auto seen = [&](const NotModelled& n) {
    return std::ranges::find(both.not_modelled, n.what, &NotModelled::what) != both.not_modelled.end();
  };
  for (const NotModelled& n : second.not_modelled)
    if (!seen(n)) both.not_modelled.push_back(n);
  return both;
}

Result<std::shared_ptr<const Profile>> named(const std::string& name, const std::string& other = {}) {
  const Profile* first = built_in_profile(name);
  const Profile* second = other.empty() ? nullptr : built_in_profile(other);
  if (first == nullptr || (!other.empty() && second == nullptr))
    return Error{Code::internal, "no built-in profile " + name + " or " + other};
  return std::shared_ptr<const Profile>(
      std::make_shared<Profile>(second == nullptr ? *first : both_units(*first, *second)));
}

Result<std::shared_ptr<const Profile>> core_ml(const Provider& provider, bool float16_model) {
  ASSAY_CHECK(check_options(provider, core_ml_options()));
  const bool network = core_ml_option(provider, "ModelFormat") == "NeuralNetwork";
  const std::string units = core_ml_option(provider, "MLComputeUnits");
  const std::string base = network ? "coreml-nn-" : float16_model ? "coreml-mlprogram-f16-" : "coreml-mlprogram-f32-";
  const bool low = network && core_ml_option(provider, "AllowLowPrecisionAccumulationOnGPU") == "1";
  const std::string gpu = base + (low ? "gpu-lowacc" : "gpu");
  if (units == "CPUOnly") return named(base + "cpu");
  if (units == "CPUAndGPU") return named(gpu);
  if (units == "CPUAndNeuralEngine") return named(base + "ane");
  return named(gpu, base + "ane");
}

}  // namespace

std::string core_ml_option(const Provider& provider, std::string_view name) {
  const auto given = provider.options.find(std::string(name));
  if (given != provider.options.end()) return given->second;
  const auto known = std::ranges::find(core_ml_options(), name, &Option::name);
  return known == core_ml_options().end() || known->values.empty() ? "" : known->values.front();
}

bool names_provider(std::string_view text) { return text.substr(0, text.find(':')).ends_with("ExecutionProvider"); }

namespace {
/// Parts between commas; a comma or a backslash of a value stands behind a backslash.
std::vector<std::string> split_options(std::string_view text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ',' || text[i + 1] == '\\');
    if (escaped)
      parts.back() += text[++i];
    else if (text[i] == ',')
      parts.emplace_back();
    else
      parts.back() += text[i];
  }
  return parts;
}
}  // namespace

Result<Provider> parse_provider(std::string_view text) {
  Provider provider;
  const size_t colon = text.find(':');
  provider.name = text.substr(0, colon);
  if (colon == std::string_view::npos) return provider;
  const std::string fix = "write " + std::string(kCoreMlProvider) + ":ModelFormat=MLProgram,MLComputeUnits=CPUAndGPU";
  for (const std::string& part : split_options(text.substr(colon + 1))) {
    const size_t equals = part.find('=');
    if (equals == std::string::npos || equals == 0) return words(shown(part) + " is not key=value", fix);
    if (!provider.options.emplace(part.substr(0, equals), part.substr(equals + 1)).second)
      return words("option " + shown(part.substr(0, equals)) + " is given twice", fix);
  }
  return provider;
}

Result<std::shared_ptr<const Profile>> provider_profile(const Provider& provider, bool float16_model) {
  if (provider.name == kCoreMlProvider) return core_ml(provider, float16_model);
  if (provider.name == kCpu) {
    ASSAY_CHECK(check_options(provider, {}));
    return named("cpu-f32");
  }
  std::vector<std::string> names{std::string(kCoreMlProvider), std::string(kCpu)};
  for (const Known& known : kKnown) {
    if (known.name == provider.name)
      return Error{Code::unknown_provider, provider.name + " stands for no single profile", "",
                   "choose a profile by name, for example: " + std::string(known.profiles)};
    names.emplace_back(known.name);
  }
  const std::string meant = did_you_mean(provider.name, names);
  return Error{
      Code::unknown_provider, "no profile is known for provider " + shown(provider.name), "",
      meant.empty() ? "choose a profile by name: `assay profiles` lists them" : "did you mean '" + meant + "'?"};
}

}  // namespace assay::profiles
