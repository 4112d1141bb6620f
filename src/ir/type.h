// Element types, dimensions and value types.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "num/format.h"

namespace assay::ir {

/// Numbered as ONNX TensorProto.DataType.
enum class ElemType : uint8_t {
  undefined = 0,
  float32 = 1,
  uint8 = 2,
  int8 = 3,
  uint16 = 4,
  int16 = 5,
  int32 = 6,
  int64 = 7,
  string = 8,
  boolean = 9,
  float16 = 10,
  float64 = 11,
  uint32 = 12,
  uint64 = 13,
  complex64 = 14,
  complex128 = 15,
  bfloat16 = 16,
  float8e4m3fn = 17,
  float8e4m3fnuz = 18,
  float8e5m2 = 19,
  float8e5m2fnuz = 20,
  uint4 = 21,
  int4 = 22,
  float4e2m1 = 23,
  float8e8m0 = 24,
  uint2 = 25,
  int2 = 26,
};
inline constexpr int kElemTypeCount = 27;

/// Name as our text form prints it ("float32", "int4") and as ONNX does ("FLOAT", "INT4").
std::string_view elem_name(ElemType type);
std::string_view onnx_name(ElemType type);
std::optional<ElemType> elem_named(std::string_view name);  ///< either spelling
std::optional<ElemType> elem_from_onnx(int64_t number);     ///< 1..26
int elem_bits(ElemType type);                               ///< 0 for string and undefined
bool is_float(ElemType type);                               ///< any floating-point type
bool is_integer(ElemType type);                             ///< signed or unsigned, of any width; not boolean
bool is_signed_integer(ElemType type);
/// The number format of a floating-point type; nullopt for others.
std::optional<num::FormatId> elem_format(ElemType type);
ElemType elem_of(num::FormatId format);  ///< undefined for TF32

/// Set of element types, for signatures.
struct TypeSet {
  uint32_t bits = 0;
  constexpr bool has(ElemType t) const { return bits >> static_cast<int>(t) & 1U; }
  friend constexpr TypeSet operator|(TypeSet a, TypeSet b) { return {a.bits | b.bits}; }
};
constexpr TypeSet type_set(ElemType t) { return {1U << static_cast<int>(t)}; }

/// A dimension: a number, a symbol, or nothing known.
struct Dim {
  int64_t value = -1;  ///< -1: not a number
  std::string symbol{};
  Dim() = default;
  Dim(int64_t v) : value(v) {}
  explicit Dim(std::string s) : symbol(std::move(s)) {}
  bool known() const { return value >= 0; }
  friend bool operator==(const Dim&, const Dim&) = default;
};

using Dims = std::vector<int64_t>;

struct Type {
  enum class Kind : uint8_t { tensor, sequence, optional, map };
  Kind kind = Kind::tensor;
  ElemType elem = ElemType::undefined;      ///< tensor: element type; map: key type
  std::optional<std::vector<Dim>> shape{};  ///< tensor: nullopt when not even the rank is known
  std::shared_ptr<const Type> element{};    ///< sequence, optional, map: what they hold

  static Type tensor(ElemType elem, std::optional<std::vector<Dim>> shape = std::nullopt) {
    return Type{Kind::tensor, elem, std::move(shape), nullptr};
  }
  static Type sequence_of(Type element);
  static Type optional_of(Type element);
  static Type of(ElemType elem, const Dims& dims) { return tensor(elem, std::vector<Dim>(dims.begin(), dims.end())); }
  bool is_tensor() const { return kind == Kind::tensor; }
  bool ranked() const { return shape.has_value(); }
  /// Element type of a tensor, or of what a sequence or optional holds; undefined where it is not known, and of maps.
  ElemType leaf() const;
  bool is_static() const;
  /// The dimensions as numbers; call only when is_static().
  Dims dims() const;
  friend bool operator==(const Type& a, const Type& b);
};

/// "float32[2,n,?]", "float32[...]" for unknown rank, "seq(float32[3])".
std::string to_string(const Type& type);
std::string to_string(const Dims& dims);  ///< "[2,3]"

}  // namespace assay::ir
