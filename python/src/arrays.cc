#include "arrays.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <string_view>

namespace assay::python {
namespace nb = nanobind;
namespace {

using nb::dlpack::dtype;
using nb::dlpack::dtype_code;

/// Element types: as the library names them, as DLPack does, and as ml_dtypes where NumPy lacks them. Types narrower
/// than 8 bits are arrays of bytes in ml_dtypes; the library packs them.
struct Row {
  std::string_view name;
  dtype_code code;
  uint8_t bits;
  const char* ml_dtypes = nullptr;
};
constexpr Row kRows[] = {
    {"float32", dtype_code::Float, 32},
    {"float64", dtype_code::Float, 64},
    {"float16", dtype_code::Float, 16},
    {"int64", dtype_code::Int, 64},
    {"int32", dtype_code::Int, 32},
    {"int16", dtype_code::Int, 16},
    {"int8", dtype_code::Int, 8},
    {"uint64", dtype_code::UInt, 64},
    {"uint32", dtype_code::UInt, 32},
    {"uint16", dtype_code::UInt, 16},
    {"uint8", dtype_code::UInt, 8},
    {"bool", dtype_code::Bool, 8},
    {"complex64", dtype_code::Complex, 64},
    {"complex128", dtype_code::Complex, 128},
    {"bfloat16", dtype_code::Bfloat, 16, "bfloat16"},
    {"float8e4m3fn", dtype_code::Float8_E4M3FN, 8, "float8_e4m3fn"},
    {"float8e4m3fnuz", dtype_code::Float8_E4M3FNUZ, 8, "float8_e4m3fnuz"},
    {"float8e5m2", dtype_code::Float8_E5M2, 8, "float8_e5m2"},
    {"float8e5m2fnuz", dtype_code::Float8_E5M2FNUZ, 8, "float8_e5m2fnuz"},
    {"float8e8m0", dtype_code::Float8_E8M0FNU, 8, "float8_e8m0fnu"},
    {"float4e2m1", dtype_code::Float4_E2M1FN, 4, "float4_e2m1fn"},
    {"int4", dtype_code::Int, 4, "int4"},
    {"uint4", dtype_code::UInt, 4, "uint4"},
    {"int2", dtype_code::Int, 2, "int2"},
    {"uint2", dtype_code::UInt, 2, "uint2"},
};

const Row* row_named(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return &row;
  return nullptr;
}
const Row* row_of(dtype type) {
  for (const Row& row : kRows)
    if (type.lanes == 1 && type.code == static_cast<uint8_t>(row.code) && type.bits == row.bits) return &row;
  return nullptr;
}
const Row* row_of_ml_dtypes(std::string_view name) {
  for (const Row& row : kRows)
    if (row.ml_dtypes != nullptr && row.ml_dtypes == name) return &row;
  return nullptr;
}

[[noreturn]] void refuse(const std::string& name, nb::handle object, const std::string& why) {
  const std::string type = nb::cast<std::string>(nb::str(object.type().attr("__name__")));
  throw nb::type_error(("array '" + name + "' (" + type + ") " + why).c_str());
}

/// Python objects may be let go where the GIL is not held.
std::shared_ptr<const void> keep(nb::object object) {
  return {object.release().ptr(), [](const void* kept) {
            const nb::gil_scoped_acquire locked;
            Py_DECREF(static_cast<PyObject*>(const_cast<void*>(kept)));
          }};
}

size_t count_of(const std::vector<int64_t>& shape) {
  size_t count = 1;
  for (const int64_t dim : shape) count *= static_cast<size_t>(dim);
  return count;
}

/// One byte an element, as ml_dtypes holds narrow types, to the packed form; and back.
Array packed(const Array& bytes, const Row& row) {
  const size_t count = count_of(bytes.shape), each = 8U / row.bits;
  auto storage = std::make_shared<std::vector<uint8_t>>((count + each - 1) / each);
  const auto* in = static_cast<const uint8_t*>(bytes.data);
  const auto mask = static_cast<uint8_t>((1U << row.bits) - 1);
  for (size_t i = 0; i < count; ++i)
    (*storage)[i / each] |= static_cast<uint8_t>((in[i] & mask) << (i % each * row.bits));
  return {bytes.name, std::string(row.name), bytes.shape, storage->data(),
          std::shared_ptr<const void>(storage, storage->data())};
}

Array unpacked(const Array& array, const Row& row) {
  const size_t count = count_of(array.shape), each = 8U / row.bits;
  auto storage = std::make_shared<std::vector<uint8_t>>(count);
  const auto* in = static_cast<const uint8_t*>(array.data);
  const bool is_signed = row.code == dtype_code::Int;
  for (size_t i = 0; i < count; ++i) {
    const unsigned code = in[i / each] >> (i % each * row.bits) & ((1U << row.bits) - 1);
    const bool negative = is_signed && (code >> (row.bits - 1)) != 0;
    (*storage)[i] = static_cast<uint8_t>(negative ? code | (0xffU << row.bits) : code);
  }
  return {array.name, "uint8", array.shape, storage->data(), std::shared_ptr<const void>(storage, storage->data())};
}

Array text_of(const std::string& name, nb::handle array) {
  Array out{.name = name, .type = "string"};
  for (const nb::handle dim : array.attr("shape")) out.shape.push_back(nb::cast<int64_t>(dim));
  const nb::object flat = array.attr("ravel")();
  for (const nb::handle item : flat.attr("tolist")()) {
    std::string text;
    if (nb::isinstance<nb::bytes>(item)) {
      const auto bytes = nb::borrow<nb::bytes>(item);
      text.assign(static_cast<const char*>(bytes.data()), bytes.size());
    } else if (!nb::try_cast(item, text)) {
      refuse(name, array, "holds what is no text");
    }
    out.strings.push_back(std::move(text));
  }
  return out;
}

/// NumPy arrays in another byte order, or whose elements lie at odd places, as plain ones; others as they are.
nb::object plain(nb::handle object) {
  if (!nb::hasattr(object, "dtype") || !nb::hasattr(object.attr("dtype"), "newbyteorder")) return nb::borrow(object);
  const nb::object native = object.attr("dtype").attr("newbyteorder")("=");
  const bool aligned = !nb::hasattr(object, "flags") || nb::cast<bool>(object.attr("flags").attr("aligned"));
  if (aligned && object.attr("dtype").equal(native)) return nb::borrow(object);
  return object.attr("astype")(native);
}

Array numbers_of(const std::string& name, nb::handle given) {
  const nb::object object = plain(given);
  nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu> view;
  if (!nb::try_cast(object, view)) {
    refuse(name, object,
           "is no array of one of the element types that models have, in the CPU's memory: give NumPy arrays, or what "
           "exports DLPack or a buffer");
  }
  const Row* row = row_of(view.dtype());
  if (row == nullptr) refuse(name, object, "has an element type that models do not have");
  Array out{.name = name, .type = std::string(row->name)};
  for (size_t d = 0; d < view.ndim(); ++d) out.shape.push_back(static_cast<int64_t>(view.shape(d)));
  out.data = view.data();
  out.owner = keep(nb::find(view).is_valid() ? nb::find(view) : nb::borrow(object));
  return out;
}

}  // namespace

Array array_of(const std::string& name, nb::handle object) {
  if (!nb::hasattr(object, "dtype") || !nb::hasattr(object.attr("dtype"), "kind")) return numbers_of(name, object);
  const nb::object type = object.attr("dtype");
  const auto kind = nb::cast<std::string>(type.attr("kind"));
  if (kind == "U" || kind == "S" || kind == "O" || kind == "T") return text_of(name, object);
  const auto type_name = nb::cast<std::string>(type.attr("name"));
  const Row* row = row_of_ml_dtypes(type_name);
  if (row == nullptr) return numbers_of(name, object);
  // NumPy exports no types of others: the same bytes as unsigned integers.
  const nb::object contiguous = nb::module_::import_("numpy").attr("ascontiguousarray")(object);
  Array bits = numbers_of(
      name, contiguous.attr("view")(row->bits == 16 ? "uint16" : "uint8").attr("reshape")(object.attr("shape")));
  if (row->bits < 8) return packed(bits, *row);
  bits.type = row->name;
  return bits;
}

std::vector<Array> arrays_of(const nb::dict& arrays) {
  std::vector<Array> out;
  for (const auto& [name, array] : arrays) {
    if (!nb::isinstance<nb::str>(name)) throw nb::type_error("arrays are named by text");
    out.push_back(array_of(nb::cast<std::string>(name), array));
  }
  return out;
}

nb::object object_of(const Array& array) {
  const nb::module_ numpy = nb::module_::import_("numpy");
  if (array.type == "string") {
    nb::list items;
    for (const std::string& text : array.strings) items.append(nb::str(text.c_str(), text.size()));
    nb::list shape;
    for (const int64_t dim : array.shape) shape.append(dim);
    return numpy.attr("array")(items, "object").attr("reshape")(shape);
  }
  const Row* row = row_named(array.type);
  if (row == nullptr) throw nb::type_error(("NumPy has no type for " + array.type).c_str());
  const Array source = row->bits < 8 ? unpacked(array, *row) : array;
  std::vector<size_t> shape(source.shape.begin(), source.shape.end());
  auto* owner = new std::shared_ptr<const void>(source.owner);
  const nb::capsule kept(owner, [](void* p) noexcept { delete static_cast<std::shared_ptr<const void>*>(p); });
  const dtype plain = row->ml_dtypes == nullptr ? dtype{static_cast<uint8_t>(row->code), row->bits, 1}
                                                : dtype{static_cast<uint8_t>(dtype_code::UInt),
                                                        static_cast<uint8_t>(row->bits == 16 ? 16 : 8), 1};
  nb::ndarray<nb::numpy> view(const_cast<void*>(source.data), shape.size(), shape.data(), kept, nullptr, plain);
  nb::object out = nb::cast(view);
  if (row->ml_dtypes == nullptr) return out;
  return out.attr("view")(nb::module_::import_("assay._dtypes").attr("dtype_of")(row->ml_dtypes));
}

ArrayDict dict_of(const std::vector<Array>& arrays) {
  ArrayDict out;
  for (const Array& array : arrays) out[array.name.c_str()] = object_of(array);
  return out;
}

}  // namespace assay::python
