#include "mil/model.h"

#include <algorithm>
#include <array>

namespace assay::mil {
namespace {
struct Content {
  uint32_t number;
  std::string_view name;
};
// Model's oneof, ascending.
constexpr Content kContents[] = {{200, "pipelineClassifier"},
                                 {201, "pipelineRegressor"},
                                 {202, "pipeline"},
                                 {300, "glmRegressor"},
                                 {301, "supportVectorRegressor"},
                                 {302, "treeEnsembleRegressor"},
                                 {303, "neuralNetworkRegressor"},
                                 {304, "bayesianProbitRegressor"},
                                 {400, "glmClassifier"},
                                 {401, "supportVectorClassifier"},
                                 {402, "treeEnsembleClassifier"},
                                 {403, "neuralNetworkClassifier"},
                                 {404, "kNearestNeighborsClassifier"},
                                 {500, "neuralNetwork"},
                                 {501, "itemSimilarityRecommender"},
                                 {502, "mlProgram"},
                                 {555, "customModel"},
                                 {556, "linkedModel"},
                                 {560, "classConfidenceThresholding"},
                                 {600, "oneHotEncoder"},
                                 {601, "imputer"},
                                 {602, "featureVectorizer"},
                                 {603, "dictVectorizer"},
                                 {604, "scaler"},
                                 {606, "categoricalMapping"},
                                 {607, "normalizer"},
                                 {609, "arrayFeatureExtractor"},
                                 {610, "nonMaximumSuppression"},
                                 {900, "identity"},
                                 {2000, "textClassifier"},
                                 {2001, "wordTagger"},
                                 {2002, "visionFeaturePrint"},
                                 {2003, "soundAnalysisPreprocessing"},
                                 {2004, "gazetteer"},
                                 {2005, "wordEmbedding"},
                                 {2006, "audioFeaturePrint"},
                                 {3000, "serializedModel"}};

constexpr ArrayTypeRow kArrayTypes[] = {
    {ArrayType::float16, DataType::float16, "float16", 7}, {ArrayType::float32, DataType::float32, "float32", 1},
    {ArrayType::float64, DataType::float64, "float64", 1}, {ArrayType::int8, DataType::int8, "int8", 10},
    {ArrayType::int32, DataType::int32, "int32", 1},
};

template <class Member, class Key>
const ArrayTypeRow* array_row_with(Member member, Key key) {
  const auto* const found = std::ranges::find(kArrayTypes, key, member);
  return found == std::end(kArrayTypes) ? nullptr : found;
}

struct Systems {
  SpecVersion version;
  std::string_view watchos, tvos, also;  ///< also: visionOS, or a second name of a macOS
};
constexpr std::array<Systems, 10> kSystems = {{
    {{1, "iOS11", "macOS10.13"}, "watchOS4", "tvOS11", ""},
    {{2, "iOS11.2", "macOS10.13.2"}, "watchOS4.2", "tvOS11.2", ""},
    {{3, "iOS12", "macOS10.14"}, "watchOS5", "tvOS12", ""},
    {{4, "iOS13", "macOS10.15"}, "watchOS6", "tvOS13", ""},
    {{5, "iOS14", "macOS11"}, "watchOS7", "tvOS14", "macOS10.16"},
    {{6, "iOS15", "macOS12"}, "watchOS8", "tvOS15", ""},
    {{7, "iOS16", "macOS13"}, "watchOS9", "tvOS16", ""},
    {{8, "iOS17", "macOS14"}, "watchOS10", "tvOS17", "visionOS1"},
    {{9, "iOS18", "macOS15"}, "watchOS11", "tvOS18", "visionOS2"},
    {{10, "iOS26", "macOS26"}, "watchOS26", "tvOS26", "visionOS26"},
}};

uint32_t number_of(NetworkModel::Kind kind) {
  switch (kind) {
    case NetworkModel::Kind::classifier:
      return 403;
    case NetworkModel::Kind::regressor:
      return 303;
    case NetworkModel::Kind::plain:
      break;
  }
  return 500;
}

uint32_t number_of(Pipeline::Kind kind) {
  switch (kind) {
    case Pipeline::Kind::classifier:
      return 200;
    case Pipeline::Kind::regressor:
      return 201;
    case Pipeline::Kind::plain:
      break;
  }
  return 202;
}

bool same_word(std::string_view a, std::string_view b) {
  const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, low, low);
}
}  // namespace

std::string to_string(const SizeRange& range) {
  if (range.upper >= 0 && static_cast<uint64_t>(range.upper) == range.lower) return std::to_string(range.lower);
  return std::to_string(range.lower) + ".." + (range.upper < 0 ? "" : std::to_string(range.upper));
}

const ArrayTypeRow* array_type_row(ArrayType type) { return array_row_with(&ArrayTypeRow::type, type); }
const ArrayTypeRow* array_type_row(DataType data) { return array_row_with(&ArrayTypeRow::data, data); }

std::string default_function_of(const Description& description) {
  return description.default_function.empty() ? "main" : description.default_function;
}

const FunctionDescription& interface_of(const Description& description, std::string_view function) {
  const auto found = std::ranges::find(description.functions, function, &FunctionDescription::name);
  return found == description.functions.end() ? description.main : *found;
}

uint32_t content_number(const Model& model) {
  if (const auto* const network = std::get_if<NetworkModel>(&model.content)) return number_of(network->kind);
  if (const auto* const pipeline = std::get_if<Pipeline>(&model.content)) return number_of(pipeline->kind);
  if (std::holds_alternative<Program>(model.content)) return 502;
  return std::get<OtherModel>(model.content).number;
}

std::string_view content_name_of(uint32_t number) {
  const auto at = std::ranges::lower_bound(kContents, number, {}, &Content::number);
  return at == std::end(kContents) || at->number != number ? std::string_view() : at->name;
}

std::string_view content_name(const Model& model) { return content_name_of(content_number(model)); }

std::span<const SpecVersion> spec_versions() {
  static const auto rows = [] {
    std::array<SpecVersion, kSystems.size()> out{};
    std::ranges::transform(kSystems, out.begin(), &Systems::version);
    return out;
  }();
  return rows;
}

std::optional<int> spec_version_of_target(std::string_view target) {
  constexpr std::string_view kPad = "ipados";  // numbered as iOS
  if (target.size() > kPad.size() && same_word(target.substr(0, kPad.size()), kPad)) target.remove_prefix(kPad.size());
  for (const Systems& s : kSystems) {
    const std::string_view names[] = {s.version.ios, s.version.macos, s.watchos, s.tvos, s.also};
    for (const std::string_view name : names)
      if (!name.empty() && same_word(target, name)) return s.version.number;
    if (target == s.version.ios.substr(3)) return s.version.number;
  }
  return std::nullopt;
}

}  // namespace assay::mil
