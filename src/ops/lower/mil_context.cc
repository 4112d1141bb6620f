#include <algorithm>
#include <limits>

#include "ops/lower/mil.h"
#include "ops/lower/payload.h"

namespace assay::ops {

namespace {
using ir::ElemType;
using mil::DataType;
}  // namespace

void MilContext::keep_single(std::string why) {
  if (builder.precision() != DataType::float16) return;
  builder.set_precision(DataType::float32);
  builder.keep({&op, graph.describe(op), std::move(why)});
}

MilValue MilContext::in(size_t i) {
  auto found = builder.value(op.inputs[i]);
  if (!found.ok()) {
    remember(found.error().message);
    return {"", mil::Type::tensor(DataType::float32, mil::Dims(static_cast<size_t>(std::max<int64_t>(rank(i), 0)), 1))};
  }
  return elem(i) == ElemType::float32 ? builder.cast(*found, builder.precision()) : *found;
}

MilValue MilContext::transposed_constant(size_t i) {
  const ir::Tensor& w = *constant(i);
  mil::Value value;
  value.type = mil::Type::tensor(builder.precision(), mil::Dims{w.dims()[1], w.dims()[0]});
  value.content = transposed(w, builder.precision());
  return builder.constant(graph.at(op.inputs[i]).name + "_transposed", std::move(value));
}

std::vector<MilValue> MilContext::all_inputs() {
  std::vector<MilValue> all;
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (has(i)) all.push_back(in(i));
  return all;
}

DataType MilContext::precision() const {
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (has(i) && ir::is_float(elem(i))) return elem(i) == ElemType::float16 ? DataType::float16 : builder.precision();
  return wants(0) && out_type().elem == ElemType::float16 ? DataType::float16 : builder.precision();
}

mil::Value MilContext::ints(const ir::Dims& values) {
  std::vector<int32_t> narrow;
  constexpr std::numeric_limits<int32_t> kRange;  // bounds of slices may be beyond; extents are refused before
  for (const int64_t v : values)
    narrow.push_back(static_cast<int32_t>(std::clamp<int64_t>(v, kRange.min(), kRange.max())));
  return mil::of_ints(narrow);
}

std::string MilContext::stem() const { return wants(0) ? graph.at(op.outputs[0]).name + "_" + op.type : op.type; }

std::vector<MilValue> MilContext::make_several(std::string_view type, const MilParams& params,
                                               const std::vector<mil::Type>& results) {
  std::vector<MilValue> values;
  std::vector<mil::NamedType> outputs;
  for (const mil::Type& result : results) {
    values.push_back({builder.names().fresh(stem() + "_" + std::string(type)), result});
    outputs.push_back({values.back().name, result});
  }
  builder.emit(type, params, std::move(outputs));
  return values;
}

MilValue MilContext::make(std::string_view type, const MilParams& params, mil::Type result) {
  return make_several(type, params, {std::move(result)}).front();
}

MilValue MilContext::unary(std::string_view type, const MilValue& x) { return make(type, {{"x", x}}, x.type); }

MilValue MilContext::binary(std::string_view type, const MilValue& x, const MilValue& y) {
  return make(type, {{"x", x}, {"y", y}}, mil::Type::tensor(x.data(), broadcast_dims(x.dims(), y.dims())));
}

MilValue MilContext::compare(std::string_view type, const MilValue& x, const MilValue& y) {
  return make(type, {{"x", x}, {"y", y}}, mil::Type::tensor(DataType::boolean, broadcast_dims(x.dims(), y.dims())));
}

MilValue MilContext::binary(std::string_view type, const MilValue& x, double y) {
  mil::Value constant = x.data() == DataType::int32 ? mil::of_int(static_cast<int32_t>(y)) : held_number(y, x.data());
  return make(type, {{"x", x}, {"y", std::move(constant)}}, x.type);
}

/// `value` in the shape that it has together with a condition, by factors of one. Exact, for NaN and -0 too.
MilValue MilContext::spread(const MilValue& value, const MilValue& condition) {
  const MilValue ones = binary("logical_or", condition, unary("logical_not", condition));
  return value.data() == DataType::boolean ? binary("logical_and", value, ones)
                                           : binary("mul", value, cast(ones, value.data()));
}

// coremltools takes select's shape from `a` and `b` alone, so one of them must have the whole of it.
MilValue MilContext::select(const MilValue& condition, const MilValue& a, const MilValue& b) {
  const mil::Dims chosen = broadcast_dims(a.dims(), b.dims()), dims = broadcast_dims(condition.dims(), chosen);
  return make("select", {{"cond", condition}, {"a", dims == chosen ? a : spread(a, condition)}, {"b", b}},
              mil::Type::tensor(a.data(), dims));
}

MilValue MilContext::reshape(const MilValue& x, const mil::Dims& dims) {
  mil::Dims result = dims;
  if (const auto count = mil::element_count(x.type)) {
    int64_t known = 1;
    for (const int64_t d : dims)
      if (d >= 0) known *= d;
    for (int64_t& d : result)
      if (d < 0 && known > 0) d = *count / known;
  }
  return make("reshape", {{"x", x}, {"shape", ints(dims)}}, mil::Type::tensor(x.data(), std::move(result)));
}

MilValue MilContext::transpose(const MilValue& x, const ir::Dims& perm) {
  mil::Dims dims;
  for (const int64_t axis : perm) dims.push_back(x.dims()[static_cast<size_t>(axis)]);
  return make("transpose", {{"x", x}, {"perm", ints(perm)}}, mil::Type::tensor(x.data(), std::move(dims)));
}

MilValue MilContext::expand_dims(const MilValue& x, const ir::Dims& axes) {
  const auto rank = static_cast<int64_t>(x.dims().size() + axes.size());
  mil::Dims dims(static_cast<size_t>(rank), 0);
  for (const int64_t axis : axes) dims[static_cast<size_t>(axis < 0 ? axis + rank : axis)] = 1;
  auto next = x.dims().begin();
  for (int64_t& d : dims)
    if (d == 0) d = *next++;
  return make("expand_dims", {{"x", x}, {"axes", ints(axes)}}, mil::Type::tensor(x.data(), std::move(dims)));
}

MilValue MilContext::squeeze(const MilValue& x, const ir::Dims& axes) {
  mil::Dims dims;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (std::ranges::none_of(axes, [&](int64_t a) { return (a < 0 ? a + x.rank() : a) == i; }))
      dims.push_back(x.dims()[static_cast<size_t>(i)]);
  return make("squeeze", {{"x", x}, {"axes", ints(axes)}}, mil::Type::tensor(x.data(), std::move(dims)));
}

mil::NamedType MilContext::named_output(size_t i) {
  const ir::Value& v = graph.at(op.outputs[i]);
  auto type = mil_type(v.type);
  if (!type.ok()) {
    remember(type.error().message);
    return {builder.names().of(v.name), mil::Type::scalar(DataType::float32)};
  }
  if (v.type.elem == ElemType::float32) type->data = builder.precision();
  return {builder.names().of(v.name), *type};
}

Status MilContext::emit(std::string_view type, const MilParams& params) {
  std::vector<mil::NamedType> outputs;
  for (size_t i = 0; i < op.outputs.size(); ++i)
    if (wants(i)) outputs.push_back(named_output(i));
  if (failed()) return status();
  size_t next = 0;
  for (size_t i = 0; i < op.outputs.size(); ++i) {
    if (!wants(i)) continue;
    builder.bind(op.outputs[i], {outputs[next].name, outputs[next].type});
    ++next;
  }
  builder.emit(type, params, std::move(outputs));
  return {};
}

Status MilContext::emit_constexpr(std::string_view type, std::vector<std::pair<std::string, mil::Value>> params,
                                  int since) {
  need(since, std::string(type));
  ASSAY_CHECK(emit(type, {}));
  mil::Operation& last = builder.operations().back();
  for (auto& [name, value] : params) {
    if (since < 9)
      last.attributes.emplace_back(name, std::move(value));
    else
      last.inputs.emplace_back(name, mil::Argument{.bindings = {std::move(value)}});
  }
  return {};
}

Status MilContext::result(const MilValue& value, size_t output) {
  if (failed()) return status();
  if (!wants(output)) return {};
  // An operand keeps its name: others read it too.
  const bool own = builder.operations().size() > first_;
  builder.bind(op.outputs[output], own ? builder.renamed(value, graph.at(op.outputs[output]).name) : value);
  return {};
}

}  // namespace assay::ops
