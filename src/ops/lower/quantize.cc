// QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear.
#include <algorithm>
#include <optional>

#include "ops/lower/rules.h"

namespace assay::ops {
namespace {

using ir::ElemType;
using mil::DataType;

/// Which scale belongs to which element.
enum class Grain : uint8_t { whole, axis, blocks, unknown };

template <class Context>
Grain grain(const Context& c) {
  if (!c.is_static(1) || c.rank(0) < 0) return Grain::unknown;
  const ir::Dims scale = c.type(1).dims();
  const int64_t block = c.op.attr_int("block_size", 0);
  const bool one = std::ranges::all_of(scale, [](int64_t d) { return d == 1; });
  if (one && (block == 0 || scale.empty())) return Grain::whole;
  return scale.size() == 1 && block == 0 ? Grain::axis : Grain::blocks;
}

template <class Context>
int64_t axis_of(const Context& c) {
  const int64_t axis = c.op.attr_int("axis", 1);
  return axis < 0 ? axis + c.rank(0) : axis;
}

/// Dimensions that make scale or zero point broadcast to x.
template <class Context>
ir::Dims aligned_dims(const Context& c, Grain grain) {
  if (grain == Grain::whole) return {};
  ir::Dims dims(static_cast<size_t>(c.rank(0)), 1);
  dims[static_cast<size_t>(axis_of(c))] = c.dim(1, 0);
  return dims;
}

template <class Context>
bool is_constant_or_absent(const Context& c, size_t i) {
  return !c.has(i) || c.constant(i) != nullptr;
}

bool is_byte(ElemType type) { return type == ElemType::int8 || type == ElemType::uint8; }
bool is_nibble(ElemType type) { return type == ElemType::int4 || type == ElemType::uint4; }

struct Range {
  double low, high;
};
std::optional<Range> range_of(ElemType type) {
  if (type == ElemType::int8) return Range{-128, 127};
  if (type == ElemType::uint8) return Range{0, 255};
  if (type == ElemType::int16) return Range{-32768, 32767};
  if (type == ElemType::uint16) return Range{0, 65535};
  return std::nullopt;
}

constexpr char kBlocks[] = "scales by blocks stand for constants alone";
constexpr char kTypes[] = "the format quantises to 8 bit integers alone";

/// A constant for parameters of quantize and dequantize: a scalar, or one element an index of the axis.
Result<mil::Value> parameter(const MilContext& c, size_t i, Grain grain) {
  const ir::Tensor& held = *c.constant(i);
  return mil_constant(held.reshaped(grain == Grain::whole ? ir::Dims{} : ir::Dims{held.size()}), c.builder.precision());
}

Status add_parameters(const MilContext& c, Grain grain, MilParams& params) {
  ASSAY_TRY(mil::Value scale, parameter(c, 1, grain));
  params.push_back({"scale", std::move(scale)});
  if (c.has(2)) {
    ASSAY_TRY(mil::Value zero, parameter(c, 2, grain));
    params.push_back({"zero_point", std::move(zero)});
  }
  if (grain == Grain::axis) params.push_back({"axis", mil::of_int(static_cast<int32_t>(axis_of(c)))});
  return {};
}

/// 8 and 4 bit numbers as they are held.
mil::Value codes(const ir::Tensor& tensor) {
  const DataType types[] = {DataType::int8, DataType::uint8, DataType::int4, DataType::uint4};
  const ElemType elems[] = {ElemType::int8, ElemType::uint8, ElemType::int4, ElemType::uint4};
  mil::Value value;
  value.type = mil::Type::tensor(types[std::ranges::find(elems, tensor.elem()) - elems], tensor.dims());
  value.content =
      mil::Payload::of(mil::Bytes(tensor.bytes(), tensor.byte_size()), std::make_shared<const ir::Tensor>(tensor));
  value.in_file = tensor.size() >= 10;
  return value;
}

Status affine(MilContext& c, Grain grain) {
  const ir::Tensor& x = *c.constant(0);
  ASSAY_TRY(mil::Value scale, parameter(c, 1, grain));
  ir::Tensor zero = c.has(2) ? *c.constant(2) : ir::Tensor::allocate(x.elem(), {});
  if (!c.has(2)) zero.set_int(0, 0);
  if (zero.size() == 1) zero = zero.reshaped({});
  const auto axis = static_cast<int32_t>(grain == Grain::axis ? axis_of(c) : 0);
  return c.emit_constexpr("constexpr_affine_dequantize",
                          {{"quantized_data", codes(x)},
                           {"zero_point", codes(zero)},
                           {"scale", std::move(scale)},
                           {"axis", mil::of_int(axis)}},
                          7);
}

Status blockwise(MilContext& c, Grain grain) {
  const ir::Tensor &x = *c.constant(0), &scale = *c.constant(1);
  ir::Dims dims = scale.dims();
  if (grain == Grain::axis) dims = aligned_dims(c, grain);
  if (grain == Grain::whole) dims = ir::Dims(static_cast<size_t>(x.rank()), 1);
  if (x.rank() == 0 || dims.size() != x.dims().size()) return c.refuse("the scale's rank is not the data's");
  for (size_t i = 0; i < dims.size(); ++i)
    if (x.dims()[i] % dims[i] != 0) return c.refuse("the last block is shorter than the others");
  ASSAY_TRY(mil::Value factors, mil_constant(scale.reshaped(dims), c.builder.precision()));
  std::vector<std::pair<std::string, mil::Value>> params = {{"data", codes(x)}, {"scale", std::move(factors)}};
  if (c.has(2)) params.emplace_back("offset", codes(c.constant(2)->reshaped(dims)));
  return c.emit_constexpr("constexpr_blockwise_shift_scale", std::move(params), 9);
}

/// Scale or zero point of any value, as it broadcasts to x.
MilValue aligned(MilContext& c, size_t i, Grain grain) {
  const MilValue value = c.in(i);
  const ir::Dims dims = aligned_dims(c, grain);
  if (value.dims() == dims) return value;
  return dims.empty() ? c.squeeze(value, ir::Dims(value.dims().size(), 0)) : c.reshape(value, dims);
}

/// (x - zero point) * scale, the difference in int32, where it is exact.
Status scaled_difference(MilContext& c, Grain grain) {
  if (!is_byte(c.elem(0))) c.keep_single("float16 holds no difference above 65504");
  MilValue x = c.cast(c.in(0), DataType::int32);
  ASSAY_CHECK(c.status());
  if (c.has(2)) x = c.binary("sub", x, c.cast(aligned(c, 2, grain), DataType::int32));
  const MilValue scale = aligned(c, 1, grain);
  return c.emit("mul", {{"x", c.cast(x, scale.data())}, {"y", scale}});
}

}  // namespace

Status quantize_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const Grain g = grain(c);
  if (!is_byte(c.out_type().elem)) return c.refuse(kTypes);
  if (g != Grain::whole && g != Grain::axis) return c.refuse(kBlocks);
  if (c.constant(1) == nullptr || !is_constant_or_absent(c, 2)) return c.refuse("quantize takes constant scales alone");
  if (c.elem(1) != c.elem(0) || c.rank(0) == 0) return c.refuse("quantize takes arrays, and scales of their type");
  c.need(8, "quantize");
  MilParams params = {{"input", c.in(0)},
                      {"output_dtype", mil::of_text(c.out_type().elem == ElemType::int8 ? "int8" : "uint8")}};
  ASSAY_CHECK(add_parameters(c, g, params));
  return c.emit("quantize", params);
}

