#include <algorithm>

#include "ops/contraction/transposed.h"
#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/families.h"
#include "ops/window_attrs.h"

namespace assay::ops {
namespace {

constexpr int64_t kLargest = int64_t{1} << 31;

/// Extent of the output, and the padding in front (which auto_pad and output_shape determine).
struct Placed {
  int64_t out, before;
};

Placed place(const ir::Op& op, const KernelAxis& axis, size_t i, size_t spatial, int64_t in) {
  const auto extra = op.attr_ints("output_padding"), shape = op.attr_ints("output_shape");
  const int64_t full = (in - 1) * axis.stride + axis.reach() + (extra.size() == spatial ? extra[i] : 0);
  const bool same = axis.auto_pad == AutoPad::same_upper || axis.auto_pad == AutoPad::same_lower;
  if (shape.empty() && !same) return {full - axis.before - axis.after, axis.before};
  const int64_t out = shape.empty() ? in * axis.stride : shape[shape.size() - spatial + i];
  const int64_t total = std::max<int64_t>(0, full - out);
  return {out, axis.auto_pad == AutoPad::same_upper ? total / 2 : total - total / 2};
}

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  const int64_t rank = c.rank(0);
  if (rank < 3) return c.fail("conv_transpose_c1", "the input has rank " + std::to_string(rank) + ", not 3 or more");
  std::vector<ir::Dim> out(static_cast<size_t>(rank));
  out[0] = c.shape(0)[0];
  if (c.ranked(1)) {
    if (c.rank(1) != rank) return c.fail("conv_transpose_c2", "weights of rank " + std::to_string(c.rank(1)));
    const auto &x = c.shape(0), &w = c.shape(1);
    const int64_t groups = c.op().attr_int("group", 1);
    if (groups < 1 || groups >= kLargest || (x[1].known() && x[1].value % groups != 0))
      return c.fail("conv_transpose_c3", "group is " + std::to_string(groups));
    if (x[1].known() && w[0].known() && x[1].value != w[0].value)
      return c.fail("conv_transpose_c4", "weights for " + std::to_string(w[0].value) + " channels, the input has " +
                                             std::to_string(x[1].value));
    if (w[1].known() && w[1].value < kLargest) out[1] = w[1].value * groups;
    if (c.has(2) && c.ranked(2) &&
        (c.rank(2) != 1 || (out[1].known() && c.shape(2)[0].known() && c.shape(2)[0].value != out[1].value)))
      return c.fail("conv_transpose_c5", "a bias of shape " + to_string(c.type(2)));
    ASSAY_TRY(const KernelAttrs attrs, window_attrs(c, {w.begin() + 2, w.end()}, "conv_transpose_c6"));
    const size_t spatial = attrs.axes.size();
    const auto shape = c.op().attr_ints("output_shape"), extra = c.op().attr_ints("output_padding");
    const auto sane = [](int64_t v) { return v >= 0 && v < kLargest; };
    if ((!shape.empty() && shape.size() < spatial) || (!extra.empty() && extra.size() != spatial) ||
        !std::ranges::all_of(shape, sane) || !std::ranges::all_of(extra, sane))
      return c.fail("conv_transpose_c7", "output_shape or output_padding is out of range");
    for (size_t i = 0; i < spatial; ++i) {
      const ir::Dim& in = x[i + 2];
      if (!in.known() || attrs.axes[i].kernel < 0) continue;
      if (in.value >= kLargest) return c.fail("conv_transpose_c8", "an extent of " + std::to_string(in.value));
      const Placed placed = place(c.op(), attrs.axes[i], i, spatial, in.value);
      if (placed.out < 0) return c.fail("conv_transpose_c8", "axis " + std::to_string(i) + " would be negative");
      out[i + 2] = placed.out;
    }
  }
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &w = c.in(1).dims(), &y = c.out(0).dims();
  if (x.size() > 5) return c.fail(Code::op_unsupported, "a convolution over more than three spatial axes");
  contraction::Window window;
  window.images = static_cast<size_t>(x[0]), window.channels = static_cast<size_t>(x[1]);
  window.groups = static_cast<size_t>(c.op.attr_int("group", 1)), window.outputs = static_cast<size_t>(y[1]);
  const size_t spatial = x.size() - 2;
  const KernelAttrs attrs = window_attrs_unchecked(c.op, {w.begin() + 2, w.end()});
  for (size_t i = 0; i < spatial; ++i) {
    const size_t axis = 3 - spatial + i;
    window.in[axis] = static_cast<size_t>(x[i + 2]), window.out[axis] = static_cast<size_t>(y[i + 2]);
    window.kernel[axis] = static_cast<size_t>(attrs.axes[i].kernel);
    window.stride[axis] = static_cast<size_t>(attrs.axes[i].stride);
    window.dilation[axis] = static_cast<size_t>(attrs.axes[i].dilation);
    window.pad[axis] = place(c.op, attrs.axes[i], i, spatial, x[i + 2]).before;
  }
  return contraction::convolve_transposed(c, window);
}

constexpr In kIn[] = {{"X", kFloats}, {"W", kFloats}, {"B", kFloats, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"auto_pad", "NOTSET"},   {"dilations", "1s"},   {"group", "1"}, {"kernel_shape", "of W"},
                              {"output_padding", "0s"}, {"output_shape", "-"}, {"pads", "0s"}, {"strides", "1s"}};

}  // namespace

extern const OpDef kConvTranspose = {
    .name = "ConvTranspose",
    .since = 22,
    .doc = "Transposed convolution over one to three spatial axes, in groups, with an optional bias.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "contributing products over (channel of the group, kernel axes)",
    .infer = infer,
    .eval = eval,
    .to_mil = {conv_transpose_to_mil, "conv_transpose; pad and add where zeros follow"},
    .to_nn = {conv_transpose_to_nn, "convolution, convolution3d (isDeconvolution); constantPad where zeros follow"},
    .takes_epilogue = true,
};

}  // namespace assay::ops
