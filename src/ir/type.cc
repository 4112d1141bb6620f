#include "ir/type.h"

#include <algorithm>
#include <iterator>

#include "ir/quote.h"

namespace assay::ir {
namespace {

struct ElemRow {
  std::string_view name, onnx;
  int bits;
  enum class Class : uint8_t { other, floating, sint, uint } kind;
  std::optional<num::FormatId> format;
};
using C = ElemRow::Class;
using F = num::FormatId;
constexpr std::nullopt_t kNone = std::nullopt;

constexpr ElemRow kElems[kElemTypeCount] = {
    {"undefined", "UNDEFINED", 0, C::other, kNone},
    {"float32", "FLOAT", 32, C::floating, F::float32},
    {"uint8", "UINT8", 8, C::uint, kNone},
    {"int8", "INT8", 8, C::sint, kNone},
    {"uint16", "UINT16", 16, C::uint, kNone},
    {"int16", "INT16", 16, C::sint, kNone},
    {"int32", "INT32", 32, C::sint, kNone},
    {"int64", "INT64", 64, C::sint, kNone},
    {"string", "STRING", 0, C::other, kNone},
    {"bool", "BOOL", 8, C::other, kNone},
    {"float16", "FLOAT16", 16, C::floating, F::float16},
    {"float64", "DOUBLE", 64, C::floating, F::float64},
    {"uint32", "UINT32", 32, C::uint, kNone},
    {"uint64", "UINT64", 64, C::uint, kNone},
    {"complex64", "COMPLEX64", 64, C::other, kNone},
    {"complex128", "COMPLEX128", 128, C::other, kNone},
    {"bfloat16", "BFLOAT16", 16, C::floating, F::bfloat16},
    {"float8e4m3fn", "FLOAT8E4M3FN", 8, C::floating, F::float8e4m3fn},
    {"float8e4m3fnuz", "FLOAT8E4M3FNUZ", 8, C::floating, F::float8e4m3fnuz},
    {"float8e5m2", "FLOAT8E5M2", 8, C::floating, F::float8e5m2},
    {"float8e5m2fnuz", "FLOAT8E5M2FNUZ", 8, C::floating, F::float8e5m2fnuz},
    {"uint4", "UINT4", 4, C::uint, kNone},
    {"int4", "INT4", 4, C::sint, kNone},
    {"float4e2m1", "FLOAT4E2M1", 4, C::floating, F::float4e2m1},
    {"float8e8m0", "FLOAT8E8M0", 8, C::floating, F::float8e8m0},
    {"uint2", "UINT2", 2, C::uint, kNone},
    {"int2", "INT2", 2, C::sint, kNone},
};

const ElemRow& row(ElemType type) { return kElems[static_cast<int>(type) % kElemTypeCount]; }

}  // namespace

std::string_view elem_name(ElemType type) { return row(type).name; }
std::string_view onnx_name(ElemType type) { return row(type).onnx; }
int elem_bits(ElemType type) { return row(type).bits; }
bool is_float(ElemType type) { return row(type).kind == C::floating; }
bool is_integer(ElemType type) { return row(type).kind == C::sint || row(type).kind == C::uint; }
bool is_signed_integer(ElemType type) { return row(type).kind == C::sint; }
std::optional<num::FormatId> elem_format(ElemType type) { return row(type).format; }

std::optional<ElemType> elem_named(std::string_view name) {
  const auto* found = std::ranges::find_if(kElems, [&](const ElemRow& r) { return r.name == name || r.onnx == name; });
  if (found == std::end(kElems)) return std::nullopt;
  return static_cast<ElemType>(found - std::begin(kElems));
}

std::optional<ElemType> elem_from_onnx(int64_t number) {
  if (number < 1 || number >= kElemTypeCount) return std::nullopt;
  return static_cast<ElemType>(number);
}

ElemType elem_of(num::FormatId format) {
  const auto* found = std::ranges::find_if(kElems, [&](const ElemRow& r) { return r.format == format; });
  return found == std::end(kElems) ? ElemType::undefined : static_cast<ElemType>(found - std::begin(kElems));
}

namespace {
Type holding(Type::Kind kind, Type element) {
  Type type;
  type.kind = kind;
  type.element = std::make_shared<const Type>(std::move(element));
  return type;
}
}  // namespace

Type Type::sequence_of(Type element) { return holding(Kind::sequence, std::move(element)); }
Type Type::optional_of(Type element) { return holding(Kind::optional, std::move(element)); }

ElemType Type::leaf() const {
  if (kind == Kind::tensor) return elem;
  return kind == Kind::map || !element ? ElemType::undefined : element->leaf();
}

bool Type::is_static() const {
  return kind == Kind::tensor && shape && std::ranges::all_of(*shape, [](const Dim& d) { return d.known(); });
}

Dims Type::dims() const {
  Dims out;
  for (const Dim& d : *shape) out.push_back(d.value);
  return out;
}

bool operator==(const Type& a, const Type& b) {
  if (a.kind != b.kind || a.elem != b.elem || a.shape != b.shape) return false;
  if (!a.element || !b.element) return !a.element == !b.element;
  return *a.element == *b.element;
}

std::string to_string(const Type& type) {
  switch (type.kind) {
    case Type::Kind::sequence:
      return "seq(" + to_string(*type.element) + ")";
    case Type::Kind::optional:
      return "optional(" + to_string(*type.element) + ")";
    case Type::Kind::map:
      return "map(" + std::string(elem_name(type.elem)) + "," + to_string(*type.element) + ")";
    case Type::Kind::tensor:
      break;
  }
  std::string out(elem_name(type.elem));
  if (!type.shape) return out + "[...]";
  out += '[';
  for (const Dim& d : *type.shape) {
    if (out.back() != '[') out += ',';
    out += d.known() ? std::to_string(d.value) : d.symbol.empty() ? "?" : quoted_if_needed(d.symbol);
  }
  return out + ']';
}

std::string to_string(const Dims& dims) {
  std::string out = "[";
  for (const int64_t d : dims) {
    if (out.size() > 1) out += ',';
    out += std::to_string(d);
  }
  return out + ']';
}

}  // namespace assay::ir
