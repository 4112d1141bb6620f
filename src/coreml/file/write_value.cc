// Types and values of MIL.proto.
#include <cstring>

#include "coreml/file/weight_file.h"
#include "coreml/file/weight_writer.h"
#include "coreml/file/write.h"

namespace assay::coreml {
namespace {
using mil::DataType;
using mil::Payload;
using mil::Type;
using mil::Value;

pb::Writer write_dimension(int64_t dim) {
  pb::Writer size, w;
  if (dim < 0) {
    w.message(2, {});
    return w;
  }
  put(size, 1, dim);
  w.message(1, std::move(size));
  return w;
}

pb::Writer write_tensor(const Type& type) {
  pb::Writer w;
  put(w, 1, static_cast<int64_t>(type.data));
  put(w, 2, type.dims ? static_cast<int64_t>(type.dims->size()) : int64_t{-1});
  if (type.dims)
    for (const int64_t dim : *type.dims) w.message(3, write_dimension(dim));
  return w;
}

// Tuples repeat field 1, dictionaries and states number their parts.
pb::Writer write_parts(const Type& type) {
  pb::Writer w;
  uint32_t field = 1;
  for (const Type& part : type.parts) w.message(type.kind == Type::Kind::tuple ? 1 : field++, write_type(part));
  if (type.kind == Type::Kind::list) w.message(2, write_dimension(type.length));
  return w;
}

/// The field of TensorValue that holds numbers of a type.
uint32_t field_of(DataType type) {
  switch (type) {
    case DataType::float32:
      return 1;
    case DataType::int32:
    case DataType::int16:
    case DataType::uint16:
      return 2;
    case DataType::boolean:
      return 3;
    case DataType::string:
      return 4;
    case DataType::int64:
    case DataType::uint64:
      return 5;
    case DataType::float64:
      return 6;
    default:
      return 7;
  }
}

template <class T>
std::vector<int64_t> widened(mil::Bytes bytes) {
  std::vector<int64_t> out(bytes.size() / sizeof(T));
  for (size_t i = 0; i < out.size(); ++i) {
    T value{};
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<int64_t>(value);
  }
  return out;
}

std::vector<int64_t> integers(DataType type, mil::Bytes bytes) {
  switch (type) {
    case DataType::boolean:
      return widened<uint8_t>(bytes);
    case DataType::int16:
      return widened<int16_t>(bytes);
    case DataType::uint16:
      return widened<uint16_t>(bytes);
    case DataType::int32:
      return widened<int32_t>(bytes);
    default:
      return widened<int64_t>(bytes);
  }
}

Error wrong_size(const Value& value, uint64_t size) {
  return Error{Code::internal,
               "a constant of type " + to_string(value.type) + " has " + std::to_string(size) + " bytes",
               "Core ML writer", ""};
}

bool fits(const Value& value, const Payload& payload) {
  const auto count = mil::element_count(value.type);
  return !count || mil::packed_bytes(value.type.data, static_cast<uint64_t>(*count)) == payload.size;
}

pb::Writer write_pairs(const std::vector<Value>& members, WriteContext& context) {
  pb::Writer w;
  for (size_t i = 0; i + 1 < members.size(); i += 2) {
    pb::Writer pair;
    pair.message(1, write_value(members[i], context));
    pair.message(2, write_value(members[i + 1], context));
    w.message(1, std::move(pair));
  }
  return w;
}

pb::Writer write_members(const Value& value, WriteContext& context) {
  const std::vector<Value>& members = *value.members();
  pb::Writer immediate, w;
  if (value.type.kind == Type::Kind::dictionary) {
    immediate.message(4, write_pairs(members, context));
    return immediate;
  }
  for (const Value& member : members) w.message(1, write_value(member, context));
  immediate.message(value.type.kind == Type::Kind::tuple ? 2 : 3, std::move(w));
  return immediate;
}

// BlobFileValue; nullopt for what weight files cannot hold.
std::optional<pb::Writer> write_blob(const Value& value, WriteContext& context) {
  const Payload* const payload = value.payload();
  const mil::DataTypeRow* const row = mil::data_type_row(value.type.data);
  if (!value.in_file || !context.weights || !payload || payload->size == 0 || !row || row->blob == 0)
    return std::nullopt;
  const auto offset = context.weights->add(*row, mil::element_count(value.type).value_or(0), *payload);
  if (!offset.ok()) context.fail(offset.error());
  pb::Writer w;
  w.text(1, kWeightFileName);
  put(w, 2, offset.ok() ? *offset : uint64_t{0});
  return w;
}
}  // namespace

void put(pb::Writer& w, uint32_t field, float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if (bits != 0) w.float32(field, value);
}

void put_payload(pb::Writer& w, uint32_t field, const Payload& payload) {
  if (payload.source)
    w.stream(field, payload.size, payload.source);
  else
    w.borrow(field, payload.view);
}

pb::Writer write_type(const Type& type) {
  pb::Writer w;
  const auto field = static_cast<uint32_t>(type.kind) + 1;
  if (!type.is_tensor())
    w.message(field, write_parts(type));
  else if (type.data != DataType::unused || !type.dims || !type.dims->empty())
    w.message(field, write_tensor(type));
  w.raw(type.extra);
  return w;
}

pb::Writer write_named_type(const mil::NamedType& named) {
  pb::Writer w;
  put(w, 1, named.name);
  w.message(2, write_type(named.type));
  w.raw(named.extra);
  return w;
}

pb::Writer write_tensor_value(const Value& value, WriteContext& context) {
  pb::Writer tensor, list;
  const uint32_t field = field_of(value.type.data);
  if (const auto* const strings = value.strings()) {
    for (const std::string& text : *strings) list.text(1, text);
  } else if (const Payload* const payload = value.payload()) {
    if (!fits(value, *payload)) context.fail(wrong_size(value, payload->size));
    if (field == 2 || field == 3 || field == 5) {
      const auto all = payload->gathered();
      if (!all.ok()) context.fail(all.error());
      if (all.ok()) list.packed(1, integers(value.type.data, all->view));
    } else if (payload->size > 0) {
      put_payload(list, 1, *payload);
    }
  }
  tensor.message(field, std::move(list));
  return tensor;
}

pb::Writer write_value(const Value& value, WriteContext& context) {
  pb::Writer w;
  put(w, 1, value.doc);
  if (pb::Writer type = write_type(value.type); type.size() > 0) w.message(2, std::move(type));
  if (auto blob = write_blob(value, context)) {
    w.message(5, *std::move(blob));
  } else if (value.members()) {
    w.message(3, write_members(value, context));
  } else if (value.payload() || value.strings()) {
    pb::Writer immediate;
    immediate.message(1, write_tensor_value(value, context));
    w.message(3, std::move(immediate));
  }
  w.raw(value.extra);
  return w;
}

}  // namespace assay::coreml
