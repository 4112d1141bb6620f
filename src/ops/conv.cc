#include "ops/contraction/convolution.h"
#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/families.h"
#include "ops/window_attrs.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  const auto unknown = [&](std::optional<std::vector<ir::Dim>> shape) {
    c.set(0, c.elem(0), std::move(shape));
    return Status{};
  };
  if (!c.ranked(0)) return unknown(std::nullopt);
  const int64_t rank = c.rank(0);
  if (rank < 3) return c.fail("conv_c1", "the input has rank " + std::to_string(rank) + ", not 3 or more");
  std::vector<ir::Dim> out(static_cast<size_t>(rank));
  out[0] = c.shape(0)[0];
  if (!c.ranked(1)) return unknown(std::move(out));
  if (c.rank(1) != rank) return c.fail("conv_c2", "weights of rank " + std::to_string(c.rank(1)));
  const auto &x = c.shape(0), &w = c.shape(1);
  const int64_t groups = c.op().attr_int("group", 1);
  if (groups < 1) return c.fail("conv_c3", "group is " + std::to_string(groups));
  if (x[1].known() && w[1].known() && (w[1].value > x[1].value || w[1].value * groups != x[1].value))
    return c.fail("conv_c4", std::to_string(x[1].value) + " input channels for " + std::to_string(groups) +
                                 " groups of " + std::to_string(w[1].value));
  if (w[0].known() && w[0].value % groups != 0)
    return c.fail("conv_c5", std::to_string(w[0].value) + " output channels in " + std::to_string(groups) + " groups");
  if (c.has(2) && c.ranked(2) &&
      (c.rank(2) != 1 || (w[0].known() && c.shape(2)[0].known() && c.shape(2)[0].value != w[0].value)))
    return c.fail("conv_c6", "a bias of shape " + to_string(c.type(2)));
  out[1] = w[0];
  ASSAY_TRY(const KernelAttrs attrs, window_attrs(c, {w.begin() + 2, w.end()}, "conv_c7"));
  for (size_t i = 0; i < attrs.axes.size(); ++i) {
    if (!x[i + 2].known() || attrs.axes[i].kernel < 0) continue;
    const int64_t extent = attrs.axes[i].out_extent(x[i + 2].value);
    if (extent < 0) return c.fail("conv_c8", "axis " + std::to_string(i) + " of the result would be negative");
    out[i + 2] = extent;
  }
  return unknown(std::move(out));
}

contraction::Window window_of(const ir::Op& op, const ir::Dims& x, const ir::Dims& w, const ir::Dims& y) {
  contraction::Window window;
  window.images = static_cast<size_t>(x[0]), window.channels = static_cast<size_t>(x[1]);
  window.outputs = static_cast<size_t>(w[0]);
  window.groups = static_cast<size_t>(op.attr_int("group", 1));
  const size_t spatial = x.size() - 2;
  const KernelAttrs attrs = window_attrs_unchecked(op, {w.begin() + 2, w.end()});
  for (size_t i = 0; i < spatial; ++i) {
    const size_t axis = 3 - spatial + i;
    window.in[axis] = static_cast<size_t>(x[i + 2]), window.out[axis] = static_cast<size_t>(y[i + 2]);
    window.kernel[axis] = static_cast<size_t>(attrs.axes[i].kernel);
    window.stride[axis] = static_cast<size_t>(attrs.axes[i].stride);
    window.dilation[axis] = static_cast<size_t>(attrs.axes[i].dilation);
    window.pad[axis] = attrs.axes[i].pad_before(x[i + 2]);
  }
  return window;
}

Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &w = c.in(1).dims();
  if (x.size() > 5) return c.fail(Code::op_unsupported, "a convolution over more than three spatial axes");
  return contraction::convolve(c, window_of(c.op, x, w, c.out(0).dims()));
}

Result<std::shared_ptr<const void>> prepare(PrepareContext& c) {
  std::shared_ptr<const void> nothing;
  if (!c.has(1) || c.constants[1]->rank() < 3 || c.constants[1]->size() == 0) return nothing;
  const int64_t groups = c.op.attr_int("group", 1);
  if (groups < 1 || c.constants[1]->dims()[0] % groups != 0) return nothing;
  return contraction::prepare_weights(c, *c.constants[1], static_cast<size_t>(groups));
}

constexpr In kIn[] = {{"X", kFloats}, {"W", kFloats}, {"B", kFloats, kOptional}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"auto_pad", "NOTSET"},   {"dilations", "1s"}, {"group", "1"},
                              {"kernel_shape", "of W"}, {"pads", "0s"},      {"strides", "1s"}};

}  // namespace

extern const OpDef kConv = {
    .name = "Conv",
    .since = 22,
    .doc = "Convolution over one to three spatial axes, in groups, with an optional bias; padding is skipped.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::contraction,
    .accumulates = "products over (channel of the group, kernel axes)",
    .infer = infer,
    .eval = eval,
    .prepare = prepare,
    .to_mil = {conv_to_mil, "conv; reshape and add for a bias that is computed"},
    .to_nn = {conv_to_nn, "convolution, convolution3d; expandDims and squeeze in one dimension"},
    .takes_epilogue = true,
};

}  // namespace assay::ops
