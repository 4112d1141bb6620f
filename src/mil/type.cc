#include "mil/type.h"

#include <algorithm>
#include <iterator>

namespace assay::mil {
namespace {

constexpr DataTypeRow kRows[] = {
    {DataType::boolean, "BOOL", "bool", 8, 0},
    {DataType::string, "STRING", "string", 0, 0},
    {DataType::float16, "FLOAT16", "fp16", 16, 1},
    {DataType::float32, "FLOAT32", "fp32", 32, 2},
    {DataType::float64, "FLOAT64", "fp64", 64, 0},
    {DataType::bfloat16, "BFLOAT16", "bf16", 16, 5},
    {DataType::int8, "INT8", "int8", 8, 4},
    {DataType::int16, "INT16", "int16", 16, 6},
    {DataType::int32, "INT32", "int32", 32, 14},
    {DataType::int64, "INT64", "int64", 64, 0},
    {DataType::int4, "INT4", "int4", 4, 8},
    {DataType::uint8, "UINT8", "uint8", 8, 3},
    {DataType::uint16, "UINT16", "uint16", 16, 7},
    {DataType::uint32, "UINT32", "uint32", 32, 15},
    {DataType::uint64, "UINT64", "uint64", 64, 0},
    {DataType::uint4, "UINT4", "uint4", 4, 11},
    {DataType::uint2, "UINT2", "uint2", 2, 10},
    {DataType::uint1, "UINT1", "uint1", 1, 9},
    {DataType::uint6, "UINT6", "uint6", 6, 13},
    {DataType::uint3, "UINT3", "uint3", 3, 12},
    {DataType::float8e4m3fn, "FLOAT8E4M3FN", "fp8e4m3fn", 8, 16},
    {DataType::float8e5m2, "FLOAT8E5M2", "fp8e5m2", 8, 17},
};

template <class Member, class Key>
const DataTypeRow* row_by(Member member, Key key) {
  const auto found = std::ranges::find(kRows, key, member);
  return found == std::end(kRows) ? nullptr : found;
}

std::string dims_text(const Type& type) {
  if (!type.dims) return "[...]";
  std::string out = "[";
  for (const int64_t d : *type.dims) {
    if (out.size() > 1) out += ", ";
    out += d < 0 ? "?" : std::to_string(d);
  }
  return out + "]";
}

}  // namespace

const DataTypeRow* data_type_row(DataType type) { return row_by(&DataTypeRow::type, type); }
const DataTypeRow* data_type_named(std::string_view word) { return row_by(&DataTypeRow::word, word); }
const DataTypeRow* data_type_of_blob(uint32_t blob) {
  return blob == 0 || blob > 17 ? nullptr : row_by(&DataTypeRow::blob, static_cast<int>(blob));
}

int data_type_bits(DataType type) {
  const DataTypeRow* row = data_type_row(type);
  return row == nullptr ? 0 : row->bits;
}

bool is_float(DataType type) {
  return type == DataType::float16 || type == DataType::float32 || type == DataType::float64 ||
         type == DataType::bfloat16 || type == DataType::float8e4m3fn || type == DataType::float8e5m2;
}

bool Type::is_static() const {
  return kind == Kind::tensor && dims && std::ranges::all_of(*dims, [](int64_t d) { return d >= 0; });
}

bool operator==(const Type& a, const Type& b) {
  return a.kind == b.kind && a.data == b.data && a.dims == b.dims && a.parts == b.parts && a.length == b.length;
}

std::string to_string(const Type& type) {
  const auto part = [&](size_t i) { return i < type.parts.size() ? to_string(type.parts[i]) : std::string("?"); };
  switch (type.kind) {
    case Type::Kind::tensor: {
      const DataTypeRow* row = data_type_row(type.data);
      const std::string word(row == nullptr ? "?" : row->word);
      return type.dims && type.dims->empty() ? word : "tensor<" + word + ", " + dims_text(type) + ">";
    }
    case Type::Kind::list:
      return "list<" + part(0) + ", " + (type.length < 0 ? "?" : std::to_string(type.length)) + ">";
    case Type::Kind::tuple: {
      std::string out = "tuple<";
      for (size_t i = 0; i < type.parts.size(); ++i) out += (i == 0 ? "" : ", ") + part(i);
      return out + ">";
    }
    case Type::Kind::dictionary:
      return "dict<" + part(0) + ", " + part(1) + ">";
    case Type::Kind::state:
      return "state<" + part(0) + ">";
  }
  return "?";
}

std::optional<int64_t> element_count(const Type& type) {
  if (!type.is_static()) return std::nullopt;
  constexpr int64_t kMost = int64_t{1} << 62;
  int64_t count = 1;
  if (std::ranges::find(*type.dims, 0) != type.dims->end()) return 0;
  for (const int64_t d : *type.dims) {
    if (d > kMost / count) return std::nullopt;
    count *= d;
  }
  return count;
}

uint64_t packed_bytes(DataType type, uint64_t count) {
  const auto bits = static_cast<uint64_t>(data_type_bits(type));
  return bits >= 8 ? count * (bits / 8) : count / 8 * bits + (count % 8 * bits + 7) / 8;
}

}  // namespace assay::mil
