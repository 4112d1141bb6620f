// Resizing, cropping and resampling of images.
#include <algorithm>
#include <cmath>
#include <limits>

#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// A resize of the last axes of `x`: to `sizes` (an int64 vector) where that is given, else by `scales`.
struct ResizeTo {
  ValueId x;
  ValueId sizes = ir::kNoValue, scales = ir::kNoValue;
  ir::Dims axes{};
  bool nearest = false;
  std::string grid = "DEFAULT";
  ir::Dims in{}, out{};  ///< extents along the axes, -1 where unknown
  bool whole = false;    ///< the scales are whole numbers
};

constexpr int64_t kMostCompared = 1 << 16;  // samples along an axis; no image of Core ML's has as many

/// Whether ONNX's floor(o / scale) picks the samples that floor(o * in / out) does.
bool same_samples(const ResizeTo& r) {
  for (size_t k = 0; k < r.axes.size(); ++k) {
    const int64_t in = r.in[k], out = r.out[k];
    if (in <= 0 || out < 0) return r.whole;
    if (out > kMostCompared) return false;
    const float scale = static_cast<float>(out) / static_cast<float>(in);
    for (int64_t o = 0; o < out; ++o)
      if (static_cast<int64_t>(std::floor(static_cast<float>(o) / scale)) != o * in / out) return false;
  }
  return true;
}

/// ONNX's name of the grid where it has the same points; empty where it has none.
std::string onnx_grid(const ResizeTo& r) {
  const auto several = [](int64_t n) { return n > 1; };
  if (r.nearest) return r.grid == "DEFAULT" && same_samples(r) ? "asymmetric" : "";
  if (r.sizes == ir::kNoValue && !r.whole) return "";  // the ratio of the extents counts, not the stated scale
  if (r.grid == "DEFAULT") return "asymmetric";
  if (r.grid == "UNALIGN_CORNERS") return "half_pixel";
  const bool strict = r.grid == "STRICT_ALIGN_CORNERS";
  if (strict || (r.grid == "ALIGN_CORNERS" && std::ranges::all_of(r.out, several))) return "align_corners";
  return "";
}

void resize(MilLift& c, const ResizeTo& r) {
  const std::string onnx = onnx_grid(r);
  // Nearest takes the sample below a point of the default grid, and the one beside a point of any other.
  const bool below = r.grid == "DEFAULT";
  std::vector<ir::Attr> attrs = {{"mode", std::string(r.nearest ? "nearest" : "linear")},
                                 {"axes", r.axes},
                                 {"coordinate_transformation_mode", onnx.empty() ? r.grid : onnx},
                                 {"nearest_mode", std::string(below ? "floor" : "round_prefer_ceil")}};
  c.result(c.op(onnx.empty() ? "coreml.Resize" : "Resize", {r.x, ir::kNoValue, r.scales, r.sizes}, std::move(attrs)));
}

constexpr int64_t kHeight = -2, kWidth = -1;

ResizeTo last_two(MilLift& c, bool nearest) {
  ResizeTo r{.x = c.in("x"), .axes = {kHeight, kWidth}, .nearest = nearest};
  r.in = {c.dim(r.x, kHeight), c.dim(r.x, kWidth)};
  if (c.rank(r.x) < 3) c.bad("x has fewer than three axes");
  return r;
}

void to_size(MilLift& c, ResizeTo r) {
  r.out = {c.integer("target_size_height", 1), c.integer("target_size_width", 1)};
  r.sizes = c.ints(r.out);
  resize(c, r);
}

/// The extents are floor(extent * scale); the file states them where they are known.
void by_scale(MilLift& c, ResizeTo r) {
  const double scales[] = {c.number("scale_factor_height", 1), c.number("scale_factor_width", 1)};
  const mil::Type& declared = c.result_type();
  const size_t rank = declared.dims ? declared.dims->size() : 0;
  r.out = rank >= 2 ? ir::Dims(declared.dims->end() - 2, declared.dims->end()) : ir::Dims{-1, -1};
  r.whole = true;
  for (size_t k = 0; k < 2; ++k) {
    r.whole = r.whole && scales[k] == std::floor(scales[k]);
    if (r.out[k] < 0 && r.in[k] >= 0)
      r.out[k] = static_cast<int64_t>(std::floor(scales[k] * static_cast<double>(r.in[k])));
  }
  if (r.out[0] >= 0 && r.out[1] >= 0 && r.in[0] >= 0 && r.in[1] >= 0) {
    r.sizes = c.ints(r.out);
  } else {
    const float values[] = {static_cast<float>(scales[0]), static_cast<float>(scales[1])};
    r.scales = c.parameter(ir::Tensor::of<float>(ir::ElemType::float32, {2}, std::span<const float>(values)));
  }
  resize(c, r);
}