Status quantize_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const Grain g = grain(c);
  const auto range = range_of(c.out_type().elem);
  if (!range) return c.refuse("layers hold no " + std::string(ir::elem_name(c.out_type().elem)));
  if (g != Grain::whole && g != Grain::axis) return c.refuse(kBlocks);
  const auto shaped = [&](size_t i) { return nn_reshaped(c, c.in(i), aligned_dims(c, g)); };
  std::string y = nn_rounded(c, c.make("divideBroadcastable", {c.in(0), shaped(1)}));
  if (c.has(2)) y = c.make("addBroadcastable", {y, shaped(2)});
  return c.layer("clip", {y}, c.params("clip").set("minVal", range->low).set("maxVal", range->high));
}

/// Constants stay quantised in the file.
Status dequantize_to_mil(MilContext& c) {
  const Grain g = grain(c);
  const ElemType from = c.elem(0);
  if (c.out_type().elem != c.elem(1)) return c.refuse("the result has the scale's type");
  const bool fixed = c.constant(1) != nullptr && is_constant_or_absent(c, 2) && g != Grain::unknown;
  const bool plain = g == Grain::whole || g == Grain::axis;
  if (c.constant(0) != nullptr && fixed && c.rank(0) > 0) {
    if (is_byte(from) && plain) return affine(c, g);
    if (is_byte(from) || is_nibble(from)) return blockwise(c, g);
  }
  if (!plain) return c.refuse(kBlocks);
  if (!is_byte(from) || !fixed || c.rank(0) == 0) {
    if (!mil_type(c.type(0)).ok())
      return c.refuse("ML Programs do not compute with " + std::string(ir::elem_name(from)));
    return scaled_difference(c, g);
  }
  c.need(8, "dequantize");
  MilParams params = {{"input", c.in(0)}};
  ASSAY_CHECK(add_parameters(c, g, params));
  return c.emit("dequantize", params);
}

