// Layers that sample images at other points: upsampling, resizing, boxes.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

// SamplingMode, LinearUpsampleMode and BoxCoordinatesMode as the operators spell them.
constexpr std::string_view kGrids[] = {"STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS"};
constexpr std::string_view kUpsampleGrids[] = {"DEFAULT", "STRICT_ALIGN_CORNERS", "UNALIGN_CORNERS"};
constexpr std::string_view kBoxes[] = {"CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST", "CENTER_SIZE_HEIGHT_FIRST",
                                       "CENTER_SIZE_WIDTH_FIRST"};

std::string word(NnLift& c, std::span<const std::string_view> words, int64_t number) {
  if (number >= 0 && number < static_cast<int64_t>(words.size()))
    return std::string(words[static_cast<size_t>(number)]);
  c.bad("mode " + std::to_string(number));
  return std::string(words[0]);
}

/// Height and width by `scales` or to `sizes`, of which one is absent.
void resize(NnLift& c, bool linear, std::string grid, ValueId scales, ValueId sizes) {
  const int64_t rank = rank_of(c, c.in(0), 2);
  c.result(c.op("coreml.Resize", {c.in(0), ir::kNoValue, scales, sizes},
                {{"mode", std::string(linear ? "linear" : "nearest")},
                 {"coordinate_transformation_mode", std::move(grid)},
                 {"nearest_mode", std::string("floor")},
                 {"axes", ir::Dims{rank - 2, rank - 1}}}));
}

void lift_upsample(NnLift& c) {
  const mil::Message& p = c.params();
  std::vector<double> factors = p.numbers("fractionalScalingFactor");
  if (factors.empty())
    for (const int64_t factor : unless_empty(p.integers("scalingFactor"), {1, 1}))
      factors.push_back(static_cast<double>(factor));
  if (factors.size() != 2) return c.bad(std::to_string(factors.size()) + " factors, not 2");
  const bool linear = p.integer("mode") != 0;
  ir::Tensor scales = ir::Tensor::allocate(ir::ElemType::float32, {2});
  for (size_t i = 0; i < 2; ++i) scales.set_float(static_cast<int64_t>(i), factors[i]);
  resize(c, linear, linear ? word(c, kUpsampleGrids, p.integer("linearUpsampleMode")) : "DEFAULT",
         c.parameter(std::move(scales), "scales"), ir::kNoValue);
}

ir::Dims target_size(NnLift& c) {
  ir::Dims size = unless_empty(c.params().integers("targetSize"), {1, 1});
  if (size.size() == 2) return size;
  c.bad(std::to_string(size.size()) + " sizes, not 2");
  return {1, 1};
}

std::string sampling_mode(NnLift& c) { return word(c, kGrids, c.params().message("mode").integer("samplingMethod")); }

void lift_resize_bilinear(NnLift& c) { resize(c, true, sampling_mode(c), ir::kNoValue, c.ints(target_size(c))); }

/// [1, B, C, H, W] and boxes [N, 1, 4 or 5, 1, 1].
void lift_crop_resize(NnLift& c) {
  const mil::Message& p = c.params();
  const ir::Dims size = target_size(c);
  if (rank_of(c, c.in(0), 5) != 5 || rank_of(c, c.in(1), 5) != 5) return c.bad("its inputs have not 5 axes");
  const ValueId y = c.op("coreml.CropResize", {c.squeeze(c.in(0), {0}), c.squeeze(c.in(1), {1, 3, 4})},
                         {{"target_height", size[0]},
                          {"target_width", size[1]},
                          {"normalized_coordinates", int64_t{p.integer("normalizedCoordinates") != 0}},
                          {"spatial_scale", static_cast<float>(unless_zero(p.number("spatialScale"), 1))},
                          {"box_coordinate_mode", word(c, kBoxes, p.message("boxIndicesMode").integer("boxMode"))},
                          {"sampling_mode", sampling_mode(c)}});
  c.result(y);
}

/// Thresholds and the number of boxes stand in the parameters or come in.
void lift_non_maximum_suppression(NnLift& c) {
  const mil::Message& p = c.params();
  const ValueId boxes = c.in(0), scores = c.in(1);
  const auto threshold = [&](size_t i, std::string_view field) {
    return c.has(i) ? c.in(i) : c.number(p.number(field), boxes);
  };
  const ValueId most = c.has(4) ? c.reshape(c.indices(c.in(4)), {1}) : c.ints({p.integer("maxBoxes")});
  const auto results = c.ops("coreml.NonMaximumSuppression",
                             {boxes, scores, most, threshold(2, "iouThreshold"), threshold(3, "scoreThreshold")}, 4,
                             {{"per_class_suppression", int64_t{p.integer("perClassSuppression") != 0}}});
  for (size_t i = 0; i < results.size(); ++i) c.result(results[i], i);
}

constexpr NnRow kRows[] = {
    {"NonMaximumSuppression", lift_non_maximum_suppression},
    {"cropResize", lift_crop_resize},
    {"resizeBilinear", lift_resize_bilinear},
    {"upsample", lift_upsample},
};

}  // namespace

std::span<const NnRow> nn_resize_rows() { return kRows; }

}  // namespace assay::coreml
