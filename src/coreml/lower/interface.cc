#include "coreml/lower/interface.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "coreml/notes.h"
#include "ops/lower/types.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

/// Core ML's runtime refuses inputs with a larger dimension, so no range need go further.
constexpr int64_t kLargestDim = 16384;
constexpr size_t kMostShapes = 128;    // Core ML enumerates no more
constexpr int kSeveralEnumerated = 9;  // specification version: iOS18

/// int64 and booleans are int32 outside. Doubles are no type of ML Programs, and int8 is younger than their operators.
Result<mil::ArrayType> array_type(const ir::Value& value) {
  const ElemType elem = value.type.elem;
  const bool wide = elem == ElemType::int64 || elem == ElemType::boolean;
  const std::optional<mil::DataType> data = wide ? mil::DataType::int32 : ops::data_of(elem);
  const mil::ArrayTypeRow* const row = data ? mil::array_type_row(*data) : nullptr;
  if (row != nullptr && row->type != mil::ArrayType::float64 && row->type != mil::ArrayType::int8) return row->type;
  return Error{Code::not_convertible, "Core ML takes and gives no arrays of " + std::string(ir::elem_name(elem)),
               "'" + value.name + "'", "cast it to float32 or int32 in the model"};
}

bool is_flexible(const ir::Type& type) { return !type.is_static(); }

/// What was asked for; none where a symbolic dimension was left open.
std::optional<mil::SizeRange> range_of(const ir::Value& value, size_t axis, const LowerOptions& options) {
  const ir::Dim& dim = (*value.type.shape)[axis];
  if (dim.known()) return mil::SizeRange{static_cast<uint64_t>(dim.value), dim.value};
  if (const auto wanted = options.ranges.find(value.name);
      wanted != options.ranges.end() && axis < wanted->second.size())
    return wanted->second[axis];
  if (const auto wanted = options.symbol_ranges.find(dim.symbol);
      !dim.symbol.empty() && wanted != options.symbol_ranges.end())
    return wanted->second;
  return std::nullopt;
}

void warn_of_guess(const ir::Value& value, Warnings& warnings) {
  warnings.push_back({Code::flexible_shape,
                      "input '" + value.name + "' of type " + ir::to_string(value.type) +
                          " may have any size from 1 to " + std::to_string(kLargestDim) + " where it is not stated",
                      "", "--input " + value.name + ":1..8x... gives ranges, :1x3x... a fixed shape"});
}

/// The shape that the file that was read says an array has by default; null where it says none of this rank.
const mil::Dims* default_shape(const ir::Value& value, const LowerOptions& options) {
  const auto found = options.described.find(value.name);
  if (found == options.described.end() || found->second.kind != mil::Feature::Kind::array) return nullptr;
  const mil::Dims& shape = found->second.array.shape;
  return shape.size() == value.type.shape->size() ? &shape : nullptr;
}

/// The size wanted where the range has it, else the smallest.
int64_t size_in(const mil::SizeRange& range, int64_t wanted) {
  const auto lowest = static_cast<int64_t>(std::max<uint64_t>(range.lower, 1));
  return wanted >= lowest && (range.upper < 0 || wanted <= range.upper) ? wanted : lowest;
}

Status set_ranges(mil::Feature& feature, const ir::Value& value, const LowerOptions& options, Warnings& warnings) {
  bool guessed = false;
  const mil::Dims* const usual = default_shape(value, options);
  for (size_t axis = 0; axis < value.type.shape->size(); ++axis) {
    const std::optional<mil::SizeRange> wanted = range_of(value, axis, options);
    const mil::SizeRange range = wanted.value_or(mil::SizeRange{1, kLargestDim});
    guessed |= !wanted;
    if (options.format == Format::ml_program && range.upper < 0)
      return Error{Code::usage, "a range without an upper bound: ML Programs need one", "input '" + value.name + "'",
                   "--input " + value.name + ":... with " + std::to_string(range.lower) + ".." +
                       std::to_string(kLargestDim) + " in its place"};
    feature.array.ranges.push_back(range);
    feature.array.shape.push_back(size_in(range, usual != nullptr ? (*usual)[axis] : 0));
  }
  if (guessed) warn_of_guess(value, warnings);
  return {};
}

