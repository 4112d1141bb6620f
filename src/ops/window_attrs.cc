#include "ops/window_attrs.h"

#include <algorithm>

namespace assay::ops {
namespace {

constexpr int64_t kLargest = int64_t{1} << 31;  // products of two stay in int64

AutoPad auto_pad_of(const std::string& text) {
  if (text == "VALID") return AutoPad::valid;
  if (text == "SAME_UPPER") return AutoPad::same_upper;
  if (text == "SAME_LOWER") return AutoPad::same_lower;
  return AutoPad::none;
}

/// Values of an attribute, `fallback` where it is absent; empty when it has another number of values.
std::vector<int64_t> values(const ir::Op& op, std::string_view name, size_t count, int64_t fallback) {
  std::vector<int64_t> all = op.attr_ints(name);
  if (all.empty()) all.assign(count, fallback);
  if (all.size() != count) all.clear();
  return all;
}

bool within(const std::vector<int64_t>& all, int64_t least) {
  return std::ranges::all_of(all, [&](int64_t v) { return v >= least && v < kLargest; });
}

}  // namespace

int64_t KernelAxis::out_extent(int64_t in) const {
  if (auto_pad == AutoPad::same_upper || auto_pad == AutoPad::same_lower) return (in + stride - 1) / stride;
  const int64_t room = in + before + after - reach();
  if (room < 0) return room >= -stride ? 0 : -1;
  if (!ceil_mode) return room / stride + 1;
  const int64_t out = (room + stride - 1) / stride + 1;
  return (out - 1) * stride >= in + before ? out - 1 : out;  // no window starts behind the input
}

int64_t KernelAxis::pad_before(int64_t in) const {
  if (auto_pad != AutoPad::same_upper && auto_pad != AutoPad::same_lower) return before;
  const int64_t total = std::max<int64_t>(0, (out_extent(in) - 1) * stride + reach() - in);
  return auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2;
}

KernelAttrs window_attrs_unchecked(const ir::Op& op, const ir::Dims& kernel) {
  const size_t count = kernel.size();
  const auto strides = values(op, "strides", count, 1), dilations = values(op, "dilations", count, 1);
  const auto pads = values(op, "pads", 2 * count, 0);
  KernelAttrs attrs;
  for (size_t i = 0; i < count; ++i) {
    KernelAxis axis{.kernel = kernel[i], .stride = strides[i], .dilation = dilations[i]};
    axis.auto_pad = auto_pad_of(op.attr_string("auto_pad", "NOTSET"));
    if (axis.auto_pad == AutoPad::none) axis.before = pads[i], axis.after = pads[count + i];
    axis.ceil_mode = op.attr_int("ceil_mode", 0) != 0;
    attrs.axes.push_back(axis);
  }
  return attrs;
}

Result<KernelAttrs> window_attrs(InferContext& c, const std::vector<ir::Dim>& kernel, std::string_view label) {
  const ir::Op& op = c.op();
  const size_t count = kernel.size();
  const std::vector<int64_t> stated = op.attr_ints("kernel_shape");
  if (!stated.empty() && stated.size() != count)
    return c.fail(label,
                  "kernel_shape has " + std::to_string(stated.size()) + " extents, not " + std::to_string(count));
  ir::Dims extents(count, -1);
  for (size_t i = 0; i < count; ++i) {
    if (kernel[i].known()) extents[i] = kernel[i].value;
    if (stated.empty()) continue;
    if (kernel[i].known() && kernel[i].value != stated[i])
      return c.fail(label, "kernel_shape contradicts the shape of the weights");
    extents[i] = stated[i];
  }
  const auto strides = values(op, "strides", count, 1), dilations = values(op, "dilations", count, 1);
  const auto pads = values(op, "pads", 2 * count, 0);
  if (strides.size() != count || dilations.size() != count || pads.size() != 2 * count)
    return c.fail(label, "strides, dilations or pads have a wrong number of values");
  if (!within(strides, 1) || !within(dilations, 1) || !within(pads, -kLargest))
    return c.fail(label, "strides, dilations or pads are out of range");
  for (size_t i = 0; i < count; ++i) {
    if (extents[i] == 0 || extents[i] >= kLargest || (extents[i] > 0 && extents[i] * dilations[i] >= kLargest))
      return c.fail(label, "a kernel extent of " + std::to_string(extents[i]));
  }
  return window_attrs_unchecked(op, extents);
}

}  // namespace assay::ops
