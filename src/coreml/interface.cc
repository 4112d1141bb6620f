#include "coreml/interface.h"

#include <algorithm>

#include "coreml/notes.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

/// Core ML's runtime refuses inputs with a larger dimension, so no range need go further.
constexpr int64_t kLargestDim = 16384;
constexpr size_t kMostAxes = 5;  // no Core ML tensor has more

Result<mil::ArrayType> array_type(const ir::Value& value) {
  switch (value.type.elem) {
    case ElemType::float32:
      return mil::ArrayType::float32;
    case ElemType::float16:
      return mil::ArrayType::float16;
    case ElemType::int32:
    case ElemType::int64:
    case ElemType::boolean:
      return mil::ArrayType::int32;
    default:
      return Error{Code::not_convertible,
                   "Core ML takes and gives no arrays of " + std::string(ir::elem_name(value.type.elem)),
                   "'" + value.name + "'", "cast it to float32 or int32 in the model"};
  }
}

bool is_flexible(const ir::Type& type) { return !type.is_static(); }

mil::SizeRange range_of(const ir::Dim& dim, const std::vector<mil::SizeRange>* wanted, size_t axis) {
  if (dim.known()) return {static_cast<uint64_t>(dim.value), dim.value};
  if (wanted != nullptr && axis < wanted->size()) return (*wanted)[axis];
  return {1, kLargestDim};
}

Status set_ranges(mil::Feature& feature, const ir::Value& value, const LowerOptions& options, Warnings& warnings) {
  const auto wanted = options.ranges.find(value.name);
  const auto* ranges = wanted == options.ranges.end() ? nullptr : &wanted->second;
  bool guessed = false;
  for (size_t axis = 0; axis < value.type.shape->size(); ++axis) {
    const ir::Dim& dim = (*value.type.shape)[axis];
    const mil::SizeRange range = range_of(dim, ranges, axis);
    guessed |= !dim.known() && ranges == nullptr;
    feature.array.ranges.push_back(range);
    feature.array.shape.push_back(static_cast<int64_t>(std::max<uint64_t>(range.lower, 1)));
  }
  if (guessed)
    warnings.push_back({Code::flexible_shape,
                        "input '" + value.name + "' of type " + ir::to_string(value.type) +
                            " may have any size from 1 to " + std::to_string(kLargestDim) + " where it is not stated",
                        "", "--input " + value.name + ":1..8x... gives ranges, :1x3x... a fixed shape"});
  return {};
}

Result<mil::Feature> feature_of(const ir::Value& value, ops::LegalNames& names) {
  mil::Feature feature;
  feature.name = names.of(value.name);
  feature.kind = mil::Feature::Kind::array;
  if (value.type.kind != ir::Type::Kind::tensor || !value.type.ranked())
    return Error{Code::not_convertible, "its type is " + ir::to_string(value.type), "'" + value.name + "'",
                 "give its shape with --input"};
  ASSAY_TRY(feature.array.type, array_type(value));
  return feature;
}

}  // namespace

Result<std::vector<mil::Feature>> input_features(const ir::Graph& graph, const LowerOptions& options,
                                                 ops::LegalNames& names, Warnings& warnings) {
  std::vector<mil::Feature> features;
  for (const ir::ValueId id : graph.inputs) {
    const ir::Value& value = graph.at(id);
    ASSAY_TRY(mil::Feature feature, feature_of(value, names));
    if (const auto found = options.enumerated.find(value.name); found != options.enumerated.end()) {
      feature.array.enumerated = found->second;
      feature.array.shape = found->second.front();
    } else if (is_flexible(value.type)) {
      ASSAY_CHECK(set_ranges(feature, value, options, warnings));
    } else {
      feature.array.shape = value.type.dims();
      if (feature.array.shape.empty()) feature.array.shape = {1};
    }
    features.push_back(std::move(feature));
  }
  return features;
}

Result<std::vector<mil::Feature>> output_features(const ir::Graph& graph, ops::LegalNames& names) {
  std::vector<mil::Feature> features;
  for (const ir::ValueId id : graph.outputs) {
    const ir::Value& value = graph.at(id);
    ASSAY_TRY(mil::Feature feature, feature_of(value, names));
    if (value.type.is_static()) feature.array.shape = value.type.dims();
    features.push_back(std::move(feature));
  }
  return features;
}

mil::Metadata metadata_of(const ir::Graph& graph, const ops::LegalNames& names) {
  mil::Metadata metadata;
  for (const auto& [key, value] : graph.metadata) metadata.user.emplace_back(key, value);
  note_names(names, metadata);
  note_symbols(graph, metadata);
  return metadata;
}

Status check_results(const ir::Graph& graph, const ir::Op& op) {
  for (const ir::ValueId id : op.outputs) {
    if (id == ir::kNoValue || !graph.at(id).type.ranked()) continue;
    const ir::Type& type = graph.at(id).type;
    if (type.shape->size() > kMostAxes)
      return Error{Code::not_convertible,
                   "a result has " + std::to_string(type.shape->size()) + " axes, and Core ML tensors at most 5"};
    if (std::ranges::any_of(*type.shape, [](const ir::Dim& d) { return d.value == 0; }))
      return Error{Code::not_convertible, "a result has no elements, which Core ML does not take"};
  }
  return {};
}

void Refusals::add(const ir::Graph& graph, const ir::Op& op, const std::string& reason) {
  const std::string name = op.domain.empty() ? op.type : op.domain + "." + op.type;
  const auto found =
      std::ranges::find_if(rows_, [&](const Row& row) { return row.op == name && row.reason == reason; });
  if (found != rows_.end())
    ++found->count;
  else
    rows_.push_back({name, reason, graph.describe(op), 1});
}

Error Refusals::error(std::string_view format) const {
  std::string message = "these operations cannot be written as " + std::string(format) + ":";
  for (const Row& row : rows_)
    message += "\n  " + row.op + " (" + std::to_string(row.count) + ", first " + row.first + "): " + row.reason;
  return Error{Code::not_convertible, std::move(message), "", "docs/ops.md shows what each format takes"};
}

}  // namespace assay::coreml