/// The image of the file that was read, with sizes that --input has fixed or chosen.
mil::ImageFeature image_of(const ir::Value& value, const LowerOptions& options) {
  mil::ImageFeature image = options.images.at(value.name);
  const ir::Dim &height = (*value.type.shape)[2], &width = (*value.type.shape)[3];
  const auto ranges = options.ranges.find(value.name);
  const auto enumerated = options.enumerated.find(value.name);
  if (enumerated != options.enumerated.end()) {
    image.range.reset();
    image.enumerated.clear();
    for (const mil::Dims& dims : enumerated->second) image.enumerated.emplace_back(dims[3], dims[2]);
    image.width = enumerated->second.front()[3], image.height = enumerated->second.front()[2];
  } else if (height.known() && width.known()) {
    image.range.reset();
    image.enumerated.clear();
    image.width = width.value, image.height = height.value;
  } else if (ranges != options.ranges.end()) {
    image.enumerated.clear();
    image.range.emplace(ranges->second[3], ranges->second[2]);
    image.width = size_in(ranges->second[3], image.width);
    image.height = size_in(ranges->second[2], image.height);
  }
  return image;
}

void set_image(mil::Feature& feature, const ir::Value& value, const LowerOptions& options, Warnings& warnings) {
  feature.kind = mil::Feature::Kind::image;
  feature.array = {};
  feature.image = image_of(value, options);
  auto& range = feature.image.range;
  if (!range || options.format != Format::ml_program || std::min(range->first.upper, range->second.upper) >= 0) return;
  for (mil::SizeRange* side : {&range->first, &range->second})
    if (side->upper < 0) side->upper = kLargestDim;
  warn_of_guess(value, warnings);
}

size_t enumerated_shapes(const mil::Feature& feature) {
  return feature.kind == mil::Feature::Kind::image ? feature.image.enumerated.size() : feature.array.enumerated.size();
}

Status check_enumerated(const std::vector<mil::Feature>& features, const LowerOptions& options) {
  const mil::Feature* first = nullptr;
  for (const mil::Feature& feature : features) {
    const size_t shapes = enumerated_shapes(feature);
    if (shapes == 0) continue;
    const std::string where = "input '" + feature.name + "'";
    if (shapes > kMostShapes)
      return Error{Code::not_convertible,
                   std::to_string(shapes) + " shapes, and Core ML takes at most " + std::to_string(kMostShapes), where,
                   "give a range"};
    if (first == nullptr) {
      first = &feature;
      continue;
    }
    if (options.format == Format::ml_program && options.version < kSeveralEnumerated)
      return Error{Code::not_convertible, "enumerated shapes of a second input need iOS18", where,
                   "--target iOS18, or ranges"};
    if (shapes != enumerated_shapes(*first))
      return Error{Code::not_convertible,
                   std::to_string(shapes) + " shapes, and " + std::to_string(enumerated_shapes(*first)) +
                       " of input '" + first->name + "': they are taken in pairs",
                   where, "enumerate as many of each"};
  }
  return {};
}

/// Inputs that a value comes of and whose sizes are not all known.
std::vector<std::string> open_inputs(const ir::Graph& graph, ir::ValueId of) {
  std::vector<bool> seen(graph.values.size());
  std::vector<ir::ValueId> waiting = {of};
  while (!waiting.empty()) {
    const ir::ValueId id = waiting.back();
    waiting.pop_back();
    if (id == ir::kNoValue || seen[id]) continue;
    seen[id] = true;
    if (graph.at(id).producer == ir::kNoOp) continue;
    const ir::Op& op = graph.ops[graph.at(id).producer];
    waiting.insert(waiting.end(), op.inputs.begin(), op.inputs.end());
    const std::vector<ir::ValueId> captured = ir::captured_by(op);
    waiting.insert(waiting.end(), captured.begin(), captured.end());
  }
  std::vector<std::string> names;
  for (const ir::ValueId id : graph.inputs)
    if (seen[id] && !graph.at(id).type.is_static()) names.push_back(graph.at(id).name);
  return names;
}

Error no_rank(const ir::Graph& graph, ir::ValueId id) {
  const ir::Value& value = graph.at(id);
  const std::vector<std::string> open = open_inputs(graph, id);
  std::vector<std::string> words;
  for (const std::string& name : open) words.push_back("--input " + name + ":...");
  return {Code::not_convertible, "its type is " + ir::to_string(value.type) + ", and Core ML states the rank",
          "'" + value.name + "'",
          words.empty() ? "its rank depends on what the inputs hold: reshape it in the model"
                        : "a shape for what it comes of may settle it: " + join(words, " ")};
}

Result<mil::Feature> feature_of(const ir::Graph& graph, ir::ValueId id, ops::LegalNames& names) {
  const ir::Value& value = graph.at(id);
  mil::Feature feature;
  feature.name = names.of(value.name);
  feature.kind = mil::Feature::Kind::array;
  if (value.type.kind != ir::Type::Kind::tensor)
    return Error{Code::not_convertible, "its type is " + ir::to_string(value.type), "'" + value.name + "'",
                 "Core ML takes and gives arrays"};
  if (!value.type.ranked()) return no_rank(graph, id);
  ASSAY_TRY(feature.array.type, array_type(value));
  return feature;
}

