// ConvInteger and QLinearConv with constant weights, in float32: as ops/lower/integer_product.cc has products.
#include "ops/lower/codes.h"
#include "ops/lower/families.h"
#include "ops/lower/window_form.h"

namespace assay::ops {
namespace {

struct Inputs {
  size_t x_zero, w, w_zero, bias;
};
constexpr Inputs kInteger{2, 1, 3, SIZE_MAX}, kLinear{2, 3, 5, 8};

/// Weights minus zero points, and what a sum may grow to.
struct Weights {
  ir::Tensor values;
  double largest = 0;
};

template <class C>
Result<Weights> weights_of(const C& c, const Inputs& in, double reach) {
  const ir::Tensor& w = *c.constant(in.w);
  const int64_t outputs = w.dims()[0], each = outputs == 0 ? 0 : w.size() / outputs;
  ASSAY_TRY(const std::vector<float> zeros, fixed_numbers(c, in.w_zero, outputs));
  Weights out{ir::Tensor::allocate(ir::ElemType::float32, w.dims())};
  for (int64_t m = 0; m < outputs; ++m) {
    double sum = 0;
    for (int64_t k = m * each; k < (m + 1) * each; ++k) {
      const float value = static_cast<float>(w.int_at(k)) - zeros[zeros.size() == 1 ? 0 : static_cast<size_t>(m)];
      out.values.mutable_data<float>()[k] = value;
      sum += std::abs(static_cast<double>(value)) * reach;
    }
    if (in.bias != SIZE_MAX && c.has(in.bias)) sum += std::abs(static_cast<double>(c.constant(in.bias)->int_at(m)));
    out.largest = std::max(out.largest, sum);
  }
  return out;
}

template <class C>
Result<WindowForm> form_of(const C& c, const Inputs& in) {
  WindowOperands operands;
  for (int64_t i = 2; i < c.rank(0); ++i) {
    operands.spatial.push_back(c.dim(0, i));
    operands.kernel.push_back(c.dim(in.w, i));
  }
  return conv_form(c.op, operands);
}

MilValue convolved(MilSteps& s, const MilValue& x, const ir::Tensor& w, const WindowForm& form) {
  MilContext& c = s.c;
  need_window(c, form);
  const std::vector<float> values(w.data<float>(), w.data<float>() + w.size());
  MilParams params = {{"x", x}, {"weight", s.floats(values, w.dims())}};
  for (MilParam& param : mil_window(form)) params.push_back(std::move(param));
  params.push_back({"dilations", MilContext::ints(form.dilation)});
  params.push_back({"groups", mil::of_int(static_cast<int32_t>(c.op.attr_int("group", 1)))});
  mil::Dims dims = x.dims();
  const ir::Type& out = c.out_type();
  for (size_t i = 1; i < dims.size(); ++i) dims[i] = (*out.shape)[i].value;
  return c.make("conv", params, mil::Type::tensor(mil::DataType::float32, std::move(dims)));
}

std::string convolved(NnSteps& s, const std::string& x, const ir::Tensor& w, const WindowForm& given) {
  NnContext& c = s.c;
  const bool line = given.kernel.size() == 1;
  const WindowForm form = line ? widened(given) : given;
  mil::Message params = c.params("convolution");
  params.set("outputChannels", w.dims()[0]).set("kernelChannels", w.dims()[1]);
  params.set("nGroups", c.op.attr_int("group", 1)).set("kernelSize", form.kernel).set("stride", form.stride);
  params.set("dilationFactor", form.dilation).set("isDeconvolution", int64_t{0}).set("hasBias", int64_t{0});
  nn_padding(params, form);
  params.set("weights", c.weights(w));
  const std::string y = c.make("convolution", {line ? s.expand(x, {2}) : x}, std::move(params));
  return line ? s.squeeze(y, {2}) : y;
}

/// The shape under which numbers of channels broadcast: [C, 1, ...].
ir::Dims channel_shape(int64_t channels, size_t spatial) {
  ir::Dims shape(spatial + 1, 1);
  shape[0] = channels;
  return shape;
}

/// The exact sums.
template <class S>
Result<typename S::Value> sums(S& s, const Inputs& in) {
  auto& c = s.c;
  stay_single(c);
  const ir::Tensor* w = c.constant(in.w);
  const bool biased = in.bias != SIZE_MAX && c.has(in.bias);
  if (w == nullptr || w->size() == 0 || (biased && c.constant(in.bias) == nullptr))
    return c.refuse("a convolution of codes with weights or a bias that are computed");
  if (c.rank(0) < 3 || c.rank(0) > 4 || !c.out_type().ranked())
    return c.refuse("a convolution of codes over other than one or two axes");
  ASSAY_TRY(const float zero, fixed_number(c, in.x_zero));
  ASSAY_TRY(const Weights weights, weights_of(c, in, reach_of(c.elem(0), zero)));
  if (weights.largest > static_cast<double>(kExactSum))
    return c.refuse("sums of products that float32 may not hold exactly (more than 2^24)");
  ASSAY_TRY(const WindowForm form, form_of(c, in));
  const typename S::Value x = minus(s, whole_numbers(s, 0), zero);
  ASSAY_CHECK(c.status());
  typename S::Value y = convolved(s, x, weights.values, form);
  if (!biased) return y;
  std::vector<float> bias;
  for (const int64_t b : c.constant(in.bias)->ints()) bias.push_back(static_cast<float>(b));
  return s.add(y, s.floats(bias, channel_shape(w->dims()[0], form.kernel.size())));
}

Status integers(MilSteps& s, const MilValue& y) { return s.c.result(s.c.cast(y, mil::DataType::int32)); }
Status integers(NnSteps& s, const std::string& y) { return s.c.result(y); }

template <class S>
Status conv_integer(S s) {
  ASSAY_TRY(const auto y, sums(s, kInteger));
  return integers(s, y);
}

template <class S>
Status qlinear_conv(S s) {
  ASSAY_TRY(auto y, sums(s, kLinear));
  const int64_t channels = s.c.constant(kLinear.w)->dims()[0];
  ASSAY_TRY(const float x, fixed_number(s.c, 1));
  ASSAY_TRY(std::vector<float> scales, fixed_numbers(s.c, 4, channels));
  ASSAY_TRY(const float by, fixed_divisor(s.c, 6));
  ASSAY_TRY(const float zero, fixed_number(s.c, 7));
  for (float& scale : scales) scale = x * scale / by;
  if (scales.size() == 1)
    y = s.mul(y, static_cast<double>(scales[0]));
  else
    y = s.mul(y, s.floats(scales, channel_shape(channels, static_cast<size_t>(s.c.rank(0) - 2))));
  return codes_result(s, y, zero);
}

}  // namespace

Status conv_integer_to_mil(MilContext& c) { return conv_integer(MilSteps(c)); }
Status conv_integer_to_nn(NnContext& c) { return conv_integer(NnSteps(c)); }
Status qlinear_conv_to_mil(MilContext& c) { return qlinear_conv(MilSteps(c)); }
Status qlinear_conv_to_nn(NnContext& c) { return qlinear_conv(NnSteps(c)); }

}  // namespace assay::ops
