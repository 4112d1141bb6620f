// Resize. What each output is made of is computed as the engine does it; a Core ML operation is written when it samples
// at the same places.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "ops/lower/families.h"
#include "ops/lower/steps.h"
#include "ops/resize_plan.h"

namespace assay::ops {
namespace {

/// Grids of bilinear sampling, as both formats name them.
enum class Grid : uint8_t { strict, align, asymmetric, offset, half_pixel };
struct GridWords {
  Grid grid;
  const char* mil;
  int64_t layer;  ///< SamplingMode of resizeBilinear; -1: the layer `upsample` has it
};
constexpr std::array<GridWords, 5> kGrids = {{
    {Grid::strict, "STRICT_ALIGN_CORNERS", 0},
    {Grid::asymmetric, "DEFAULT", 2},
    {Grid::half_pixel, "UNALIGN_CORNERS", -1},
    {Grid::align, "ALIGN_CORNERS", 1},
    {Grid::offset, "OFFSET_CORNERS", 3},
}};

/// Where output i of `out` is read in an axis of `in` elements.
double place(Grid grid, int64_t in, int64_t out, int64_t i) {
  const auto n = static_cast<double>(in), m = static_cast<double>(out), k = static_cast<double>(i);
  double x = 0;
  switch (grid) {
    case Grid::strict:
    case Grid::align:
      x = out == 1 ? (grid == Grid::align ? (n - 1) / 2 : 0) : k * (n - 1) / (m - 1);
      break;
    case Grid::asymmetric:
      x = k * n / m;
      break;
    case Grid::offset:
      x = (k + 0.5) * std::max(1.0, n - 1) / m;
      break;
    case Grid::half_pixel:
      x = (k + 0.5) * n / m - 0.5;
      break;
  }
  return std::clamp(x, 0.0, n - 1);
}

bool same_grid(const ResizeTaps<double>& taps, const ResizeAxis& axis, Grid grid) {
  const auto out = static_cast<size_t>(axis.out);
  for (size_t o = 0; o < out; ++o) {
    double x = 0;
    for (size_t t = 0; t < taps.count; ++t)
      x += taps.weight[t * out + o] * static_cast<double>(taps.index[t * out + o]);
    if (std::fabs(x - place(grid, axis.in, axis.out, static_cast<int64_t>(o))) > 1e-6 * static_cast<double>(axis.in))
      return false;
  }
  return true;
}

/// What the resize does to each axis.
struct Plan {
  std::vector<ResizeAxis> axes;
  bool nearest = false;
  bool open = false;  ///< an axis whose extent is not known is scaled, by a whole factor; `axes` say it for kAnyExtent
};
constexpr int64_t kAnyExtent = 8;

bool is_whole_factor(const ResizeAxis& a) { return a.kept || a.out % a.in == 0; }

template <class C>
Result<Plan> plan_of(const C& c) {
  for (size_t i = 1; i < 4; ++i)
    if (c.has(i) && c.constant(i) == nullptr) return c.refuse("extents or scales that are computed");
  if (c.rank(0) < 0) return c.refuse("an input of unknown rank");
  ir::Dims in;
  for (int64_t k = 0; k < c.rank(0); ++k) in.push_back(c.dim(0, k) < 0 ? kAnyExtent : c.dim(0, k));
  auto axes = resize_axes(c.op, in, c.constant(1), c.constant(2), c.constant(3));
  if (!axes.ok()) return c.refuse(axes.error().message);
  if (c.op.attr_string("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize")
    return c.refuse("tf_crop_and_resize, which fills in what lies outside");
  const std::string mode = c.op.attr_string("mode", "nearest");
  if (mode == "cubic") return c.refuse("cubic interpolation");
  Plan plan{*std::move(axes), mode == "nearest"};
  const bool by_scales = c.constant(2) != nullptr && c.constant(2)->size() > 0;
  for (size_t k = 0; k < in.size(); ++k) {
    const ResizeAxis& a = plan.axes[k];
    if (c.dim(0, static_cast<int64_t>(k)) >= 0 || (a.kept && (by_scales || c.op.has_attr("axes")))) continue;
    if (!by_scales || a.scale != std::floor(a.scale))
      return c.refuse("an extent that is not known and no whole factor");
    plan.open = true;
  }
  return plan;
}

/// Elements are picked along each axis in turn: any mapping, any type.
template <class S>
Status pick(S s, const Plan& plan) {
  auto y = s.in(0);
  for (size_t k = 0; k < plan.axes.size(); ++k) {
    if (plan.axes[k].kept) continue;
    auto taps = resize_taps<float>(s.c.op, plan.axes[k]);
    if (!taps.ok()) return s.c.refuse(taps.error().message);
    y = s.gather(y, taps->index, static_cast<int64_t>(k));
  }
  return s.result(y);
}

/// Whether the last two axes take element floor(o * in / out), as Core ML's nearest neighbours do.
bool picks_evenly(const Plan& plan, const ir::Op& op) {
  const size_t rank = plan.axes.size();
  for (size_t k = 0; k < rank; ++k) {
    const ResizeAxis& a = plan.axes[k];
    if (a.kept) continue;
    if (k + 2 < rank) return false;
    const auto taps = resize_taps<float>(op, a);
    if (!taps.ok()) return false;
    for (int64_t o = 0; o < a.out; ++o)
      if (taps->index[static_cast<size_t>(o)] != o * a.in / a.out) return false;
  }
  return rank >= 3;
}

/// The same by whole factors: each element is repeated.
bool repeats(const Plan& plan, const ir::Op& op) {
  return std::ranges::all_of(plan.axes, is_whole_factor) && picks_evenly(plan, op);
}

/// The one grid of the last two axes, by the order of kGrids. An axis that stays as it is must stay so under it.
template <class C>
Result<GridWords> grid_of(const C& c, const Plan& plan) {
  const size_t rank = plan.axes.size();
  if (rank < 3) return c.refuse("an input with fewer than three axes");
  for (size_t k = 0; k + 2 < rank; ++k)
    if (!plan.axes[k].kept) return c.refuse("linear interpolation of other axes than the last two");
  std::vector<ResizeTaps<double>> taps(2);
  for (size_t k = 0; k < 2; ++k) {
    const ResizeAxis& a = plan.axes[rank - 2 + k];
    if (a.kept) continue;
    if (c.op.attr_int("antialias", 0) != 0 && a.scale < 1) return c.refuse("antialias");
    auto found = resize_taps<double>(c.op, a);
    if (!found.ok()) return c.refuse(found.error().message);
    taps[k] = *std::move(found);
  }
  const auto fits = [&](Grid grid, size_t k) {
    const ResizeAxis& a = plan.axes[rank - 2 + k];
    if (!a.kept) return same_grid(taps[k], a, grid);
    for (int64_t i = 0; i < a.in; ++i)
      if (std::fabs(place(grid, a.in, a.out, i) - static_cast<double>(i)) > 1e-9) return false;
    return true;
  };
  for (const GridWords& words : kGrids)
    if (fits(words.grid, 0) && fits(words.grid, 1)) return words;
  return c.refuse("coordinate_transformation_mode '" +
                  c.op.attr_string("coordinate_transformation_mode", "half_pixel") +
                  "' under these scales: no grid of Core ML's has these places");
}

template <class C>
Status check_open(const C& c, const Plan& plan) {
  return plan.open ? Status(c.refuse("an extent that is not known, under these modes")) : Status();
}

int64_t factor(const ResizeAxis& a) { return a.kept ? 1 : a.out / a.in; }

/// upsample_bilinear finds the extents itself.
Status upsample_bilinear(MilContext& c, const Plan& plan, Grid grid) {
  if (grid != Grid::half_pixel && grid != Grid::strict) return check_open(c, plan);
  const size_t rank = plan.axes.size();
  return c.emit("upsample_bilinear",
                {{"x", c.in(0)},
                 {"scale_factor_height", mil::of_int(static_cast<int32_t>(factor(plan.axes[rank - 2])))},
                 {"scale_factor_width", mil::of_int(static_cast<int32_t>(factor(plan.axes[rank - 1])))},
                 {"align_corners", mil::of_bool(grid == Grid::strict)}});
}

}  // namespace

Status resize_to_mil(MilContext& c) {
  ASSAY_TRY(const Plan plan, plan_of(c));
  if (std::ranges::all_of(plan.axes, [](const ResizeAxis& a) { return a.kept; })) return c.result(c.in(0));
  const bool floats = ir::is_float(c.elem(0));
  const size_t rank = plan.axes.size();
  if (plan.nearest) {
    if (floats && repeats(plan, c.op))
      return c.emit("upsample_nearest_neighbor",
                    {{"x", c.in(0)},
                     {"scale_factor_height", mil::of_int(static_cast<int32_t>(factor(plan.axes[rank - 2])))},
                     {"scale_factor_width", mil::of_int(static_cast<int32_t>(factor(plan.axes[rank - 1])))}});
    ASSAY_CHECK(check_open(c, plan));
    if (floats && picks_evenly(plan, c.op))
      return c.emit("resize_nearest_neighbor",
                    {{"x", c.in(0)},
                     {"target_size_height", mil::of_int(static_cast<int32_t>(plan.axes[rank - 2].out))},
                     {"target_size_width", mil::of_int(static_cast<int32_t>(plan.axes[rank - 1].out))}});
    return pick(MilSteps(c), plan);
  }
  if (!floats) return c.refuse("linear interpolation of other than floating-point numbers");
  ASSAY_TRY(const GridWords grid, grid_of(c, plan));
  if (plan.open) return upsample_bilinear(c, plan, grid.grid);
  return c.emit("resize_bilinear", {{"x", c.in(0)},
                                    {"target_size_height", mil::of_int(static_cast<int32_t>(plan.axes[rank - 2].out))},
                                    {"target_size_width", mil::of_int(static_cast<int32_t>(plan.axes[rank - 1].out))},
                                    {"sampling_mode", mil::of_text(grid.mil)}});
}

namespace {

/// The layer `upsample` by factors; its result has floor(extent * factor) elements.
Status upsample_layer(NnContext& c, const Plan& plan, bool bilinear) {
  const size_t rank = plan.axes.size();
  ir::Dims whole;
  std::vector<double> factors;
  for (size_t k = rank - 2; k < rank; ++k) {
    const ResizeAxis& a = plan.axes[k];
    const float by = static_cast<float>(a.out) / static_cast<float>(a.in);
    if (static_cast<int64_t>(std::floor(by * static_cast<float>(a.in))) != a.out)
      return c.refuse("a factor that float32 does not hold");
    if (is_whole_factor(a)) whole.push_back(factor(a));
    factors.push_back(double{by});
  }
  mil::Message params = c.params("upsample");
  params.set("mode", int64_t{bilinear});
  if (whole.size() == 2)
    params.set("scalingFactor", whole);
  else
    params.set("fractionalScalingFactor", factors);
  if (bilinear) params.set("linearUpsampleMode", int64_t{2});  // ALIGN_CORNERS_FALSE: half pixels
  return c.layer("upsample", {c.in(0)}, std::move(params));
}

}  // namespace

Status resize_to_nn(NnContext& c) {
  ASSAY_TRY(const Plan plan, plan_of(c));
  if (std::ranges::all_of(plan.axes, [](const ResizeAxis& a) { return a.kept; })) return c.result(c.in(0));
  const size_t rank = plan.axes.size();
  if (plan.nearest) {
    if (repeats(plan, c.op)) return upsample_layer(c, plan, false);
    ASSAY_CHECK(check_open(c, plan));
    return pick(NnSteps(c), plan);
  }
  if (!ir::is_float(c.elem(0))) return c.refuse("linear interpolation of other than floating-point numbers");
  ASSAY_TRY(const GridWords grid, grid_of(c, plan));
  if (grid.grid == Grid::half_pixel) return upsample_layer(c, plan, true);
  ASSAY_CHECK(check_open(c, plan));
  mil::Message params = c.params("resizeBilinear");
  params.set("targetSize", ir::Dims{plan.axes[rank - 2].out, plan.axes[rank - 1].out});
  params.set("mode", params.make("mode").set("samplingMethod", grid.layer));
  return c.layer("resizeBilinear", {c.in(0)}, std::move(params));
}

}  // namespace assay::ops
