#include "ops/resize_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ops/move.h"
#include "ops/sampling_grid.h"

namespace assay::ops {
namespace {

Error wrong(std::string message) { return Error{Code::model_invalid, std::move(message)}; }

bool given(const ir::Tensor* t) { return t && t->size() > 0; }

/// Extents that keep the aspect ratio: one scale for all axes, halves rounded up.
void keep_aspect(std::vector<ResizeAxis>& axes, const ir::Dims& named, bool larger) {
  double common = larger ? 0 : std::numeric_limits<double>::infinity();
  for (const int64_t a : named) {
    const ResizeAxis& axis = axes[static_cast<size_t>(a)];
    const double s = static_cast<double>(axis.out) / static_cast<double>(axis.in);
    common = larger ? std::max(common, s) : std::min(common, s);
  }
  for (const int64_t a : named) {
    ResizeAxis& axis = axes[static_cast<size_t>(a)];
    axis.out = static_cast<int64_t>(std::min(common * static_cast<double>(axis.in) + 0.5, 0x1p62));
    axis.scale = static_cast<float>(common);
  }
}

template <class T>
T coordinate(const std::string& mode, const ResizeAxis& a, int64_t o) {
  if (const auto grid = sampling_grid(mode))
    return grid_point(*grid, static_cast<T>(o), static_cast<T>(a.in), static_cast<T>(a.out));
  const T x = static_cast<T>(o), in = static_cast<T>(a.in), scale = static_cast<T>(a.scale), half = T(0.5);
  const T resized = scale * in;  // before it was cut to a whole extent
  if (mode == "half_pixel") return (x + half) / scale - half;
  if (mode == "pytorch_half_pixel") return a.out == 1 ? T(0) : (x + half) / scale - half;
  if (mode == "asymmetric") return x / scale;
  if (mode == "tf_half_pixel_for_nn") return (x + half) / scale;
  if (mode == "align_corners") return resized == 1 ? T(0) : x * (in - 1) / (resized - 1);
  if (mode == "half_pixel_symmetric") {
    const T offset = in / 2 * (1 - static_cast<T>(a.out) / resized);
    return offset + (x + half) / scale - half;
  }
  if (mode != "tf_crop_and_resize") return std::numeric_limits<T>::quiet_NaN();
  const T begin = static_cast<T>(a.roi_begin), span = static_cast<T>(a.roi_end) - begin;
  const T along = resized == 1 ? span * (in - 1) / 2 : x * span * (in - 1) / (resized - 1);
  return along + begin * (in - 1);
}

template <class T>
T nearest(const std::string& mode, T x) {
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  if (mode == "round_prefer_ceil") return std::floor(x + T(0.5));
  return std::ceil(x - T(0.5));
}

template <class T>
T cubic(T a, T distance) {
  const T x = std::fabs(distance);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

struct Kernel {
  bool is_cubic = false, antialias = false, exclude_outside = false;
  int64_t first = 0;  ///< of the taps, counted from floor(x)
  size_t count = 2;
};

Kernel kernel_of(const ir::Op& op, float scale) {
  Kernel k;
  k.is_cubic = op.attr_string("mode", "nearest") == "cubic";
  k.antialias = op.attr_int("antialias", 0) != 0 && scale < 1;
  k.exclude_outside = op.attr_int("exclude_outside", 0) != 0;
  const float reach = k.is_cubic ? 2 : 1;
  constexpr float kFarthest = 1 << 30;  // refused later
  k.first = static_cast<int64_t>(std::floor(-std::min(reach / (k.antialias ? scale : 1.0F), kFarthest))) + 1;
  k.count = static_cast<size_t>(2 - 2 * k.first);
  return k;
}

/// Weights of one output's taps, normalised where the kernel was stretched or cut.
template <class T>
void weigh(const Kernel& k, T a, T stretch, T x, int64_t in, std::vector<T>& weights) {
  const T base = std::floor(x), ratio = x - base;
  T sum = 0;
  for (size_t t = 0; t < k.count; ++t) {
    const int64_t tap = k.first + static_cast<int64_t>(t);
    const T distance = (static_cast<T>(tap) - ratio) * stretch;
    T w = k.is_cubic ? cubic(a, distance) : std::max<T>(0, 1 - std::fabs(distance));
    const int64_t at = static_cast<int64_t>(base) + tap;
    if (k.exclude_outside && (at < 0 || at >= in)) w = 0;
    weights[t] = w;
    sum += w;
  }
  if ((k.antialias || k.exclude_outside) && sum != 0)
    for (T& w : weights) w /= sum;
}

}  // namespace

Result<std::vector<ResizeAxis>> resize_axes(const ir::Op& op, const ir::Dims& in, const ir::Tensor* roi,
                                            const ir::Tensor* scales, const ir::Tensor* sizes) {
  const auto rank = static_cast<int64_t>(in.size());
  ir::Dims named = op.attr_ints("axes");
  if (!op.has_attr("axes"))
    for (int64_t i = 0; i < rank; ++i) named.push_back(i);
  std::vector<ResizeAxis> axes(in.size());
  for (size_t i = 0; i < in.size(); ++i) axes[i] = {.in = in[i], .out = in[i]};
  const auto count = static_cast<int64_t>(named.size());
  if (given(scales) == given(sizes)) return wrong("either scales or sizes must be given");
  if ((given(scales) && scales->size() != count) || (given(sizes) && sizes->size() != count))
    return wrong("scales or sizes do not have one number for each of " + std::to_string(count) + " axes");
  if (given(roi) && roi->size() != 2 * count) return wrong("roi does not have two numbers an axis");
  const std::string transform = op.attr_string("coordinate_transformation_mode", "half_pixel");
  for (int64_t k = 0; k < count; ++k) {
    const int64_t at = normal_axis(named[static_cast<size_t>(k)], rank);
    if (at < 0)
      return wrong("axis " + std::to_string(named[static_cast<size_t>(k)]) + " for rank " + std::to_string(rank));
    named[static_cast<size_t>(k)] = at;
    ResizeAxis& a = axes[static_cast<size_t>(at)];
    if (given(roi)) {
      a.roi_begin = static_cast<float>(roi->float_at(k));
      a.roi_end = static_cast<float>(roi->float_at(count + k));
    }
    if (given(scales)) {
      a.scale = static_cast<float>(scales->float_at(k));
      const float extent = std::floor(a.scale * static_cast<float>(a.in));
      if (!(a.scale > 0) || !(extent < 1e12F)) return wrong("scale " + std::to_string(a.scale));
      a.out = static_cast<int64_t>(extent);
    } else {
      a.out = sizes->int_at(k);
      if (a.out < 0 || a.in == 0) return wrong("size " + std::to_string(a.out) + " for extent " + std::to_string(a.in));
      a.scale = static_cast<float>(a.out) / static_cast<float>(a.in);
    }
  }
  const std::string policy = op.attr_string("keep_aspect_ratio_policy", "stretch");
  if (given(sizes) && policy != "stretch") {
    if (policy != "not_larger" && policy != "not_smaller")
      return wrong("unknown keep_aspect_ratio_policy '" + policy + "'");
    keep_aspect(axes, named, policy == "not_smaller");
  }
  const bool moves = transform == "tf_crop_and_resize" || transform == "OFFSET_CORNERS";
  for (ResizeAxis& a : axes) a.kept = a.out == a.in && a.scale == 1;
  for (const int64_t at : named) axes[static_cast<size_t>(at)].kept &= !moves;
  return axes;
}

template <class T>
Result<ResizeTaps<T>> resize_taps(const ir::Op& op, const ResizeAxis& axis) {
  const std::string mode = op.attr_string("mode", "nearest");
  const std::string transform = op.attr_string("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = op.attr_string("nearest_mode", "round_prefer_floor");
  if (mode != "nearest" && mode != "linear" && mode != "cubic") return wrong("unknown mode '" + mode + "'");
  const Kernel k = kernel_of(op, axis.scale);
  const auto out = static_cast<size_t>(axis.out);
  ResizeTaps<T> taps;
  taps.count = mode == "nearest" ? 1 : k.count;
  if (taps.count > (size_t{1} << 20) || (out != 0 && taps.count > (size_t{1} << 30) / out))
    return wrong("the kernel of the resize is too large");
  taps.index.resize(taps.count * out);
  taps.weight.assign(taps.count * out, T{1});
  taps.outside.resize(out);
  std::vector<T> weights(taps.count);
  const T a = static_cast<T>(op.attr_float("cubic_coeff_a", -0.75F)),
          stretch = k.antialias ? static_cast<T>(axis.scale) : T{1};
  const auto last = static_cast<T>(axis.in - 1);
  for (size_t o = 0; o < out; ++o) {
    T x = coordinate<T>(transform, axis, static_cast<int64_t>(o));
    if (!std::isfinite(x)) return wrong("coordinate_transformation_mode '" + transform + "' gives no coordinate");
    taps.outside[o] = transform == "tf_crop_and_resize" && (x < 0 || x > last);
    x = std::clamp<T>(x, -1e9F, 1e9F);
    if (mode == "nearest") {
      taps.index[o] = static_cast<int64_t>(std::clamp<T>(nearest(rounding, x), 0, last));
      continue;
    }
    weigh(k, a, stretch, x, axis.in, weights);
    for (size_t t = 0; t < taps.count; ++t) {
      const int64_t at = static_cast<int64_t>(std::floor(x)) + k.first + static_cast<int64_t>(t);
      taps.index[t * out + o] = std::clamp<int64_t>(at, 0, axis.in - 1);
      taps.weight[t * out + o] = weights[t];
    }
  }
  return taps;
}

template Result<ResizeTaps<float>> resize_taps(const ir::Op&, const ResizeAxis&);
template Result<ResizeTaps<double>> resize_taps(const ir::Op&, const ResizeAxis&);

}  // namespace assay::ops