Status dequantize_to_nn(NnContext& c) {
  const Grain g = grain(c);
  if (c.out_type().elem != ElemType::float32 || c.elem(1) != ElemType::float32)
    return c.refuse("layers compute in float32");
  if (!ir::is_integer(c.elem(0)) || is_nibble(c.elem(0)))
    return c.refuse("layers hold no " + std::string(ir::elem_name(c.elem(0))));
  if (g != Grain::whole && g != Grain::axis) return c.refuse(kBlocks);
  const auto shaped = [&](size_t i) { return nn_reshaped(c, c.in(i), aligned_dims(c, g)); };
  std::string x = c.in(0);
  if (c.has(2)) x = c.make("subtractBroadcastable", {x, shaped(2)});
  return c.layer("multiplyBroadcastable", {x, shaped(1)});
}

/// Step by step as ONNX's body has it; 0 for NaN, which an array of zeros gives.
Status dynamic_quantize_to_mil(MilContext& c) {
  const MilValue x = c.in(0);
  ASSAY_CHECK(c.status());
  if (x.rank() == 0) return c.refuse("reductions take arrays");
  ir::Dims all(static_cast<size_t>(x.rank()));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  const mil::Type scalar = mil::Type::scalar(x.data());
  const auto extreme = [&](std::string_view type) {
    return c.make(type, {{"x", x}, {"axes", c.ints(all)}, {"keep_dims", mil::of_bool(false)}}, scalar);
  };
  const MilValue zero = c.constant_value(c.number(0));
  const auto in_range = [&](const MilValue& v) {
    const MilValue kept = c.make("clip", {{"x", v}, {"alpha", c.number(0)}, {"beta", c.number(255)}}, v.type);
    return c.select(c.compare("equal", kept, kept), kept, zero);
  };
  const MilValue low = c.binary("minimum", extreme("reduce_min"), zero);
  const MilValue high = c.binary("maximum", extreme("reduce_max"), zero);
  const MilValue scale = c.binary("real_div", c.binary("sub", high, low), 255);
  const MilValue offset = c.unary("round", in_range(c.binary("sub", zero, c.binary("real_div", low, scale))));
  const MilValue y = in_range(c.binary("add", c.unary("round", c.binary("real_div", x, scale)), offset));
  ASSAY_CHECK(c.result(scale, 1));
  if (c.wants(2)) ASSAY_CHECK(c.result(c.cast(offset, DataType::uint8), 2));
  return c.result(c.cast(y, DataType::uint8));
}

Status dynamic_quantize_to_nn(NnContext& c) {
  const std::string x = c.in(0), zero = c.number(0);
  const auto extreme = [&](std::string_view kind) {
    return c.make(kind, {x}, c.params(kind).set("reduceAll", int64_t{1}));
  };
  const auto in_range = [&](const std::string& v) {
    const std::string kept = c.make("clip", {v}, c.params("clip").set("minVal", 0.0).set("maxVal", 255.0));
    return nn_where(c, c.make("equal", {kept, kept}), kept, zero);
  };
  const std::string low = c.make("minBroadcastable", {extreme("reduceMin"), zero});
  const std::string high = c.make("maxBroadcastable", {extreme("reduceMax"), zero});
  const std::string spread = c.make("subtractBroadcastable", {high, low});
  const std::string scale = c.make("divideBroadcastable", {spread, c.number(255)});
  const std::string start = c.make("subtractBroadcastable", {zero, c.make("divideBroadcastable", {low, scale})});
  const std::string offset = nn_rounded(c, in_range(start));
  const std::string steps = nn_rounded(c, c.make("divideBroadcastable", {x, scale}));
  const std::string y = in_range(c.make("addBroadcastable", {steps, offset}));
  ASSAY_CHECK(c.result(scale, 1));
  ASSAY_CHECK(c.result(offset, 2));
  return c.result(y);
}

}  // namespace assay::ops
