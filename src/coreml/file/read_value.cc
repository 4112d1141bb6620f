// MIL.proto's Value: literals, and references to records of weight files.
#include <cstring>

#include "coreml/file/read.h"

namespace assay::coreml {
namespace {
using mil::DataType;
using mil::Payload;
using mil::Value;

// Field numbers of TensorValue.
enum : uint32_t { kFloats = 1, kInts = 2, kBools = 3, kStrings = 4, kLongInts = 5, kDoubles = 6, kBytes = 7 };

bool is_integer(DataType type) {
  switch (type) {
    case DataType::int8:
    case DataType::int16:
    case DataType::int32:
    case DataType::int64:
    case DataType::uint8:
    case DataType::uint16:
    case DataType::uint32:
    case DataType::uint64:
      return true;
    default:
      return false;
  }
}

bool stands_in(DataType type, uint32_t field) {
  switch (field) {
    case kFloats:
      return type == DataType::float32;
    case kInts:
      return is_integer(type) && mil::data_type_bits(type) <= 32;
    case kBools:
      return type == DataType::boolean;
    case kStrings:
      return type == DataType::string;
    case kLongInts:
      return type == DataType::int64 || type == DataType::uint64;
    case kDoubles:
      return type == DataType::float64;
    default:
      return mil::data_type_bits(type) > 0;
  }
}

bool is_signed(DataType type) {
  return type == DataType::int8 || type == DataType::int16 || type == DataType::int32 || type == DataType::int64;
}

Status put_integer(const pb::Reader& r, DataType type, int64_t value, std::vector<std::byte>& out) {
  const int bits = type == DataType::boolean ? 8 : mil::data_type_bits(type);
  if (bits < 64) {
    // 32-bit fields hold unsigned numbers by their bits, so these may come negative.
    if (type == DataType::uint32 && value < 0) value = static_cast<int64_t>(static_cast<uint32_t>(value));
    const int64_t low = is_signed(type) ? -(int64_t{1} << (bits - 1)) : 0;
    const int64_t high = is_signed(type) ? (int64_t{1} << (bits - 1)) - 1 : (int64_t{1} << bits) - 1;
    if (value < low || value > high)
      return r.error(Code::model_invalid, std::to_string(value) + " does not fit " + std::to_string(bits) + " bits");
  }
  const size_t at = out.size();
  out.resize(at + static_cast<size_t>(bits) / 8);
  std::memcpy(out.data() + at, &value, static_cast<size_t>(bits) / 8);
  return {};
}

Result<Payload> read_integers(pb::Reader r, DataType type) {
  std::vector<int64_t> numbers;
  while (r.next())
    if (r.field() == 1) r.append(numbers);
  ASSAY_CHECK(r.status());
  std::vector<std::byte> bytes;
  for (const int64_t n : numbers) ASSAY_CHECK(put_integer(r, type, type == DataType::boolean ? n != 0 : n, bytes));
  return Payload::copy(bytes);
}

Result<Payload> read_runs(pb::Reader r, pb::Wire element, const ReadContext& context) {
  std::vector<pb::Bytes> runs;
  while (r.next())
    if (r.field() == 1) r.append_run(runs, element);
  ASSAY_CHECK(r.status());
  return joined(runs, context.owner);
}

Status read_strings(pb::Reader r, std::vector<std::string>& out) {
  while (r.next()) {
    if (r.field() != 1) continue;
    ASSAY_CHECK(room(r, out.size(), kMaxWords));
    out.emplace_back(r.text());
  }
  return r.status();
}

Result<Payload> read_numbers(pb::Reader r, uint32_t field, DataType type, const ReadContext& context) {
  switch (field) {
    case kFloats:
      return read_runs(r, pb::Wire::fixed32, context);
    case kDoubles:
      return read_runs(r, pb::Wire::fixed64, context);
    case kBytes:
      return read_runs(r, pb::Wire::bytes, context);
    default:
      return read_integers(r, type);
  }
}

Status check_count(const pb::Reader& r, const Value& value) {
  if (!value.type.is_static()) return {};
  const auto count = mil::element_count(value.type);
  if (!count) return r.error(Code::limit_exceeded, "a constant of type " + to_string(value.type) + " is too large");
  uint64_t wanted = static_cast<uint64_t>(*count), found = 0;
  if (const auto* const strings = value.strings()) {
    found = strings->size();
  } else if (const Payload* const payload = value.payload()) {
    wanted = mil::packed_bytes(value.type.data, wanted);
    found = payload->size;
  }
  if (found == wanted) return {};
  return r.error(Code::model_invalid, "a constant of type " + to_string(value.type) + " has " + std::to_string(found) +
                                          (value.strings() ? " strings" : " bytes") + " instead of " +
                                          std::to_string(wanted));
}

Status read_members(pb::Reader r, std::vector<Value>& members, std::string& extra, const ReadContext& context) {
  while (r.next()) {
    if (r.field() != 1) {
      keep(r, extra);
      continue;
    }
    ASSAY_CHECK(room(r, members.size()));
    const auto index = static_cast<int64_t>(members.size());
    ASSAY_CHECK(read_value(r.message("values", index), members.emplace_back(), context));
  }
  return r.status();
}

Status read_pairs(pb::Reader r, std::vector<Value>& members, std::string& extra, const ReadContext& context) {
  while (r.next()) {
    if (r.field() != 1) {
      keep(r, extra);
      continue;
    }
    ASSAY_CHECK(room(r, members.size()));
    pb::Reader pair = r.message("values", static_cast<int64_t>(members.size() / 2));
    Value key, value;
    while (pair.next()) {
      if (pair.field() == 1) ASSAY_CHECK(read_value(pair.message("key"), key, context));
      if (pair.field() == 2) ASSAY_CHECK(read_value(pair.message("value"), value, context));
    }
    ASSAY_CHECK(pair.status());
    members.push_back(std::move(key));
    members.push_back(std::move(value));
  }
  return r.status();
}

// ImmediateValue: one of tensor 1, tuple 2, list 3, dictionary 4.
Status read_immediate(pb::Reader r, Value& out, const ReadContext& context) {
  std::string extra;
  while (r.next()) {
    const uint32_t field = r.field();
    std::string nested;
    if (field == 1) {
      ASSAY_CHECK(read_tensor_value(r.message("tensor"), out, nested, context));
    } else if (field >= 2 && field <= 4) {
      if (!out.members()) out.content = std::vector<Value>();
      auto& members = std::get<std::vector<Value>>(out.content);
      if (field == 4)
        ASSAY_CHECK(read_pairs(r.message("dictionary"), members, nested, context));
      else
        ASSAY_CHECK(read_members(r.message(field == 2 ? "tuple" : "list"), members, nested, context));
    } else {
      keep(r, extra);
    }
    keep_within(field, nested, extra);
  }
  keep_within(3, extra, out.extra);
  return r.status();
}

Status read_blob(pb::Reader r, Value& out, const ReadContext& context) {
  std::string file, extra;
  while (r.next()) {
    if (r.field() == 1)
      file = r.text();
    else if (r.field() == 2)
      out.offset = r.varint();
    else
      keep(r, extra);
  }
  ASSAY_CHECK(r.status());
  keep_within(5, extra, out.extra);
  out.in_file = true;
  ASSAY_TRY(Payload payload, context.weights->find(file, out.offset, out.type, r.path()));
  out.content = std::move(payload);
  return {};
}
}  // namespace

Status read_tensor_value(pb::Reader r, Value& out, std::string& extra, const ReadContext& context) {
  while (r.next()) {
    const uint32_t field = r.field();
    if (field < kFloats || field > kBytes) {
      keep(r, extra);
      continue;
    }
    if (!out.type.is_tensor() || !stands_in(out.type.data, field))
      return r.error(Code::model_invalid, "field " + std::to_string(field) +
                                              " cannot hold the numbers of a constant of type " + to_string(out.type));
    if (field == kStrings) {
      std::vector<std::string> strings;
      ASSAY_CHECK(read_strings(r.message("strings"), strings));
      out.content = std::move(strings);
    } else {
      ASSAY_TRY(Payload payload, read_numbers(r.message("numbers"), field, out.type.data, context));
      out.content = std::move(payload);
    }
    ASSAY_CHECK(check_count(r, out));
  }
  return r.status();
}

// In two passes: the type says how to read the numbers, and nothing says that it comes first.
Status read_value(pb::Reader r, Value& out, const ReadContext& context) {
  pb::Reader again = r;
  while (r.next()) {
    switch (r.field()) {
      case 1:
        out.doc = r.text();
        break;
      case 2:
        ASSAY_CHECK(read_type(r.message("type"), out.type));
        break;
      case 3:
      case 5:
        break;
      default:
        keep(r, out.extra);
    }
  }
  ASSAY_CHECK(r.status());
  while (again.next()) {
    if (again.field() == 3) ASSAY_CHECK(read_immediate(again.message("immediateValue"), out, context));
    if (again.field() == 5) ASSAY_CHECK(read_blob(again.message("blobFileValue"), out, context));
  }
  return again.status();
}

}  // namespace assay::coreml
