// Inputs and outputs of Core ML models in words.
#include "api/listing/features.h"

#include "base/text.h"

namespace assay::api {

std::string dims_text(const mil::Dims& dims) {
  std::vector<std::string> parts;
  for (const int64_t d : dims) parts.push_back(d < 0 ? "?" : std::to_string(d));
  return "[" + join(parts, ", ") + "]";
}

namespace {

std::string_view array_word(mil::ArrayType type) {
  const mil::ArrayTypeRow* const row = mil::array_type_row(type);
  return row == nullptr ? "untyped array" : row->name;
}

std::string_view color_word(mil::ColorSpace color) {
  switch (color) {
    case mil::ColorSpace::grayscale:
      return "grayscale";
    case mil::ColorSpace::rgb:
      return "RGB";
    case mil::ColorSpace::bgr:
      return "BGR";
    case mil::ColorSpace::grayscale_float16:
      return "grayscale float16";
    default:
      return "unknown colours";
  }
}

}  // namespace

std::string feature_type(const mil::Feature& feature) {
  using Kind = mil::Feature::Kind;
  switch (feature.kind) {
    case Kind::array:
    case Kind::state:
      return (feature.kind == Kind::state ? "state " : "") + std::string(array_word(feature.array.type)) +
             (feature.array.shape.empty() ? "[shape not stated]" : dims_text(feature.array.shape));
    case Kind::image:
      return "image " + std::string(color_word(feature.image.color)) + " " + std::to_string(feature.image.width) +
             " x " + std::to_string(feature.image.height);
    case Kind::dictionary:
      return feature.string_keys ? "dictionary of strings to numbers" : "dictionary of integers to numbers";
    case Kind::int64:
      return "int64";
    case Kind::float64:
      return "float64";
    case Kind::string:
      return "string";
    case Kind::sequence:
      return feature.string_keys ? "sequence of strings" : "sequence of integers";
    default:
      return "nothing";
  }
}

void note_flexible(const mil::Feature& feature, std::vector<std::string>& notes) {
  std::vector<std::string> parts;
  for (const mil::SizeRange& range : feature.array.ranges) parts.push_back(mil::to_string(range));
  if (!parts.empty()) notes.push_back(feature.name + " may be [" + join(parts, ", ") + "]");
  parts.clear();
  for (const mil::Dims& dims : feature.array.enumerated) parts.push_back(dims_text(dims));
  if (!parts.empty()) notes.push_back(feature.name + " may be one of " + join(parts, " "));
  if (feature.image.range)
    notes.push_back(feature.name + " may be " + mil::to_string(feature.image.range->first) + " wide and " +
                    mil::to_string(feature.image.range->second) + " high");
  if (feature.optional)
    notes.push_back(feature.name + " may be left out: it is " + shortest(feature.array.default_value.value_or(0)) +
                    " then");
}

}  // namespace assay::api
