// A Core ML model (Model.proto): its description and one of several kinds of content.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mil/network.h"
#include "mil/program.h"

namespace assay::mil {

/// ArrayFeatureType.ArrayDataType.
enum class ArrayType : uint32_t {
  invalid = 0,
  float16 = 65552,
  float32 = 65568,
  float64 = 65600,
  int8 = 131080,
  int32 = 131104,
};
/// What is said of a type of arrays in one row.
struct ArrayTypeRow {
  ArrayType type;
  DataType data;  ///< the same numbers in a program
  std::string_view name;
  int since;  ///< first specification version that has it
};
const ArrayTypeRow* array_type_row(ArrayType type);  ///< null for `invalid` and numbers that are not known
const ArrayTypeRow* array_type_row(DataType data);   ///< null where there are no such arrays

/// ImageFeatureType.ColorSpace.
enum class ColorSpace : uint32_t { invalid = 0, grayscale = 10, rgb = 20, bgr = 30, grayscale_float16 = 40 };

struct SizeRange {
  uint64_t lower = 0;
  int64_t upper = -1;  ///< inclusive; negative: unbounded
  friend bool operator==(const SizeRange&, const SizeRange&) = default;
};
std::string to_string(const SizeRange& range);  ///< "4", "1..8", "1.."
struct ArrayFeature {
  Dims shape{};  ///< the default shape; may be empty for outputs
  ArrayType type = ArrayType::invalid;
  std::vector<Dims> enumerated{};               ///< EnumeratedShapes
  std::vector<SizeRange> ranges{};              ///< ShapeRange, one per dimension
  std::optional<double> default_value{};        ///< of an optional input
  ArrayType default_type = ArrayType::invalid;  ///< which of int32, float32, float64 the default value is given as
  std::string extra{};
};
struct ImageFeature {
  int64_t width = 0, height = 0;
  ColorSpace color = ColorSpace::invalid;
  std::vector<std::pair<uint64_t, uint64_t>> enumerated{};  ///< width, height
  std::optional<std::pair<SizeRange, SizeRange>> range{};   ///< of width, of height
  std::string extra{};
};
struct Feature {
  enum class Kind : uint8_t { none, int64, float64, string, image, array, dictionary, sequence, state };
  std::string name;
  std::string doc{};
  Kind kind = Kind::none;
  bool optional = false;
  ArrayFeature array{};  ///< array, state
  ImageFeature image{};
  bool string_keys = false;  ///< dictionary: else int64 keys; sequence: strings, else int64
  std::string extra{};       ///< of FeatureDescription; what FeatureType holds besides stands in its field 3
};
struct FunctionDescription {
  std::string name{};
  std::vector<Feature> inputs{}, outputs{}, states{};
  std::string predicted_feature{}, predicted_probabilities{};
  std::string extra{};
};
struct Metadata {
  std::string doc{}, version{}, author{}, license{};
  Map<std::string> user{};  ///< userDefined
  std::string extra{};
};
struct Description {
  FunctionDescription main{};  ///< the top-level features
  std::vector<FunctionDescription> functions{};
  std::string default_function{};
  Metadata metadata{};
  std::string extra{};  ///< trainingInput too
};
/// The function that runs where none is named: "main" where the model says nothing.
std::string default_function_of(const Description& description);
/// What is said of a function: its own description, or the model's where functions have none.
const FunctionDescription& interface_of(const Description& description, std::string_view function);

struct Model;
struct Pipeline {
  enum class Kind : uint8_t { plain, classifier, regressor };
  Kind kind = Kind::plain;
  std::vector<Model> models;  // no initializer: Model is complete only below
  std::vector<std::string> names{};
};
struct NetworkModel {
  enum class Kind : uint8_t { plain, classifier, regressor };
  Kind kind = Kind::plain;
  Network network{};
};
/// A kind of model that Assay names but does not read.
struct OtherModel {
  uint32_t number = 0;  ///< field number in Model's oneof; 0: none
  std::string bytes{};
};

struct Model {
  int spec_version = 0;
  bool updatable = false;
  Description description{};
  std::variant<OtherModel, NetworkModel, Program, Pipeline> content{};
  std::string extra{};
};

/// "neuralNetworkClassifier", "mlProgram", "treeEnsembleRegressor": Model's field for this content.
std::string_view content_name(const Model& model);
/// That field's number; 0 when there is no content that is known.
uint32_t content_number(const Model& model);
std::string_view content_name_of(uint32_t number);  ///< empty when unknown

/// Systems that a specification version needs.
struct SpecVersion {
  int number;
  std::string_view ios, macos;  ///< "iOS15", "macOS12"
};
std::span<const SpecVersion> spec_versions();  ///< 1 to 10
/// "iOS15", "macOS12", "watchOS8", "tvOS15", also "15": nullopt when unknown.
std::optional<int> spec_version_of_target(std::string_view target);

/// A feature of a model with the lowest specification version that has it.
struct Requirement {
  int version;
  std::string feature;  ///< "operator set CoreML7", "layer 'gather'", "float16 arrays"
};
/// "ML Programs need", "layer 'gather' needs": a feature in a sentence.
std::string in_need(std::string_view feature);
/// "ML Programs need 6".
std::string to_string(const Requirement& requirement);
/// What the content needs, the most demanding first; one entry per kind of reason.
std::vector<Requirement> requirements(const Model& model);

}  // namespace assay::mil
