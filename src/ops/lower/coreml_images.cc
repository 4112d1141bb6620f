#include "ops/lower/coreml_images.h"

#include <cmath>

#include "ops/lower/elementwise.h"

namespace assay::ops {

namespace {

/// The extents asked for, none where they are not known before it runs. Core ML's grids follow from the extents of both
/// sides alone, so scales need not be told once these are known.
ir::Dims resized_extents(MilContext& c) {
  if (const ir::Tensor* sizes = c.constant(3)) return sizes->ints();
  const ir::Type& y = c.graph.at(c.op.outputs[0]).type;
  if (!y.ranked()) return {};
  const auto rank = static_cast<int64_t>(y.shape->size());
  ir::Dims extents;
  for (const int64_t given : c.op.attr_ints("axes")) {
    const int64_t axis = given < 0 ? given + rank : given;
    if (axis < 0 || axis >= rank || !(*y.shape)[static_cast<size_t>(axis)].known()) return {};
    extents.push_back((*y.shape)[static_cast<size_t>(axis)].value);
  }
  return extents;
}

/// Extents known only at run time, by whole factors: the operations that scale find the grid themselves.
Status scaled(MilContext& c, const std::string& grid, bool nearest) {
  const ir::Tensor* scales = c.constant(2);
  const ir::Dims axes = c.op.attr_ints("axes");
  const int64_t rank = c.rank(0);
  const bool last =
      rank >= 3 && axes.size() == 2 && (axes[0] == -2 || axes[0] == rank - 2) && (axes[1] == -1 || axes[1] == rank - 1);
  const auto whole = [&](int64_t i) { return scales->float_at(i) == std::floor(scales->float_at(i)); };
  const bool strict = grid == "STRICT_ALIGN_CORNERS";
  if (scales == nullptr || scales->size() != 2 || !whole(0) || !whole(1) || !last ||
      (nearest ? grid != "DEFAULT" : !strict && grid != "UNALIGN_CORNERS"))
    return c.refuse("its extents are not known before it runs");
  const auto factor = [&](int64_t i) { return mil::of_int(static_cast<int32_t>(scales->float_at(i))); };
  MilParams params = {{"x", c.in(0)}, {"scale_factor_height", factor(0)}, {"scale_factor_width", factor(1)}};
  if (!nearest) params.push_back({"align_corners", mil::of_bool(strict)});
  return c.emit(nearest ? "upsample_nearest_neighbor" : "upsample_bilinear", params);
}

}  // namespace

/// Height and width to known extents; other axes, and nearest samples of other grids, need iOS17's resize.
Status coreml_resize_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const std::string grid = c.op.attr_string("coordinate_transformation_mode", "");
  const bool nearest = c.op.attr_string("mode", "nearest") == "nearest", below = grid == "DEFAULT";
  const ir::Dims sizes = resized_extents(c);
  const auto count = static_cast<int64_t>(sizes.size());
  const int64_t rank = c.rank(0);
  if (nearest && (c.op.attr_string("nearest_mode", "") == "floor") != below)
    return c.refuse("nearest samples of that grid are rounded otherwise");
  if (count == 0 || c.op.attr_ints("axes").size() != static_cast<size_t>(count)) return scaled(c, grid, nearest);
  for (int64_t k = 0; k < count; ++k) {
    const int64_t axis = c.op.attr_ints("axes")[static_cast<size_t>(k)];
    if ((axis < 0 ? axis + rank : axis) != rank - count + k)
      return c.refuse("it resizes other axes than the last ones");
  }
  if (count == 2 && rank >= 3 && (!nearest || below)) {
    MilParams params = {{"x", c.in(0)},
                        {"target_size_height", mil::of_int(static_cast<int32_t>(sizes[0]))},
                        {"target_size_width", mil::of_int(static_cast<int32_t>(sizes[1]))}};
    if (!nearest) params.push_back({"sampling_mode", mil::of_text(grid)});
    return c.emit(nearest ? "resize_nearest_neighbor" : "resize_bilinear", params);
  }
  c.need(8, "resize");
  mil::Value dims = mil::of_int(static_cast<int32_t>(count));
  dims.type.data = mil::DataType::uint32;
  return c.emit("resize", {{"x", c.in(0)},
                           {"shape", MilContext::ints(sizes)},
                           {"resized_dims", std::move(dims)},
                           {"interpolation_mode", mil::of_text(nearest ? "NEAREST_NEIGHBOR" : "LINEAR")},
                           {"sampling_mode", mil::of_text(grid)}});
}

/// Boxes of every image are roi [N, 1, 4, 1, 1], which iOS17 no longer has; named images are box_indices there.
Status coreml_crop_resize_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const ir::Op& op = c.op;
  MilParams params = {
      {"x", c.in(0)},
      {"target_height", mil::of_int(static_cast<int32_t>(op.attr_int("target_height", 1)))},
      {"target_width", mil::of_int(static_cast<int32_t>(op.attr_int("target_width", 1)))},
      {"normalized_coordinates", mil::of_bool(op.attr_int("normalized_coordinates", 0) != 0)},
      {"spatial_scale", mil::of_float(op.attr_float("spatial_scale", 1))},
      {"box_coordinate_mode", mil::of_text(op.attr_string("box_coordinate_mode", "CORNERS_HEIGHT_FIRST"))},
      {"sampling_mode", mil::of_text(op.attr_string("sampling_mode", "DEFAULT"))}};
  if (const float padding = op.attr_float("pad_value", 0); padding != 0) {
    c.need(7, "a value around images");
    params.push_back({"pad_value", c.number(padding)});
  }
  if (!c.has(2)) {
    if (c.builder.version() >= 8) return c.refuse("since iOS17 each box names its image");
    params.push_back({"roi", c.expand_dims(c.in(1), {1, 3, 4})});
    return c.emit("crop_resize", params);
  }
  c.need(8, "boxes beside indices of images");
  params.push_back({"boxes", c.in(1)});
  params.push_back({"box_indices", c.in(2)});
  mil::Type flat = c.in(0).type;
  const ir::Type& out = c.out_type();
  if (!out.ranked() || out.shape->size() != 5) return c.refuse("its result has no known rank");
  flat.dims = mil::Dims{};
  for (const size_t k : {size_t{0}, size_t{2}, size_t{3}, size_t{4}}) flat.dims->push_back((*out.shape)[k].value);
  const MilValue crops = c.make("crop_resize", params, flat);
  return c.emit("expand_dims", {{"x", crops}, {"axes", MilContext::ints({1})}});
}

}  // namespace assay::ops
