#include "ops/window.h"

#include <algorithm>

namespace assay::ops {
namespace {

constexpr int64_t kLimit = int64_t{1} << 31;  // no product of two such numbers overflows

constexpr int64_t kLargestKernel = int64_t{1} << 16;

bool sane(const ir::Dims& values, int64_t least) {
  return std::ranges::all_of(values, [&](int64_t v) { return v >= least && v < kLimit; });
}

/// How many values a window spans.
int64_t reach_of(const WindowAxis& a) { return (a.kernel - 1) * a.dilation + 1; }

/// Sets `out` (and, for SAME, the pads) of one axis whose extent is known.
void place(WindowAxis& a, const std::string& auto_pad, bool ceil_mode) {
  const int64_t reach = reach_of(a);
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    a.out = (a.in + a.stride - 1) / a.stride;
    const int64_t pad = std::max<int64_t>(0, (a.out - 1) * a.stride + reach - a.in);
    a.begin = auto_pad == "SAME_UPPER" ? pad / 2 : pad - pad / 2;
    a.end = pad - a.begin;
    return;
  }
  if (auto_pad == "VALID") a.begin = a.end = 0;
  const int64_t room = a.in + a.begin + a.end - reach;
  if (room < 0) {
    a.out = a.in == 0 ? 0 : room <= -a.stride ? -1 : ceil_mode ? 1 : 0;
    return;
  }
  a.out = (room + (ceil_mode ? a.stride - 1 : 0)) / a.stride + 1;
  if (ceil_mode && (a.out - 1) * a.stride >= a.in + a.begin) --a.out;  // would start in the pads behind
}

}  // namespace

std::pair<int64_t, int64_t> WindowAxis::taps(int64_t o) const {
  const int64_t start = first(o);
  const int64_t lo = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int64_t hi = in <= start ? 0 : std::min(kernel, (in - start + dilation - 1) / dilation);
  return {lo, std::max(lo, hi)};
}

int64_t WindowAxis::padded_taps(int64_t o) const {
  const int64_t room = in + end - first(o);
  return room <= 0 ? 0 : std::min(kernel, (room + dilation - 1) / dilation);
}

Result<std::vector<WindowAxis>> window_axes(const ir::Op& op, const ir::Dims& spatial) {
  const auto fail = [](std::string message) { return Error{Code::model_invalid, std::move(message)}; };
  const size_t n = spatial.size();
  const ir::Dims kernel = op.attr_ints("kernel_shape"), strides = op.attr_ints("strides", ir::Dims(n, 1)),
                 dilations = op.attr_ints("dilations", ir::Dims(n, 1)), pads = op.attr_ints("pads", ir::Dims(2 * n, 0));
  if (kernel.size() != n || strides.size() != n || dilations.size() != n || pads.size() != 2 * n)
    return fail("kernel_shape, strides, dilations or pads do not fit " + std::to_string(n) + " spatial axes");
  const struct {
    const char* name;
    const ir::Dims& values;
    int64_t least;
  } limits[] = {{"kernel_shape", kernel, 1},
                {"strides", strides, 1},
                {"dilations", dilations, 1},
                {"pads", pads, 0},
                {"the input's shape", spatial, -1}};
  for (const auto& [name, values, least] : limits)
    if (!sane(values, least))
      return fail("in " + std::string(name) + " " + ir::to_string(values) + " a number is below " +
                  std::to_string(least) + " or beyond 2^31");
  for (size_t i = 0; i < n; ++i) {
    // Work grows with the kernel: one that hangs out of the data on both sides is a mistake or an attack.
    if (kernel[i] > kLargestKernel && spatial[i] >= 0 && kernel[i] / 2 > spatial[i])
      return fail("a kernel of " + std::to_string(kernel[i]) + " for " + std::to_string(spatial[i]) + " values");
  }
  const std::string auto_pad = op.attr_string("auto_pad", "NOTSET");
  if (auto_pad != "NOTSET" && auto_pad != "" && auto_pad != "VALID" && auto_pad != "SAME_UPPER" &&
      auto_pad != "SAME_LOWER")
    return fail("unknown auto_pad '" + auto_pad + "'");
  std::vector<WindowAxis> axes(n);
  for (size_t i = 0; i < n; ++i) {
    axes[i] = {kernel[i], strides[i], dilations[i], pads[i], pads[n + i], spatial[i], -1};
    if (spatial[i] >= 0) place(axes[i], auto_pad, op.attr_int("ceil_mode", 0) != 0);
    if (spatial[i] > 0 && axes[i].out < 0)
      return fail("axis " + std::to_string(i + 2) + " of the result would be negative: a window reaches over " +
                  std::to_string(reach_of(axes[i])) + " values, and there are " +
                  std::to_string(spatial[i] + axes[i].begin + axes[i].end) + " with the pads");
  }
  return axes;
}

Status infer_pool(InferContext& c) {
  if (!c.ranked(0)) {
    std::optional<std::vector<ir::Dim>> shape;
    if (c.op().has_attr("kernel_shape")) shape.emplace(c.op().attr_ints("kernel_shape").size() + 2);
    c.set(0, c.elem(0), shape);
    c.set(1, ir::ElemType::int64, std::move(shape));
    return {};
  }
  std::vector<ir::Dim> out = c.shape(0);
  if (out.size() < 3) return c.fail("pool_c1", "the input has no spatial axes");
  ir::Dims spatial;
  for (size_t i = 2; i < out.size(); ++i) spatial.push_back(out[i].known() ? out[i].value : -1);
  const auto axes = window_axes(c.op(), spatial);
  if (!axes.ok()) return c.fail("pool_c2", axes.error().message);
  for (size_t i = 2; i < out.size(); ++i) out[i] = (*axes)[i - 2].out >= 0 ? ir::Dim((*axes)[i - 2].out) : ir::Dim();
  c.set(0, c.elem(0), out);
  c.set(1, ir::ElemType::int64, std::move(out));
  return {};
}

Status infer_global_pool(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out = c.shape(0);
  if (out.size() < 2) return c.fail("global_pool_c1", "the input has no channel axis");
  for (size_t i = 2; i < out.size(); ++i) out[i] = 1;
  c.set(0, c.elem(0), std::move(out));
  return {};
}

}  // namespace assay::ops
