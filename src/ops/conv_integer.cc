// ConvInteger and QLinearConv: exact in int32, which wraps modulo 2^32; QLinearConv then scales the sums.
#include <algorithm>

#include "ops/conv_shape.h"
#include "ops/integer/convolution.h"
#include "ops/integer/matmul.h"
#include "ops/integer/requantise.h"
#include "ops/lower/families.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

using integer::IntegerConvolution;
using integer::PerLine;

/// One value for all output channels, or one for each.
template <class T>
Result<PerLine<T>> per_channel(const KernelContext& c, size_t input, std::string_view name, int64_t channels) {
  PerLine<T> out;
  if (!c.has(input)) return out;
  const ir::Tensor& t = c.in(input);
  if (t.size() != 1 && (t.rank() != 1 || t.size() != channels))
    return c.fail(Code::model_invalid, "there are " + std::to_string(channels) + " output channels, and the shape " +
                                           ir::to_string(t.dims()) + " of " + std::string(name));
  for (int64_t i = 0; i < t.size(); ++i) out.values.push_back(static_cast<T>(t.float_at(i)));
  out.each = t.size() != 1;
  return out;
}

Result<IntegerConvolution> convolution(const KernelContext& c, size_t x, size_t x_zero, size_t w, size_t w_zero) {
  IntegerConvolution p;
  p.x = &c.in(x), p.w = &c.in(w);
  p.groups = static_cast<size_t>(c.op.attr_int("group", 1));
  p.y = c.outputs[0].dims();
  const ir::Dims& kernel = p.w->dims();
  p.window = window_attrs_unchecked(c.op, {kernel.begin() + 2, kernel.end()});
  for (size_t i = 0; i < p.window.axes.size(); ++i)
    p.window.axes[i].before = p.window.axes[i].pad_before(p.x->dims()[i + 2]);
  ASSAY_TRY(const double zero, only_value(c, x_zero, "the zero point of x"));
  p.x_zero = static_cast<int>(zero);
  ASSAY_TRY(p.w_zeros, per_channel<int16_t>(c, w_zero, "the zero point of w", kernel[0]));
  return p;
}

/// The error with the operation as its place.
Status placed(const KernelContext& c, Status status) {
  if (status.ok()) return status;
  return c.fail(status.error().code, status.error().message);
}

size_t plane_of(const ir::Dims& y) { return extent_of({y.begin() + 2, y.end()}); }

Status infer_integer(InferContext& c) {
  ASSAY_CHECK(integer::check_zero_point_type(c, 0, 2, "conv_integer_c1"));
  ASSAY_CHECK(integer::check_zero_point_type(c, 1, 3, "conv_integer_c2"));
  ASSAY_TRY(auto shape, infer_convolution(c, 0, 1, integer::kNone));
  c.set(0, ir::ElemType::int32, std::move(shape));
  return {};
}

Status eval_integer(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  ASSAY_TRY(const IntegerConvolution p, convolution(c, 0, 2, 1, 3));
  const size_t plane = plane_of(p.y), channels = static_cast<size_t>(p.y[1]);
  int32_t* out = c.out(0).mutable_data<int32_t>();
  return placed(
      c, integer::convolve(p, c.threads, [&](size_t image, size_t m, size_t begin, size_t count, const int32_t* sums) {
        std::copy_n(sums, count, out + (image * channels + m) * plane + begin);
      }));
}

Status infer_linear(InferContext& c) {
  ASSAY_CHECK(integer::check_zero_point_type(c, 0, 2, "qlinear_conv_c1"));
  ASSAY_CHECK(integer::check_zero_point_type(c, 3, 5, "qlinear_conv_c2"));
  ASSAY_TRY(auto shape, infer_convolution(c, 0, 3, 8));
  c.set(0, c.elem(7), std::move(shape));
  return {};
}

