#include "ops/lower/elementwise.h"

#include <limits>

namespace assay::ops {
namespace {

using ir::ElemType;

bool is_narrow(mil::DataType type) {
  return type == mil::DataType::int8 || type == mil::DataType::uint8 || type == mil::DataType::int16 ||
         type == mil::DataType::uint16;
}

std::string named(ElemType type) { return std::string(ir::elem_name(type)); }

bool is_index(ElemType type) { return type == ElemType::int32 || type == ElemType::int64; }

}  // namespace

Status mil_takes_floats(const MilContext& c, size_t i) {
  if (c.elem(i) == ElemType::float32 || c.elem(i) == ElemType::float16) return {};
  return c.refuse("the operation takes float32 and float16, not " + named(c.elem(i)));
}

Status mil_takes_numbers(const MilContext& c, size_t i) {
  if (is_index(c.elem(i)) || c.elem(i) == ElemType::float32 || c.elem(i) == ElemType::float16) return {};
  return c.refuse("ML Programs do not compute with " + named(c.elem(i)));
}

MilValue mil_widened(MilContext& c, size_t i) {
  const MilValue x = c.in(i);
  return is_narrow(x.data()) ? c.cast(x, mil::DataType::int32) : x;
}

Status mil_narrowed(MilContext& c, const MilValue& value) {
  auto wanted = mil_type(c.out_type());
  if (!wanted.ok()) return c.refuse(wanted.error().message);
  if (!is_narrow(wanted->data)) return c.result(value);
  c.need(8, "casts of 8 and 16 bit integers");
  return c.emit("cast", {{"x", value}, {"dtype", mil::of_text(std::string(mil::data_type_row(wanted->data)->word))}});
}

MilValue mil_signs_differ(MilContext& c, const MilValue& a, const MilValue& b) {
  const MilValue zero = c.constant_value(a.data() == mil::DataType::int32 ? mil::of_int(0) : c.number(0));
  const MilValue first = c.compare("less", a, zero), second = c.compare("less", b, zero);
  return c.binary("logical_xor", first, second);
}

MilValue mil_reduced(MilContext& c, std::string_view type, const MilValue& x, int64_t axis) {
  mil::Dims dims = x.dims();
  dims[static_cast<size_t>(axis)] = 1;
  return c.make(type, {{"x", x}, {"axes", c.ints({axis})}, {"keep_dims", mil::of_bool(true)}},
                mil::Type::tensor(x.data(), std::move(dims)));
}

Status nn_takes_floats(const NnContext& c, size_t i) {
  if (c.elem(i) == ElemType::float32) return {};
  return c.refuse("layers compute in float32, not in " + named(c.elem(i)));
}

Status nn_takes_numbers(const NnContext& c, size_t i) { return is_index(c.elem(i)) ? Status() : nn_takes_floats(c, i); }

Status nn_takes_comparable(const NnContext& c, size_t i) {
  const ElemType type = c.elem(i);
  const bool small = type == ElemType::boolean || (ir::is_integer(type) && ir::elem_bits(type) <= 16);
  return small ? Status() : nn_takes_numbers(c, i);
}

mil::Message nn_function_params(NnFunction function) {
  mil::Message params = NnContext::params("unary");
  params.set("type", static_cast<int64_t>(function)).set("scale", 1.0);  // as Core ML's own converter states it
  // 0 stands for a default of 1e-6. The format gives LOG no epsilon; should a runtime add one all the same, as Core
  // ML's own converter expects, then the smallest that there is.
  if (function == NnFunction::log) params.set("epsilon", double{std::numeric_limits<float>::denorm_min()});
  // x * scale + shift comes first, and only -0 added leaves -0 what it is.
  if (function == NnFunction::sqrt) params.set("shift", -0.0);
  return params;
}

std::string nn_function(NnContext& c, NnFunction function, const std::string& x) {
  return c.make("unary", {x}, nn_function_params(function));
}

std::string nn_against(NnContext& c, std::string_view kind, const std::string& x, double number) {
  return c.make(kind, {x}, c.params(kind).set("alpha", number));
}

std::string nn_where(NnContext& c, const std::string& condition, const std::string& a, const std::string& b) {
  return c.make("whereBroadcastable", {condition, a, b});
}

std::string nn_truncated(NnContext& c, const std::string& x) {
  const std::string below = nn_against(c, "lessThan", x, 0), up = c.make("ceil", {x}), down = c.make("floor", {x});
  return nn_where(c, below, up, down);
}

std::string nn_rounded(NnContext& c, const std::string& x) {
  const std::string size = nn_function(c, NnFunction::abs, x), whole = c.make("floor", {size});
  const std::string rest = c.make("subtractBroadcastable", {size, whole});  // exact
  const std::string odd = c.make("modBroadcastable", {whole, c.number(2)});
  const std::string tie = c.make("logicalAnd", {nn_against(c, "equal", rest, 0.5), odd});
  const std::string up = c.make("logicalOr", {nn_against(c, "greaterThan", rest, 0.5), tie});
  const std::string rounded =
      c.make("multiplyBroadcastable", {c.make("addBroadcastable", {whole, up}), c.make("sign", {x})});
  // From 2^23 on every number is whole; those, zeros with their signs, and NaN stay as they are.
  const std::string changes = c.make("logicalAnd", {nn_against(c, "lessThan", size, 0x1p23), c.make("sign", {x})});
  return nn_where(c, changes, rounded, x);
}

std::string nn_reduced(NnContext& c, std::string_view kind, const std::string& x, int64_t axis) {
  return c.make(kind, {x}, c.params(kind).set("axes", ir::Dims{axis}).set("keepDims", int64_t{1}));
}

std::string nn_reshaped(NnContext& c, const std::string& x, const ir::Dims& dims) {
  const ir::Dims shape = dims.empty() ? ir::Dims{1} : dims;
  return c.make("reshapeStatic", {x}, c.params("reshapeStatic").set("targetShape", shape));
}

}  // namespace assay::ops