void lift_resize_nearest(MilLift& c) { to_size(c, last_two(c, true)); }
void lift_upsample_nearest(MilLift& c) { by_scale(c, last_two(c, true)); }

void lift_resize_bilinear(MilLift& c) {
  ResizeTo r = last_two(c, false);
  r.grid = c.text("sampling_mode", "DEFAULT");
  to_size(c, std::move(r));
}

/// Corners are aligned unless the file says otherwise; since iOS16 the centres of pixels may be left out as well.
void lift_upsample_bilinear(MilLift& c) {
  ResizeTo r = last_two(c, false);
  const bool align = c.flag("align_corners", true), centers = c.flag("half_pixel_centers", !align);
  if (align && centers) return c.bad("align_corners and half_pixel_centers exclude one another");
  r.grid = align ? "STRICT_ALIGN_CORNERS" : centers ? "UNALIGN_CORNERS" : "DEFAULT";
  by_scale(c, std::move(r));
}

/// Sizes known when the model runs: an extent of 0 is x's own.
ValueId sizes_at_run_time(MilLift& c, ValueId x, ValueId shape, int64_t count) {
  const ValueId wide = c.as_int64(shape);
  const ValueId last = c.op("Slice", {wide, c.ints({-count}), c.ints({std::numeric_limits<int64_t>::max()})});
  const ValueId own = c.op("Shape", {x}, {{"start", -count}});
  return c.op("Where", {c.op("Equal", {last, c.integer(0)}), own, last});
}

void lift_resize(MilLift& c) {
  const int64_t count = c.integer("resized_dims", 0);
  const std::string mode = c.text("interpolation_mode", "LINEAR");
  if (mode != "LINEAR" && mode != "NEAREST_NEIGHBOR") return c.bad("unknown interpolation_mode '" + mode + "'");
  ResizeTo r{.x = c.in("x"), .nearest = mode == "NEAREST_NEIGHBOR", .grid = c.text("sampling_mode", "DEFAULT")};
  const ValueId shape = c.in("shape");
  const ir::Tensor* known = c.constant(shape);
  if (count == 0) return c.result(c.op("Identity", {r.x}));
  if (count < 0 || count > c.rank(r.x) || (known != nullptr && count > known->size()))
    return c.bad("resized_dims is more than x or shape has");
  ir::Dims sizes;
  for (int64_t k = 0; k < count; ++k) {
    const int64_t own = c.dim(r.x, k - count), wanted = known ? known->int_at(known->size() - count + k) : -1;
    if (known != nullptr && wanted == 0 && own < 0 && r.grid != "OFFSET_CORNERS") continue;  // stays as it is
    r.axes.push_back(k - count);
    r.in.push_back(own);
    r.out.push_back(wanted == 0 ? own : wanted);
  }
  if (r.axes.empty()) return c.result(c.op("Identity", {r.x}));
  const bool all_known = known != nullptr && std::ranges::all_of(r.out, [](int64_t n) { return n >= 0; });
  r.sizes = all_known ? c.ints(r.out) : sizes_at_run_time(c, r.x, shape, count);
  resize(c, r);
}

/// What crop_resize has in every version.
std::vector<ir::Attr> crop_attrs(MilLift& c) {
  return {{"target_height", c.integer("target_height", 1)},
          {"target_width", c.integer("target_width", 1)},
          {"normalized_coordinates", int64_t{c.flag("normalized_coordinates", false)}},
          number_attr(c, "spatial_scale", "spatial_scale", 1),
          {"box_coordinate_mode", c.text("box_coordinate_mode", "CORNERS_HEIGHT_FIRST")},
          {"sampling_mode", c.text("sampling_mode", "DEFAULT")},
          number_attr(c, "pad_value", "pad_value", 0)};
}

