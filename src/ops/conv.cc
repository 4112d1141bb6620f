#include "ops/contraction/convolution.h"
#include "ops/conv_shape.h"
#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/lower/families.h"
#include "ops/window_attrs.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  ASSAY_TRY(auto shape, infer_convolution(c, 0, 1, 2));
  c.set(0, c.elem(0), std::move(shape));
  return {};
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
