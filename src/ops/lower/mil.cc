#include "ops/lower/mil.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

}  // namespace assay::ops
