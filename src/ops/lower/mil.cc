#include "ops/lower/mil.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "ops/def.h"
#include "ops/lower/payload.h"
#include "ops/lower/types.h"

namespace assay::ops {
namespace {

using ir::ElemType;
using mil::DataType;

/// Constants of at least this many elements stand in the weight file, where their type allows it, as Core ML's own
/// converter has it.
constexpr int64_t kFileElements = 10;

constexpr ir::TypeSet kComputed = kBool | type_set(ElemType::float32) | type_set(ElemType::float16) |
                                  type_set(ElemType::int32) | type_set(ElemType::int8) | type_set(ElemType::uint8) |
                                  type_set(ElemType::int16) | type_set(ElemType::uint16);

std::optional<DataType> data_type(ElemType type) {
  if (type == ElemType::int64) return DataType::int32;
  return kComputed.has(type) ? data_of(type) : std::nullopt;
}

Error no_type(ElemType type) {
  return Error{Code::not_convertible, "ML Programs do not compute with " + std::string(ir::elem_name(type))};
}

bool stands_in_file(DataType type, int64_t count) {
  return count >= kFileElements &&
         (type == DataType::float32 || type == DataType::float16 || type == DataType::int8 || type == DataType::uint8);
}

Result<mil::Payload> narrowed(const ir::Tensor& tensor) {
  std::vector<int32_t> values(static_cast<size_t>(tensor.size()));
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t v = tensor.int_at(static_cast<int64_t>(i));
    if (v < std::numeric_limits<int32_t>::min() || v > std::numeric_limits<int32_t>::max())
      return Error{Code::not_convertible, "the constant " + std::to_string(v) + " does not fit int32"};
    values[i] = static_cast<int32_t>(v);
  }
  return mil::Payload::copy(std::as_bytes(std::span(values)));
}

mil::Operation const_operation(std::string name, mil::Value value) {
  mil::Operation op;
  op.type = "const";
  op.outputs.push_back({name, value.type});
  op.attributes = {{"name", mil::of_text(std::move(name))}, {"val", std::move(value)}};
  return op;
}

}  // namespace

mil::Dims broadcast_dims(const mil::Dims& a, const mil::Dims& b) {
  mil::Dims out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    const int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    int64_t& to = out[out.size() - 1 - i];
    if (x == 1 || y == 1)
      to = x == 1 ? y : x;
    else
      to = x > 1 ? x : y;
  }
  return out;
}

Result<mil::Type> mil_type(const ir::Type& type) {
  if (type.kind != ir::Type::Kind::tensor)
    return Error{Code::not_convertible, "ML Programs have no sequences, optionals and maps here"};
  const auto data = data_type(type.elem);
  if (!data) return no_type(type.elem);
  if (!type.ranked()) return Error{Code::not_convertible, "a value of unknown rank"};
  mil::Dims dims;
  for (const ir::Dim& d : *type.shape) dims.push_back(d.known() ? d.value : mil::kUnknownDim);
  return mil::Type::tensor(*data, std::move(dims));
}

Result<mil::Value> mil_constant(const ir::Tensor& tensor, DataType precision) {
  const auto data = data_type(tensor.elem());
  if (!data) return no_type(tensor.elem());
  mil::Value value;
  value.type = mil::Type::tensor(*data, tensor.dims());
  const mil::Bytes bytes(tensor.bytes(), tensor.byte_size());
  if (tensor.elem() == ElemType::int64) {
    ASSAY_TRY(value.content, narrowed(tensor));
  } else if (tensor.elem() == ElemType::float32 && precision == DataType::float16) {
    value.type.data = DataType::float16;
    value.content = tensor.size() == 1 ? held_number(tensor.float_at(0), precision).content : halved(tensor);
  } else {
    value.content = mil::Payload::of(bytes, std::make_shared<const ir::Tensor>(tensor));
  }
  value.in_file = stands_in_file(value.type.data, tensor.size());
  return value;
}

mil::Value held_number(double value, DataType type) {
  constexpr double kSmallest = 0x1p-24;
  const bool vanishes = type == DataType::float16 && value != 0 && std::abs(value) < kSmallest;
  return mil::of_float(static_cast<float>(vanishes ? std::copysign(kSmallest, value) : value), type);
}

MilBuilder::MilBuilder(const ir::Graph& graph, int version, LegalNames& names)
    : graph_(graph), version_(version), names_(names) {}

MilBuilder::MilBuilder(const ir::Graph& graph, MilBuilder& parent)
    : graph_(graph),
      version_(parent.version_),
      names_(ScopedNames::Inside{parent.names_}),
      parent_(&parent),
      lower_(parent.lower_) {}

void MilBuilder::need(int version, std::string_view feature) {
  if (parent_ != nullptr) return parent_->need(version, feature);
  if (version <= needed_) return;
  needed_ = version;
  needed_by_ = feature;
}

