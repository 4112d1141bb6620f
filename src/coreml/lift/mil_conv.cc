// Convolutions.
#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"
#include "coreml/lift/mil_window.h"

namespace assay::coreml {

ir::Dims custom_pads(MilLift& c, int64_t spatial) {
  const auto n = static_cast<size_t>(spatial);
  ir::Dims pads(2 * n, 0);
  if (c.text("pad_type", "valid") != "custom") return pads;
  const ir::Dims given = c.integers("pad", pads);
  if (given.size() != 2 * n) {
    c.bad("'pad' does not have two numbers for each of " + std::to_string(spatial) + " axes");
    return pads;
  }
  for (size_t k = 0; k < n; ++k) pads[k] = given[2 * k], pads[n + k] = given[2 * k + 1];
  return pads;
}

std::vector<ir::Attr> window_attrs(MilLift& c, int64_t spatial, bool dilates) {
  const ir::Dims ones(static_cast<size_t>(spatial), 1);
  std::vector<ir::Attr> attrs = {{"strides", c.integers("strides", ones)}};
  if (dilates) attrs.push_back({"dilations", c.integers("dilations", ones)});
  const std::string type = c.text("pad_type", "valid");
  if (type == "same")
    attrs.push_back({"auto_pad", std::string("SAME_UPPER")});
  else if (type == "same_lower")
    attrs.push_back({"auto_pad", std::string("SAME_LOWER")});
  else if (type == "custom")
    attrs.push_back({"pads", custom_pads(c, spatial)});
  else if (type != "valid")
    c.bad("unknown pad_type '" + type + "'");
  return attrs;
}

namespace {

int64_t spatial_axes(MilLift& c, ValueId x) {
  const int64_t spatial = c.rank(x) - 2;
  if (spatial < 1 || spatial > 3) c.bad("x has no 1 to 3 spatial axes");
  return std::max<int64_t>(spatial, 1);
}

void convolve(MilLift& c, ValueId x, ValueId weight, ValueId bias) {
  auto attrs = window_attrs(c, spatial_axes(c, x), true);
  attrs.push_back({"group", c.integer("groups", 1)});
  c.result(c.op("Conv", {x, weight, bias}, std::move(attrs)));
}

void lift_conv(MilLift& c) {
  const ValueId x = in_widest(c, {"weight", "bias"});
  convolve(c, x, in_like(c, "weight", x), optional_in_like(c, "bias", x));
}

/// Pads that give an output of the wanted extents: those in front stand, those behind follow.
void fit_output(MilLift& c, int64_t spatial, const ir::Dims& wanted, ValueId x, ValueId weight,
                std::vector<ir::Attr>& attrs) {
  const auto n = static_cast<size_t>(spatial);
  const ir::Dims ones(n, 1), strides = c.integers("strides", ones), dilations = c.integers("dilations", ones);
  const bool same = c.text("pad_type", "valid") == "same";
  ir::Dims pads = custom_pads(c, spatial), extra(n, 0);
  if (wanted.size() != n + 2 || strides.size() != n || dilations.size() != n)
    return c.bad("output_shape, strides or dilations do not have a number for each axis");
  for (size_t k = 0; k < n; ++k) {
    const auto axis = static_cast<int64_t>(k) + 2;
    if (c.dim(x, axis) < 0 || c.dim(weight, axis) < 0) return c.unsupported("output_shape with unknown extents");
    const int64_t full = (c.dim(x, axis) - 1) * strides[k] + (c.dim(weight, axis) - 1) * dilations[k] + 1;
    const int64_t total = full - wanted[k + 2];
    if (same) pads[k] = std::max<int64_t>(total, 0) / 2;
    pads[n + k] = std::max<int64_t>(total - pads[k], 0);
    extra[k] = std::max<int64_t>(pads[k] - total, 0);
  }
  std::erase_if(attrs, [](const ir::Attr& a) { return a.name == "auto_pad" || a.name == "pads"; });
  attrs.push_back({"pads", std::move(pads)});
  attrs.push_back({"output_padding", std::move(extra)});
}

void lift_conv_transpose(MilLift& c) {
  const ValueId x = in_widest(c, {"weight", "bias"}), weight = in_like(c, "weight", x),
                bias = optional_in_like(c, "bias", x);
  const int64_t spatial = spatial_axes(c, x);
  auto attrs = window_attrs(c, spatial, true);
  attrs.push_back({"group", c.integer("groups", 1)});
  if (c.has("output_shape")) fit_output(c, spatial, c.integers("output_shape"), x, weight, attrs);
  c.result(c.op("ConvTranspose", {x, weight, bias}, std::move(attrs)));
}

/// weight * scale + bias (linear), or the table's entries (lut), for each output channel or for all.
void lift_conv_quantized(MilLift& c) {
  const ValueId x = c.in("x");
  const ir::Tensor *codes = c.constant(c.in("weight")), *scale = c.constant(c.in("quant_scale"));
  const ir::Tensor* offset = c.has("quant_bias") ? c.constant(c.in("quant_bias")) : nullptr;
  const std::string type = c.text("quantization_type", "linear");
  if (codes == nullptr || scale == nullptr || codes->rank() < 1) return c.bad("weight or quant_scale is no constant");
  ir::Tensor weight = ir::Tensor::allocate(c.elem(x), codes->dims());
  const int64_t outputs = codes->dims()[0], each = outputs == 0 ? 1 : codes->size() / outputs;
  const auto of_channel = [&](const ir::Tensor& t, int64_t i) { return t.float_at(t.size() == 1 ? 0 : i / each); };
  const bool linear = type == "linear";
  const bool fits = [&](const ir::Tensor* t) { return t == nullptr || t->size() == 1 || t->size() == outputs; }(
                        linear ? scale : nullptr) &&
                    (!linear || offset == nullptr || offset->size() == 1 || offset->size() == outputs);
  if ((!linear && type != "lut") || !fits) return c.bad("quantization_type, quant_scale or quant_bias is unknown");
  for (int64_t i = 0; i < codes->size(); ++i) {
    const int64_t code = codes->int_at(i);
    if (!linear && code >= scale->size()) return c.bad("a weight is no index of the table");
    const double value = linear ? static_cast<double>(code) * of_channel(*scale, i) : scale->float_at(code);
    weight.set_float(i, linear && offset != nullptr ? value + of_channel(*offset, i) : value);
  }
  convolve(c, x, c.weight(std::move(weight)), optional_in_like(c, "bias", x));
}

constexpr MilRow kRows[] = {
    {"conv", lift_conv},
    {"conv_quantized", lift_conv_quantized},
    {"conv_transpose", lift_conv_transpose},
};

}  // namespace

std::span<const MilRow> mil_conv_rows() { return kRows; }

}  // namespace assay::coreml