int64_t largest_size(const mil::Feature& feature) {
  int64_t largest = 0;
  const auto see = [&](int64_t size) { largest = std::max(largest, size); };
  std::ranges::for_each(feature.array.shape, see);
  for (const mil::Dims& dims : feature.array.enumerated) std::ranges::for_each(dims, see);
  for (const mil::SizeRange& range : feature.array.ranges) see(range.upper);
  largest = std::max({largest, feature.image.width, feature.image.height});
  for (const auto& [width, height] : feature.image.enumerated) see(static_cast<int64_t>(std::max(width, height)));
  if (feature.image.range)
    largest = std::max({largest, feature.image.range->first.upper, feature.image.range->second.upper});
  return largest;
}

/// One note, for the first input that may be larger than what runs.
void warn_of_large(const std::vector<mil::Feature>& features, Warnings& warnings) {
  const auto large =
      std::ranges::find_if(features, [](const mil::Feature& f) { return largest_size(f) > kLargestDim; });
  if (large == features.end()) return;
  warnings.push_back({Code::flexible_shape,
                      "input '" + large->name + "' may have " + std::to_string(largest_size(*large)) +
                          " elements along an axis, and Core ML's runtime takes at most " + std::to_string(kLargestDim),
                      "", "--input with smaller sizes, or a model that takes the data in parts"});
}

/// What the file that was read says besides types and sizes.
void keep_description(mil::Feature& feature, const ir::Value& value, const LowerOptions& options) {
  const auto found = options.described.find(value.name);
  if (found == options.described.end()) return;
  const mil::Feature& source = found->second;
  feature.doc = source.doc;
  feature.optional = source.optional;
  if (!source.optional || feature.kind != mil::Feature::Kind::array) return;
  feature.array.default_value = source.array.default_value;
  const bool integers = feature.array.type == mil::ArrayType::int32;
  feature.array.default_type = integers ? mil::ArrayType::int32 : mil::ArrayType::float32;
}

}  // namespace

Result<std::vector<mil::Feature>> input_features(const ir::Graph& graph, const LowerOptions& options,
                                                 ops::LegalNames& names, std::vector<RefusedInput>& refused,
                                                 Warnings& warnings) {
  std::vector<mil::Feature> features;
  for (const ir::ValueId id : graph.inputs) {
    const ir::Value& value = graph.at(id);
    auto named = feature_of(graph, id, names);
    if (!named.ok()) {
      refused.push_back({id, named.error()});
      continue;
    }
    mil::Feature feature = *std::move(named);
    if (options.images.contains(value.name)) {
      set_image(feature, value, options, warnings);
    } else if (const auto found = options.enumerated.find(value.name); found != options.enumerated.end()) {
      feature.array.enumerated = found->second;
      const mil::Dims* const usual = default_shape(value, options);
      const bool kept = usual != nullptr && std::ranges::count(found->second, *usual) > 0;
      feature.array.shape = kept ? *usual : found->second.front();
    } else if (is_flexible(value.type)) {
      ASSAY_CHECK(set_ranges(feature, value, options, warnings));
    } else {
      feature.array.shape = value.type.dims();
      if (feature.array.shape.empty()) feature.array.shape = {1};
    }
    keep_description(feature, value, options);
    features.push_back(std::move(feature));
  }
  ASSAY_CHECK(check_enumerated(features, options));
  warn_of_large(features, warnings);
  return features;
}

Result<std::vector<mil::Feature>> output_features(const ir::Graph& graph, const LowerOptions& options,
                                                  ops::LegalNames& names) {
  std::vector<mil::Feature> features;
  for (const ir::ValueId id : graph.outputs) {
    const ir::Value& value = graph.at(id);
    ASSAY_TRY(mil::Feature feature, feature_of(graph, id, names));
    if (options.images.contains(value.name)) {
      feature.kind = mil::Feature::Kind::image;
      feature.image = image_of(value, options);
    } else if (value.type.is_static()) {
      feature.array.shape = value.type.dims();
    }
    keep_description(feature, value, options);
    features.push_back(std::move(feature));
  }
  return features;
}

mil::Metadata metadata_of(const ir::Graph& graph, const ops::LegalNames& names,
                          const std::vector<mil::Feature>& outputs, const LowerOptions& options) {
  mil::Metadata metadata = options.metadata;
  metadata.user.clear();
  for (const auto& [key, value] : graph.metadata) metadata.user.emplace_back(key, value);
  std::map<std::string, std::string> changed = names.changed();
  for (size_t i = 0; i < graph.outputs.size(); ++i)
    if (const std::string& name = graph.at(graph.outputs[i]).name; outputs[i].name != name)
      changed.emplace(outputs[i].name, name);
  note_names(changed, metadata);
  note_symbols(graph, metadata);
  return metadata;
}

}  // namespace assay::coreml
