// Types of ML Programs, numbered and named as MIL.proto does.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::mil {

/// MIL.proto's DataType.
enum class DataType : uint8_t {
  unused = 0,
  boolean = 1,
  string = 2,
  float16 = 10,
  float32 = 11,
  float64 = 12,
  bfloat16 = 13,
  int8 = 21,
  int16 = 22,
  int32 = 23,
  int64 = 24,
  int4 = 25,
  uint8 = 31,
  uint16 = 32,
  uint32 = 33,
  uint64 = 34,
  uint4 = 35,
  uint2 = 36,
  uint1 = 37,
  uint6 = 38,
  uint3 = 39,
  float8e4m3fn = 40,
  float8e5m2 = 41,
};

/// What is said of a data type in one row.
struct DataTypeRow {
  DataType type;
  std::string_view name;  ///< MIL.proto's spelling: "FLOAT32"
  std::string_view word;  ///< MIL's text spelling, also the `dtype` strings of operations: "fp32", "int32", "bool"
  int bits;               ///< 0: not a number (string)
  int blob;               ///< BlobDataType of weight files; 0: never stands in one
};
/// Null for numbers that MIL.proto does not have.
const DataTypeRow* data_type_row(DataType type);
const DataTypeRow* data_type_named(std::string_view word);  ///< by `word`
const DataTypeRow* data_type_of_blob(uint32_t blob);        ///< by BlobDataType
/// 0 for strings and unknown numbers.
int data_type_bits(DataType type);
bool is_float(DataType type);

inline constexpr int64_t kUnknownDim = -1;
using Dims = std::vector<int64_t>;

/// A value's type. Lists, tuples, dictionaries and states hold other types in `parts`.
struct Type {
  enum class Kind : uint8_t { tensor, list, tuple, dictionary, state };
  Kind kind = Kind::tensor;
  DataType data = DataType::unused;   ///< tensor
  std::optional<Dims> dims = Dims{};  ///< tensor: kUnknownDim where unknown; nullopt: not even the rank is known
  /// list: its element; tuple: its members; dictionary: key, value; state: what it wraps.
  std::vector<Type> parts{};
  int64_t length = kUnknownDim;  ///< list
  std::string extra{};           ///< fields that this build does not read, as their bytes

  static Type tensor(DataType data, std::optional<Dims> dims) {
    Type type;
    type.data = data;
    type.dims = std::move(dims);
    return type;
  }
  static Type scalar(DataType data) { return tensor(data, Dims{}); }
  bool is_tensor() const { return kind == Kind::tensor; }
  bool is_static() const;                                ///< a tensor all of whose dimensions are known
  friend bool operator==(const Type& a, const Type& b);  ///< `extra` aside
};

/// "tensor<fp32, [1, 3]>", "state<tensor<fp16, [4]>>", "tensor<int32, [?, 2]>".
std::string to_string(const Type& type);

/// Elements of a static tensor type; nullopt when unknown or beyond 2^62.
std::optional<int64_t> element_count(const Type& type);
/// Bytes that `count` elements take; narrower than 8 bits they are packed from the least significant bit.
uint64_t packed_bytes(DataType type, uint64_t count);

}  // namespace assay::mil
