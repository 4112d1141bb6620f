#include "coreml/lift/images.h"

#include "coreml/lift/nn_axes.h"

namespace assay::coreml {
namespace {

using ir::ElemType;

ir::Dim extent_of(int64_t size, bool several, const mil::SizeRange* range) {
  if (range != nullptr)
    return range->upper >= 0 && static_cast<uint64_t>(range->upper) == range->lower ? ir::Dim(range->upper) : ir::Dim();
  return several ? ir::Dim() : ir::Dim(size);
}

ValueId in_order(GraphBuilder& builder, const mil::ImageFeature& image, ValueId id) {
  return image.color == mil::ColorSpace::bgr ? backwards(builder, id, {1}) : id;
}

}  // namespace

bool is_gray(const mil::ImageFeature& image) {
  return image.color == mil::ColorSpace::grayscale || image.color == mil::ColorSpace::grayscale_float16;
}

ir::Type image_type(const mil::ImageFeature& image) {
  const bool several = !image.enumerated.empty();
  const ir::Dim width = extent_of(image.width, several, image.range ? &image.range->first : nullptr);
  const ir::Dim height = extent_of(image.height, several, image.range ? &image.range->second : nullptr);
  const ElemType elem = image.color == mil::ColorSpace::grayscale_float16 ? ElemType::float16 : ElemType::uint8;
  return ir::Type::tensor(elem, std::vector<ir::Dim>{1, is_gray(image) ? 1 : 3, height, width});
}

ValueId image_read(GraphBuilder& builder, const mil::ImageFeature& image, ValueId id, ElemType elem) {
  if (builder.elem(id) == ElemType::uint8) id = builder.cast(id, ElemType::float32);
  return builder.cast(in_order(builder, image, id), elem);
}

ValueId image_given(GraphBuilder& builder, const mil::Feature& feature, ValueId id, Warnings& warnings) {
  if (feature.image.color == mil::ColorSpace::grayscale_float16) return builder.cast(id, ElemType::float16);
  warnings.push_back({Code::not_modelled,
                      "output '" + feature.name + "' is an image; its numbers are given before they become pixels", "",
                      ""});
  return in_order(builder, feature.image, id);
}

}  // namespace assay::coreml