Result<MilValue> MilBuilder::value(ir::ValueId id) {
  if (const auto found = values_.find(id); found != values_.end()) return found->second;
  const ir::Value& v = graph_.at(id);
  if (parent_ != nullptr)
    for (const auto& [inside, outside] : graph_.captures)
      if (inside == id) return parent_->value(outside);
  if (!v.constant)
    return Error{Code::internal, "value '" + v.name + "' has not been written", "", "please report this"};
  const bool narrow = v.type.elem == ElemType::float32 && precision_ == DataType::float16;
  const std::pair key(id, narrow ? DataType::float16 : DataType::float32);
  if (const auto found = constants_.find(key); found != constants_.end()) return found->second;
  ASSAY_TRY(mil::Value held, mil_constant(*v.constant, precision_));
  const bool other = constants_.contains({id, narrow ? DataType::float32 : DataType::float16});
  MilValue written{other ? names_.fresh(v.name) : names_.of(v.name), held.type};
  operations_.push_back(const_operation(written.name, std::move(held)));
  return constants_[key] = written;
}

const ir::Tensor* MilBuilder::known(ir::ValueId id) const {
  if (parent_ != nullptr)
    for (const auto& [inside, outside] : graph_.captures)
      if (inside == id) return parent_->known(outside);
  return graph_.at(id).constant.get();
}

void MilBuilder::bind(ir::ValueId id, MilValue value) { values_[id] = std::move(value); }

MilValue MilBuilder::constant(std::string_view stem, mil::Value value) {
  const auto count = mil::element_count(value.type);
  value.in_file = value.is_numbers() && count && stands_in_file(value.type.data, *count);
  MilValue written{names_.fresh(stem), value.type};
  operations_.push_back(const_operation(written.name, std::move(value)));
  return written;
}

void MilBuilder::emit(std::string_view type, const MilParams& params, std::vector<mil::NamedType> outputs,
                      std::vector<mil::Block> blocks) {
  mil::Operation op;
  op.type = type;
  const std::string name = outputs.empty() ? names_.fresh(type) : outputs.front().name;
  for (const MilParam& param : params) {
    mil::Argument argument;
    if (const auto* one = std::get_if<MilValue>(&param.value)) {
      argument.bindings.emplace_back(one->name);
    } else if (const auto* several = std::get_if<std::vector<MilValue>>(&param.value)) {
      for (const MilValue& v : *several) argument.bindings.emplace_back(v.name);
    } else {
      argument.bindings.emplace_back(
          constant(name + "_" + std::string(param.name), std::get<mil::Value>(param.value)).name);
    }
    op.inputs.emplace_back(param.name, std::move(argument));
  }
  op.outputs = std::move(outputs);
  op.blocks = std::move(blocks);
  op.attributes = {{"name", mil::of_text(name)}};
  operations_.push_back(std::move(op));
}

MilValue MilBuilder::cast(const MilValue& value, DataType to) {
  if (value.type.data == to) return value;
  const auto [found, added] = casts_.try_emplace({value.name, to});
  if (!added) return found->second;
  const std::string word(mil::data_type_row(to)->word);
  MilValue result{names_.fresh(value.name + "_" + word), mil::Type::tensor(to, value.type.dims)};
  if (to == DataType::int8 || to == DataType::uint8 || to == DataType::int16 || to == DataType::uint16 ||
      value.data() == DataType::int8 || value.data() == DataType::uint8 || value.data() == DataType::int16 ||
      value.data() == DataType::uint16)
    need(8, "casts of 8 and 16 bit integers");
  emit("cast", {{"x", value}, {"dtype", mil::of_text(word)}}, {{result.name, result.type}});
  return casts_[{value.name, to}] = result;
}

MilValue MilBuilder::renamed(const MilValue& value, const std::string& original) {
  if (operations_.empty()) return value;
  mil::Operation& last = operations_.back();
  if (last.type == "const" || last.outputs.size() != 1 || last.outputs[0].name != value.name) return value;
  last.outputs[0].name = names_.of(original);
  last.attributes = {{"name", mil::of_text(last.outputs[0].name)}};
  for (auto& [key, made] : casts_)
    if (made.name == value.name) made.name = last.outputs[0].name;
  return {last.outputs[0].name, value.type};
}

namespace {
void rename_in(std::vector<mil::Operation>& operations, const std::string& from, const std::string& to) {
  for (mil::Operation& op : operations) {
    for (auto& [key, argument] : op.inputs)
      for (mil::Binding& binding : argument.bindings)
        if (auto* name = std::get_if<std::string>(&binding); name != nullptr && *name == from) *name = to;
    for (mil::NamedType& output : op.outputs)
      if (output.name == from) output.name = to;
    for (mil::Block& block : op.blocks) {
      std::ranges::replace(block.outputs, from, to);
      rename_in(block.operations, from, to);
    }
  }
}
}  // namespace

MilValue MilBuilder::rename(ir::ValueId id, const std::string& name) {
  MilValue& value = values_.at(id);
  rename_in(operations_, value.name, name);
  for (auto& [other, bound] : values_)
    if (other != id && bound.name == value.name) bound.name = name;
  for (auto& [key, made] : casts_)
    if (made.name == value.name) made.name = name;
  value.name = name;
  return value;
}

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
  for (const int64_t v : values) narrow.push_back(static_cast<int32_t>(v));
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
