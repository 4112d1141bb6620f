// Descriptions of models and their features.
#include "coreml/file/write.h"

namespace assay::coreml {
namespace {
using mil::Feature;

pb::Writer write_range(const mil::SizeRange& range) {
  pb::Writer w;
  put(w, 1, range.lower);
  put(w, 2, range.upper);
  return w;
}

void put_default(pb::Writer& w, const mil::ArrayFeature& array) {
  if (!array.default_value) return;
  const double value = *array.default_value;
  if (array.default_type == mil::ArrayType::int32)
    w.int64(41, static_cast<int64_t>(value));
  else if (array.default_type == mil::ArrayType::float64)
    w.float64(61, value);
  else
    w.float32(51, static_cast<float>(value));
}

pb::Writer write_array(const mil::ArrayFeature& array) {
  pb::Writer w;
  w.packed(1, array.shape);
  put(w, 2, uint64_t{static_cast<uint32_t>(array.type)});
  if (!array.enumerated.empty()) {
    pb::Writer shapes;
    for (const mil::Dims& dims : array.enumerated) {
      pb::Writer shape;
      shape.packed(1, dims);
      shapes.message(1, std::move(shape));
    }
    w.message(21, std::move(shapes));
  }
  if (!array.ranges.empty()) {
    pb::Writer ranges;
    for (const mil::SizeRange& range : array.ranges) ranges.message(1, write_range(range));
    w.message(31, std::move(ranges));
  }
  put_default(w, array);
  w.raw(array.extra);
  return w;
}

pb::Writer write_image(const mil::ImageFeature& image) {
  pb::Writer w;
  put(w, 1, image.width);
  put(w, 2, image.height);
  put(w, 3, uint64_t{static_cast<uint32_t>(image.color)});
  if (!image.enumerated.empty()) {
    pb::Writer sizes;
    for (const auto& [width, height] : image.enumerated) {
      pb::Writer size;
      put(size, 1, width);
      put(size, 2, height);
      sizes.message(1, std::move(size));
    }
    w.message(21, std::move(sizes));
  }
  if (image.range) {
    pb::Writer range;
    range.message(1, write_range(image.range->first));
    range.message(2, write_range(image.range->second));
    w.message(31, std::move(range));
  }
  w.raw(image.extra);
  return w;
}

pb::Writer write_kind(const Feature& feature) {
  pb::Writer w;
  switch (feature.kind) {
    case Feature::Kind::image:
      return write_image(feature.image);
    case Feature::Kind::array:
      return write_array(feature.array);
    case Feature::Kind::dictionary:
      w.message(feature.string_keys ? 2 : 1, {});
      return w;
    case Feature::Kind::sequence:
      w.message(feature.string_keys ? 3 : 1, {});
      return w;
    case Feature::Kind::state:
      w.message(1, write_array(feature.array));
      return w;
    default:
      return w;
  }
}

pb::Writer write_feature(const Feature& feature) {
  pb::Writer w, type;
  put(w, 1, feature.name);
  put(w, 2, feature.doc);
  // The kinds stand in the order of FeatureType's members, `none` before them.
  if (feature.kind != Feature::Kind::none) type.message(static_cast<uint32_t>(feature.kind), write_kind(feature));
  put(type, 1000, feature.optional);
  if (type.size() > 0) w.message(3, std::move(type));
  w.raw(feature.extra);
  return w;
}

void put_features(pb::Writer& w, uint32_t field, const std::vector<Feature>& features) {
  for (const Feature& f : features) w.message(field, write_feature(f));
}

pb::Writer write_function(const mil::FunctionDescription& function) {
  pb::Writer w;
  put(w, 1, function.name);
  put_features(w, 2, function.inputs);
  put_features(w, 3, function.outputs);
  put(w, 4, function.predicted_feature);
  put(w, 5, function.predicted_probabilities);
  put_features(w, 6, function.states);
  w.raw(function.extra);
  return w;
}

pb::Writer write_metadata(const mil::Metadata& metadata) {
  pb::Writer w;
  put(w, 1, metadata.doc);
  put(w, 2, metadata.version);
  put(w, 3, metadata.author);
  put(w, 4, metadata.license);
  mil::Map<std::string> user = metadata.user;
  std::ranges::stable_sort(user, {}, &std::pair<std::string, std::string>::first);
  for (const auto& [key, value] : user) {
    pb::Writer entry;
    put(entry, 1, key);
    put(entry, 2, value);
    w.message(100, std::move(entry));
  }
  w.raw(metadata.extra);
  return w;
}
}  // namespace

pb::Writer write_description(const mil::Description& description) {
  pb::Writer w;
  put_features(w, 1, description.main.inputs);
  put_features(w, 10, description.main.outputs);
  put(w, 11, description.main.predicted_feature);
  put(w, 12, description.main.predicted_probabilities);
  put_features(w, 13, description.main.states);
  for (const mil::FunctionDescription& f : description.functions) w.message(20, write_function(f));
  put(w, 21, description.default_function);
  if (pb::Writer metadata = write_metadata(description.metadata); metadata.size() > 0)
    w.message(100, std::move(metadata));
  w.raw(description.main.extra);
  w.raw(description.extra);
  return w;
}

}  // namespace assay::coreml
