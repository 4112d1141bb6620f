// Core ML's crop_resize: boxes of images, each sampled bilinearly over a grid of its own.
#include "num/arith.h"
#include "ops/coreml_sample.h"
#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/coreml_images.h"
#include "ops/move.h"
#include "ops/sampling_grid.h"

namespace assay::ops {
namespace {

/// Which image a box is cut from: all of them, or one that is named beside the box or in front of its coordinates.
enum class Named : uint8_t { all, beside, inside };

Named naming(bool has_indices, int64_t numbers) {
  return has_indices ? Named::beside : numbers == 5 ? Named::inside : Named::all;
}

struct Boxes {
  SamplingGrid grid = SamplingGrid::upsample;
  bool height_first = true, center = false, normalized = false;
  double scale = 1, padding = 0;
};

Result<Boxes> boxes_of(const ir::Op& op) {
  Boxes b;
  const auto grid = sampling_grid(op.attr_string("sampling_mode", "DEFAULT"));
  const std::string mode = op.attr_string("box_coordinate_mode", "CORNERS_HEIGHT_FIRST");
  b.center = mode.starts_with("CENTER_SIZE");
  b.height_first = mode.ends_with("HEIGHT_FIRST");
  if (!grid || (!b.center && !mode.starts_with("CORNERS")) || (!b.height_first && !mode.ends_with("WIDTH_FIRST")))
    return Error{Code::model_invalid, "unknown sampling_mode or box_coordinate_mode"};
  b.grid = *grid;
  b.normalized = op.attr_int("normalized_coordinates", 0) != 0;
  b.scale = op.attr_float("spatial_scale", 1);
  b.padding = op.attr_float("pad_value", 0);
  return b;
}

/// Points of one axis; those outside of the image are not a number.
template <class T>
std::vector<T> axis_points(const num::Arith<T>& arith, const Boxes& b, T first, T second, int64_t extent,
                           int64_t count) {
  T start = first, end = second;
  if (b.center) {
    const T half = arith.div(second, T(2));
    start = arith.sub(first, half), end = arith.add(first, half);
  }
  const T unit = static_cast<T>(b.normalized ? extent - 1 : 1);
  start = arith.mul(arith.mul(start, static_cast<T>(b.scale)), unit);
  end = arith.mul(arith.mul(end, static_cast<T>(b.scale)), unit);
  std::vector<T> points;
  for (int64_t i = 0; i < count; ++i) {
    const T along = grid_point(b.grid, static_cast<T>(i), end - start + 1, static_cast<T>(count));
    const T at = arith.add(start, along);
    points.push_back(at >= 0 && at <= static_cast<T>(extent - 1) ? at : std::numeric_limits<T>::quiet_NaN());
  }
  return points;
}

template <class T>
Status run(KernelContext& c, const Boxes& boxes) {
  const num::Arith<T> arith(c.policy());
  const ir::Dims &x = c.in(0).dims(), &y = c.out(0).dims();
  const int64_t channels = x[1], plane = x[2] * x[3], points = y[3] * y[4], numbers = c.in(1).dims()[1];
  const Named named = naming(c.has(2), numbers);
  SamplePoints<T> at(x[2], x[3], Surround::constant, false);
  for (int64_t n = 0; n < y[0]; ++n) {
    T box[4];
    for (int64_t k = 0; k < 4; ++k) box[k] = static_cast<T>(c.in(1).float_at((n + 1) * numbers - 4 + k));
    if (!boxes.height_first) std::swap(box[0], box[1]), std::swap(box[2], box[3]);
    const auto rows = axis_points(arith, boxes, box[0], box[2], x[2], y[3]);
    const auto columns = axis_points(arith, boxes, box[1], box[3], x[3], y[4]);
    at.clear();
    for (const T row : rows)
      for (const T column : columns) row == row&& column == column ? at.add(row, column) : at.add_outside();
    double image = 0;
    if (named != Named::all) image = named == Named::beside ? c.in(2).float_at(n) : c.in(1).float_at(n * numbers);
    if (!(image >= 0 && image < static_cast<double>(x[0])))
      return c.fail(Code::value_range,
                    "a box of image " + std::to_string(image) + " of " + std::to_string(c.in(0).dims()[0]));
    c.threads.for_each(static_cast<size_t>(y[1] * channels), 1, [&](size_t begin, size_t end) {
      std::vector<T> map(static_cast<size_t>(plane)), results(static_cast<size_t>(points));
      for (auto k = static_cast<int64_t>(begin); k < static_cast<int64_t>(end); ++k) {
        const int64_t from = static_cast<int64_t>(image) * channels + k;
        const T* values = load(c.in(0), from * plane, map.size(), map.data());
        at.sample(arith, values, static_cast<T>(boxes.padding), results.data());
        store(c.out(0), (n * y[1] * channels + k) * points, results.size(), results.data(), c.policy());
      }
    });
  }
  return {};
}

Status infer(InferContext& c) {
  const int64_t height = c.op().attr_int("target_height", 1), width = c.op().attr_int("target_width", 1);
  if (height < 1 || width < 1) return c.fail("crop_resize_c1", "target_height and target_width are not positive");
  std::vector<ir::Dim> out = {ir::Dim(), ir::Dim(), ir::Dim(), height, width};
  if (c.ranked(0)) {
    if (c.rank(0) != 4) return c.fail("crop_resize_c2", "x has rank " + std::to_string(c.rank(0)));
    out[2] = c.shape(0)[1];
  }
  if (c.ranked(1)) {
    const ir::Dim numbers = c.rank(1) == 2 ? c.shape(1)[1] : ir::Dim(0);
    if (numbers.known() && numbers.value != 4 && (numbers.value != 5 || c.has(2)))
      return c.fail("crop_resize_c3", "boxes of type " + to_string(c.type(1)));
    out[0] = c.shape(1)[0];
    if (numbers.known() && naming(c.has(2), numbers.value) != Named::all) out[1] = 1;
    if (numbers.known() && naming(c.has(2), numbers.value) == Named::all && c.ranked(0)) out[1] = c.shape(0)[0];
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &boxes = c.in(1).dims();
  if (x.size() != 4 || boxes.size() != 2 || (c.has(2) && c.in(2).size() != boxes[0]))
    return c.fail(Code::model_invalid, "x, boxes and box_indices do not fit together");
  const auto settings = boxes_of(c.op);
  if (!settings.ok()) return c.fail(Code::model_invalid, settings.error().message);
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  if (c.in(0).size() == 0) return c.fail(Code::model_invalid, "there is nothing to sample");
  return computes_float64(c) ? run<double>(c, *settings) : run<float>(c, *settings);
}

constexpr In kIn[] = {{"x", kFloats}, {"boxes", kNumbers}, {"box_indices", kInts, kOptional}};
constexpr Out kOut[] = {{"y"}};
constexpr AttrDoc kAttrs[] = {{"target_height", "1"},
                              {"target_width", "1"},
                              {"normalized_coordinates", "0"},
                              {"spatial_scale", "1"},
                              {"box_coordinate_mode", "CORNERS_HEIGHT_FIRST"},
                              {"sampling_mode", "DEFAULT"},
                              {"pad_value", "0"}};

}  // namespace

extern const OpDef kCoremlCropResize = {
    .domain = "coreml",
    .name = "CropResize",
    .since = 1,
    .doc =
        "Boxes [N, 4] of every image, or of the image that box_indices or a fifth number in front names, sampled "
        "into [N, B or 1, C, target_height, target_width].",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "taps of a row, ascending, then rows, by fused multiply-adds",
    .infer = infer,
    .eval = eval,
    .to_mil = {coreml_crop_resize_to_mil, "crop_resize"},
    .bound = {.f32 = 64, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops
