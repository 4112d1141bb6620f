// Images of either format as tensors [1, C, H, W] whose channels are red, green, blue, whatever order the model has.
#pragma once
#include "coreml/lift/builder.h"
#include "mil/model.h"

namespace assay::coreml {

bool is_gray(const mil::ImageFeature& image);
/// What a caller gives for an image: uint8 (float16 for GRAYSCALE_FLOAT16); extents are unknown where several sizes are
/// allowed.
ir::Type image_type(const mil::ImageFeature& image);
/// The numbers that a model reads of the image `id`: of type `elem`, channels in the model's order. A Cast to float32
/// is always the first step from uint8, the reversal of channels the second (src/coreml/lower/image_edges.h relies on
/// it).
ValueId image_read(GraphBuilder& builder, const mil::ImageFeature& image, ValueId id, ir::ElemType elem);
/// What a caller gets of the numbers [1, C, H, W] that become the image `name`: they are given before they become 8-bit
/// pixels, with a warning.
ValueId image_given(GraphBuilder& builder, const mil::Feature& feature, ValueId id, Warnings& warnings);

}  // namespace assay::coreml
