#include "mil/value.h"

#include <bit>
#include <cstring>
#include <utility>

#include "num/format.h"

namespace assay::mil {
namespace {

static_assert(std::endian::native == std::endian::little, "payloads are little-endian");

template <class T>
Payload payload_of(const std::vector<T>& values) {
  return Payload::copy(std::as_bytes(std::span(values)));
}

template <class T>
T load(Bytes bytes, size_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

/// Element `i` of a type narrower than 8 bits, as its unsigned code.
uint64_t code_at(Bytes bytes, size_t i, int bits) {
  uint64_t code = 0;
  for (int b = 0; b < bits; ++b) {
    const size_t at = i * static_cast<size_t>(bits) + static_cast<size_t>(b);
    code |= (std::to_integer<uint64_t>(bytes[at / 8]) >> (at % 8) & 1) << b;
  }
  return code;
}

int64_t int_at(Bytes bytes, DataType type, size_t i) {
  switch (type) {
    case DataType::boolean:
    case DataType::uint8:
      return load<uint8_t>(bytes, i);
    case DataType::int8:
      return load<int8_t>(bytes, i);
    case DataType::int16:
      return load<int16_t>(bytes, i);
    case DataType::uint16:
      return load<uint16_t>(bytes, i);
    case DataType::int32:
      return load<int32_t>(bytes, i);
    case DataType::uint32:
      return load<uint32_t>(bytes, i);
    case DataType::int64:
    case DataType::uint64:
      return load<int64_t>(bytes, i);
    case DataType::int4: {
      const auto code = static_cast<int64_t>(code_at(bytes, i, 4));
      return code < 8 ? code : code - 16;
    }
    default:
      return static_cast<int64_t>(code_at(bytes, i, data_type_bits(type)));
  }
}

double float_at(Bytes bytes, DataType type, size_t i) {
  switch (type) {
    case DataType::float16:
      return num::decode(load<uint16_t>(bytes, i), num::format(num::FormatId::float16));
    case DataType::bfloat16:
      return num::decode(load<uint16_t>(bytes, i), num::format(num::FormatId::bfloat16));
    case DataType::float32:
      return load<float>(bytes, i);
    case DataType::float64:
      return load<double>(bytes, i);
    case DataType::float8e4m3fn:
      return num::decode(load<uint8_t>(bytes, i), num::format(num::FormatId::float8e4m3fn));
    case DataType::float8e5m2:
      return num::decode(load<uint8_t>(bytes, i), num::format(num::FormatId::float8e5m2));
    default:
      return static_cast<double>(int_at(bytes, type, i));
  }
}

/// Number of elements that a value says and its payload has; 0 when they disagree.
size_t readable(const Value& value, const Payload*& payload) {
  payload = value.payload();
  const auto count = element_count(value.type);
  if (payload == nullptr || payload->source || !count || data_type_bits(value.type.data) == 0) return 0;
  const auto n = static_cast<uint64_t>(*count);
  return packed_bytes(value.type.data, n) == payload->view.size() ? n : 0;
}

Value numbers(DataType type, Dims dims, Payload payload) {
  Value value;
  value.type = Type::tensor(type, std::move(dims));
  value.content = std::move(payload);
  return value;
}

Payload float_payload(const std::vector<float>& values, DataType type) {
  if (type != DataType::float16) return payload_of(values);
  std::vector<uint16_t> halves(values.size());
  num::to_float16(values.data(), halves.data(), values.size());
  return payload_of(halves);
}

}  // namespace

Payload Payload::of(Bytes view, std::shared_ptr<const void> owner) {
  Payload payload;
  payload.view = view;
  payload.owner = std::move(owner);
  payload.size = view.size();
  return payload;
}

Payload Payload::copy(Bytes bytes) {
  auto owned = std::make_shared<std::vector<std::byte>>(bytes.begin(), bytes.end());
  return of(*owned, owned);
}

Payload Payload::stream(uint64_t size, Source source) {
  Payload payload;
  payload.source = std::move(source);
  payload.size = size;
  return payload;
}

Status Payload::each(const Sink& sink) const {
  if (source) return source(sink);
  return view.empty() ? Status{} : sink(view);
}

Result<Payload> Payload::gathered() const {
  if (!source) return *this;
  auto owned = std::make_shared<std::vector<std::byte>>();
  owned->reserve(size);
  ASSAY_CHECK(source([&](Bytes piece) -> Status {
    owned->insert(owned->end(), piece.begin(), piece.end());
    return {};
  }));
  return of(*owned, owned);
}

std::string_view Value::text() const {
  const auto* all = strings();
  return all != nullptr && all->size() == 1 ? std::string_view(all->front()) : std::string_view();
}

std::vector<int64_t> Value::ints() const {
  const Payload* p = nullptr;
  std::vector<int64_t> out(readable(*this, p));
  if (is_float(type.data)) return {};
  for (size_t i = 0; i < out.size(); ++i) out[i] = int_at(p->view, type.data, i);
  return out;
}

std::vector<double> Value::floats() const {
  const Payload* p = nullptr;
  std::vector<double> out(readable(*this, p));
  for (size_t i = 0; i < out.size(); ++i) out[i] = float_at(p->view, type.data, i);
  return out;
}

Value of_text(std::string text) {
  Value value;
  value.type = Type::scalar(DataType::string);
  value.content = std::vector<std::string>{std::move(text)};
  return value;
}
Value of_bool(bool value) {
  return numbers(DataType::boolean, {}, payload_of(std::vector<uint8_t>{static_cast<uint8_t>(value)}));
}
Value of_bools(const std::vector<bool>& values) {
  const std::vector<uint8_t> bytes(values.begin(), values.end());
  return numbers(DataType::boolean, {static_cast<int64_t>(bytes.size())}, payload_of(bytes));
}
Value of_int(int32_t value) { return numbers(DataType::int32, {}, payload_of(std::vector<int32_t>{value})); }
Value of_ints(const std::vector<int32_t>& values) {
  return numbers(DataType::int32, {static_cast<int64_t>(values.size())}, payload_of(values));
}
Value of_float(float value, DataType type) { return numbers(type, {}, float_payload({value}, type)); }
Value of_floats(const std::vector<float>& values, DataType type) {
  return numbers(type, {static_cast<int64_t>(values.size())}, float_payload(values, type));
}

}  // namespace assay::mil
