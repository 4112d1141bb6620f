// Conv and ConvTranspose. Pads are written out where extents are known, so that nobody's rule for "same" is relied on.
#include <algorithm>

#include "ops/lower/families.h"
#include "ops/lower/steps.h"
#include "ops/lower/window_form.h"

namespace assay::ops {
namespace {

template <class C>
WindowOperands operands_of(const C& c) {
  WindowOperands operands;
  const ir::Dims stated = c.op.attr_ints("kernel_shape");
  for (int64_t i = 2; i < c.rank(0); ++i) {
    operands.spatial.push_back(c.dim(0, i));
    const int64_t extent = c.dim(1, i);
    operands.kernel.push_back(extent < 0 && !stated.empty() ? stated[static_cast<size_t>(i - 2)] : extent);
  }
  return operands;
}

/// The shape under which a bias adds to channels: [C, 1, ...].
ir::Dims channel_shape(int64_t channels, size_t spatial) {
  ir::Dims shape(spatial + 1, 1);
  shape[0] = channels;
  return shape;
}

bool has_tail(const WindowForm& form) {
  return std::ranges::any_of(form.tail, [](int64_t t) { return t != 0; });
}

/// Zeros behind the spatial axes: begin and end of each axis of the padded value, from the last `form` names.
ir::Dims tail_pads(const WindowForm& form) {
  ir::Dims pads;
  for (const int64_t t : form.tail) pads.insert(pads.end(), {0, t});
  return pads;
}

MilParams mil_params(MilContext& c, const WindowForm& form) {
  need_window(c, form);
  MilParams params = {{"x", c.in(0)}, {"weight", c.in(1)}};
  for (MilParam& param : mil_window(form)) params.push_back(std::move(param));
  params.push_back({"dilations", MilContext::ints(form.dilation)});
  params.push_back({"groups", mil::of_int(static_cast<int32_t>(c.op.attr_int("group", 1)))});
  return params;
}

/// The operation, with the bias as its parameter where it can be one, else zeros and bias behind it.
Status mil_emit(MilContext& c, std::string_view type, MilParams params, const WindowForm& form, int64_t channels) {
  const bool tail = has_tail(form), folds = c.has(2) && c.constant(2) != nullptr && !tail;
  if (folds) params.push_back({"bias", c.in(2)});
  if (!tail && (folds || !c.has(2))) return c.emit(type, params);
  ASSAY_TRY(const mil::Type result, mil_type(c.out_type()));
  mil::Type bare = mil::Type::tensor(c.precision(), result.dims);
  for (size_t i = 0; i < form.tail.size(); ++i)
    if (int64_t& d = (*bare.dims)[i + 2]; d >= 0) d -= form.tail[i];
  MilSteps s(c);
  MilValue y = c.make(type, params, bare);
  if (tail)
    y = c.make("pad",
               {{"x", y},
                {"pad", MilContext::ints(tail_pads(form))},
                {"mode", mil::of_text("constant")},
                {"constant_val", c.number(0)}},
               mil::Type::tensor(c.precision(), result.dims));
  if (c.has(2)) y = s.add(y, s.reshape(c.in(2), channel_shape(channels, form.kernel.size())));
  return c.result(y);
}

}  // namespace

Status conv_to_mil(MilContext& c) {
  ASSAY_TRY(const WindowForm form, conv_form(c.op, operands_of(c)));
  if (c.constant(1) == nullptr && form.dilated())
    return c.refuse("a dilated convolution with a weight that is computed");
  return mil_emit(c, "conv", mil_params(c, form), form, c.dim(1, 0));
}

Status conv_transpose_to_mil(MilContext& c) {
  ASSAY_TRY(const WindowForm form, conv_transpose_form(c.op, operands_of(c)));
  if (c.constant(1) == nullptr) c.need(8, "transposed convolutions with a weight that is computed");
  const int64_t channels = c.dim(1, 1) < 0 ? -1 : c.dim(1, 1) * c.op.attr_int("group", 1);
  return mil_emit(c, "conv_transpose", mil_params(c, form), form, channels);
}

namespace {

struct NnConv {
  WindowForm form;
  bool transposed = false;
  int64_t in = 0, out = 0;  ///< channels
};

mil::Message plane_params(NnContext& c, const NnConv& conv, const WindowForm& form) {
  mil::Message params = c.params("convolution");
  const int64_t groups = c.op.attr_int("group", 1);
  params.set("outputChannels", conv.out).set("kernelChannels", conv.transposed ? conv.in : conv.in / groups);
  params.set("nGroups", groups).set("kernelSize", form.kernel).set("stride", form.stride);
  params.set("dilationFactor", form.dilation).set("isDeconvolution", int64_t{conv.transposed});
  nn_padding(params, form);
  return params;
}

mil::Message volume_params(NnContext& c, const NnConv& conv) {
  mil::Message params = c.params("convolution3d");
  const WindowForm& f = conv.form;
  params.set("outputChannels", conv.out).set("inputChannels", conv.in).set("nGroups", c.op.attr_int("group", 1));
  params.set("kernelDepth", f.kernel[0]).set("kernelHeight", f.kernel[1]).set("kernelWidth", f.kernel[2]);
  params.set("strideDepth", f.stride[0]).set("strideHeight", f.stride[1]).set("strideWidth", f.stride[2]);
  params.set("dilationDepth", f.dilation[0]).set("dilationHeight", f.dilation[1]).set("dilationWidth", f.dilation[2]);
  params.set("isDeconvolution", int64_t{conv.transposed});
  nn_padding3d(params, f);
  return params;
}

/// Zeros, the bias, or nothing behind the layer's result.
Status nn_finish(NnContext& c, const NnConv& conv, std::string y, bool biased) {
  const WindowForm& form = conv.form;
  if (has_tail(form)) {
    ir::Dims pads(4, 0);
    const ir::Dims tail = tail_pads(form);
    pads.insert(pads.end(), tail.begin(), tail.end());
    y = c.make("constantPad", {y}, c.params("constantPad").set("padAmounts", pads));
  }
  if (c.has(2) && !biased) {
    NnSteps s(c);
    y = s.add(y, s.reshape(c.in(2), channel_shape(conv.out, form.kernel.size())));
  }
  return c.result(y);
}

/// The form with a weight that is computed: neither dilation nor bias.
Status nn_dynamic(NnContext& c, const NnConv& conv) {
  if (conv.transposed || conv.form.kernel.size() == 3)
    return c.refuse("layers take a weight that is computed in one- and two-dimensional convolutions alone");
  if (conv.form.dilated()) return c.refuse("a dilated convolution with a weight that is computed");
  NnSteps s(c);
  const bool line = conv.form.kernel.size() == 1;
  const std::string x = line ? s.expand(c.in(0), {2}) : c.in(0), w = line ? s.expand(c.in(1), {2}) : c.in(1);
  std::string y = c.make("convolution", {x, w}, plane_params(c, conv, line ? widened(conv.form) : conv.form));
  if (line) y = s.squeeze(y, {2});
  return nn_finish(c, conv, std::move(y), false);
}

Status nn_emit(NnContext& c, const NnConv& conv) {
  const size_t spatial = conv.form.kernel.size();
  if (!ir::is_float(c.elem(0))) return c.refuse("layers compute in floating point");
  if (conv.in < 0 || conv.out < 0) return c.refuse("the number of channels is not known");
  if (c.constant(1) == nullptr) return nn_dynamic(c, conv);
  if (spatial == 3 && (conv.form.same_upper || conv.form.same_lower))
    return c.refuse("auto_pad over extents that are not known, in three dimensions");
  const bool biased = c.has(2) && c.constant(2) != nullptr && !has_tail(conv.form);
  mil::Message params =
      spatial == 3 ? volume_params(c, conv) : plane_params(c, conv, spatial == 1 ? widened(conv.form) : conv.form);
  // Deconvolutions have theirs as [Cin, Cout / groups, ...], in three dimensions too: as ONNX does.
  params.set("weights", c.weights(*c.constant(1)));
  params.set("hasBias", int64_t{biased});
  if (biased) params.set("bias", c.weights(*c.constant(2)));
  NnSteps s(c);
  const std::string_view kind = spatial == 3 ? "convolution3d" : "convolution";
  std::string y = c.make(kind, {spatial == 1 ? s.expand(c.in(0), {2}) : c.in(0)}, std::move(params));
  if (spatial == 1) y = s.squeeze(y, {2});
  return nn_finish(c, conv, std::move(y), biased);
}

}  // namespace

Status conv_to_nn(NnContext& c) {
  ASSAY_TRY(const WindowForm form, conv_form(c.op, operands_of(c)));
  const int64_t channels = c.dim(1, 1) < 0 ? -1 : c.dim(1, 1) * c.op.attr_int("group", 1);
  return nn_emit(c, {form, false, channels, c.dim(1, 0)});
}

Status conv_transpose_to_nn(NnContext& c) {
  ASSAY_TRY(const WindowForm form, conv_transpose_form(c.op, operands_of(c)));
  if (form.dilated() && form.kernel.size() < 3) return c.refuse("deconvolution layers ignore dilations");
  const int64_t channels = c.dim(1, 1) < 0 ? -1 : c.dim(1, 1) * c.op.attr_int("group", 1);
  return nn_emit(c, {form, true, c.dim(1, 0), channels});
}

}  // namespace assay::ops