/// Boxes were roi [N, 1, 4 or 5, 1, 1] before iOS17, and have indices of images beside them since: result [N, C, h, w].
void lift_crop_resize(MilLift& c) {
  const ValueId x = c.in("x");
  if (c.has("roi")) {
    const ValueId roi = c.in("roi");
    if (c.rank(roi) != 5 || c.dim(roi, 2) < 0) return c.bad("roi is no [N, 1, 4 or 5, 1, 1]");
    return c.result(c.op("coreml.CropResize", {x, c.reshape(roi, {-1, c.dim(roi, 2)})}, crop_attrs(c)));
  }
  const ValueId boxes = c.in("boxes");
  ValueId indices = c.optional_in("box_indices");
  if (indices == ir::kNoValue) {
    ir::Dims each(static_cast<size_t>(std::max<int64_t>(c.dim(boxes, 0), 0)));
    for (size_t k = 0; k < each.size(); ++k) each[k] = static_cast<int64_t>(k);
    if (c.dim(boxes, 0) < 0) return c.unsupported("no box_indices, and the number of boxes is unknown");
    indices = c.ints(each);
  }
  c.result(c.squeeze(c.op("coreml.CropResize", {x, boxes, indices}, crop_attrs(c)), {1}));
}

/// Cuts from both ends of height and width.
void lift_crop(MilLift& c) {
  const ir::Dims height = c.integers("crop_height"), width = c.integers("crop_width");
  if (height.size() != 2 || width.size() != 2) return c.bad("crop_height or crop_width does not have two numbers");
  const auto end = [](int64_t amount) { return amount == 0 ? std::numeric_limits<int64_t>::max() : -amount; };
  c.result(c.op("Slice", {c.in("x"), c.ints({height[0], width[0]}), c.ints({end(height[1]), end(width[1])}),
                          c.ints({kHeight, kWidth})}));
}

std::vector<ir::Attr> sampling_attrs(MilLift& c) {
  return {{"sampling_mode", c.text("sampling_mode", "bilinear")},
          {"padding_mode", c.text("padding_mode", "constant")},
          number_attr(c, "padding_value", "padding_value", 0),
          {"coordinates_mode", c.text("coordinates_mode", "normalized_minus_one_to_one")},
          {"align_corners", int64_t{c.flag("align_corners", true)}}};
}

void lift_affine(MilLift& c) {
  auto attrs = sampling_attrs(c);
  attrs.push_back({"output_height", c.integer("output_height", 0)});
  attrs.push_back({"output_width", c.integer("output_width", 0)});
  c.result(c.op("coreml.Affine", {c.in("x"), c.in("transform_matrix")}, std::move(attrs)));
}

/// GridSample where its paddings and its coordinates from -1 to 1 say the same.
void lift_resample(MilLift& c) {
  const ValueId x = c.in("x"), coordinates = c.in("coordinates");
  const std::string padding = c.text("padding_mode", "constant"), sampling = c.text("sampling_mode", "bilinear");
  const bool align = c.flag("align_corners", true), zeros = padding == "constant" && c.number("padding_value", 0) == 0;
  const bool mirror = (padding == "reflection" && align) || (padding == "symmetric" && !align);
  const bool onnx = c.text("coordinates_mode", "normalized_minus_one_to_one") == "normalized_minus_one_to_one" &&
                    ir::is_float(c.elem(coordinates)) && (zeros || mirror || padding == "border");
  if (!onnx) return c.result(c.op("coreml.Resample", {x, coordinates}, sampling_attrs(c)));
  c.result(c.op("GridSample", {x, coordinates},
                {{"mode", std::string(sampling == "nearest" ? "nearest" : "linear")},
                 {"padding_mode", std::string(zeros    ? "zeros"
                                              : mirror ? "reflection"
                                                       : "border")},
                 {"align_corners", int64_t{align}}}));
}

constexpr MilRow kRows[] = {
    {"affine", lift_affine},
    {"crop", lift_crop},
    {"crop_resize", lift_crop_resize},
    {"resample", lift_resample},
    {"resize", lift_resize, 8},
    {"resize_bilinear", lift_resize_bilinear},
    {"resize_nearest_neighbor", lift_resize_nearest},
    {"upsample_bilinear", lift_upsample_bilinear},
    {"upsample_nearest_neighbor", lift_upsample_nearest},
};

}  // namespace

std::span<const MilRow> mil_image_rows() { return kRows; }

}  // namespace assay::coreml