template <class T>
Status linear(KernelContext& c) {
  ASSAY_TRY(const IntegerConvolution p, convolution(c, 0, 2, 3, 5));
  const num::Arith<T> arith(c.policy());
  const size_t plane = plane_of(p.y), channels = static_cast<size_t>(p.y[1]);
  ASSAY_TRY(const double x_scale, only_value(c, 1, "the scale of x"));
  ASSAY_TRY(const double y_scale, only_value(c, 6, "the scale of y"));
  ASSAY_TRY(const double y_zero, only_value(c, 7, "the zero point of y"));
  ASSAY_TRY(const auto w_scales, per_channel<double>(c, 4, "the scale of w", p.w->dims()[0]));
  if (c.has(8) && c.in(8).dims() != ir::Dims{p.w->dims()[0]})
    return c.fail(Code::model_invalid, "a bias of shape " + ir::to_string(c.in(8).dims()));
  std::vector<T> scales(channels);
  for (size_t m = 0; m < channels; ++m) scales[m] = integer::code_scale(arith, x_scale, w_scales.at(0, m), y_scale);
  const int32_t* bias = c.has(8) ? c.in(8).data<int32_t>() : nullptr;
  const auto finish = [&](size_t image, size_t m, size_t begin, size_t count, const int32_t* sums) {
    std::vector<int32_t> biased(sums, sums + count);
    if (bias) {
      for (int32_t& sum : biased)
        sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + static_cast<uint32_t>(bias[m]));
    }
    const auto at = static_cast<int64_t>((image * channels + m) * plane + begin);
    integer::requantise(arith, biased.data(), &scales[m], false, count, y_zero, c.out(0), at);
  };
  return placed(c, integer::convolve(p, c.threads, finish));
}

Status eval_linear(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? linear<double>(c) : linear<float>(c);
}

constexpr ir::TypeSet kFloat32 = type_set(ir::ElemType::float32);
constexpr ir::TypeSet kInt32 = type_set(ir::ElemType::int32);
constexpr In kIn[] = {
    {"x", kCodes8}, {"w", kCodes8}, {"x_zero_point", kCodes8, kOptional}, {"w_zero_point", kCodes8, kOptional}};
constexpr In kLinearIn[] = {{"x", kCodes8},
                            {"x_scale", kFloat32, kExempt},
                            {"x_zero_point", kCodes8},
                            {"w", kCodes8},
                            {"w_scale", kFloat32, kExempt},
                            {"w_zero_point", kCodes8},
                            {"y_scale", kFloat32, kExempt},
                            {"y_zero_point", kCodes8},
                            {"B", kInt32, kOptional}};
constexpr Out kOut[] = {{"y"}};
constexpr AttrDoc kAttrs[] = {{"auto_pad", "NOTSET"},   {"dilations", "1s"}, {"group", "1"},
                              {"kernel_shape", "of w"}, {"pads", "0s"},      {"strides", "1s"}};

}  // namespace

extern const OpDef kConvInteger = {
    .name = "ConvInteger",
    .since = 10,
    .doc = "Convolution of 8-bit integers minus their zero points, exact in int32 (modulo 2^32).",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .infer = infer_integer,
    .eval = eval_integer,
    .to_mil = {conv_integer_to_mil, "conv with constant weights, where float32 holds the sums"},
    .to_nn = {conv_integer_to_nn, "convolution with constant weights, where float32 holds the sums"},
};

extern const OpDef kQLinearConv = {
    .name = "QLinearConv",
    .since = 10,
    .doc = "Convolution of 8-bit codes: an exact sum in int32, times x_scale * w_scale / y_scale, to the nearest code.",
    .in = kLinearIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::convert,
    .infer = infer_linear,
    .eval = eval_linear,
    .to_mil = {qlinear_conv_to_mil, "conv with constant weights, where float32 holds the sums; mul, round, clip"},
    .to_nn = {qlinear_conv_to_nn,
              "convolution with constant weights, where float32 holds the sums; multiplyBroadcastable, floor, "
              "comparisons, clip"},
};

}  // namespace assay::ops
