#include "api/arrays.h"

#include "base/checked.h"

namespace assay::api {
namespace {

Error bad(Code code, const Array& array, std::string what, std::string fix) {
  return Error{code, "array '" + array.name + "' " + std::move(what), array.name, std::move(fix)};
}

}  // namespace

std::string type_name(ir::ElemType type) {
  return type == ir::ElemType::boolean ? "bool" : std::string(elem_name(type));
}

Result<ir::Tensor> tensor_of(const Array& array) {
  const auto elem = array.type == "bool" ? ir::ElemType::boolean : ir::elem_named(array.type);
  if (!elem || *elem == ir::ElemType::undefined)
    return bad(Code::data_type, array, "has the type '" + array.type + "'", "use one of ONNX's, for example float32");
  for (const int64_t dim : array.shape)
    if (dim < 0) return bad(Code::data_shape, array, "has the size " + std::to_string(dim), "sizes are at least 0");
  const auto count = checked_product(array.shape);
  if (!count) return bad(Code::data_shape, array, "has more elements than memory", "give smaller arrays");
  if (*elem == ir::ElemType::string) {
    if (array.strings.size() != static_cast<size_t>(*count))
      return bad(Code::data_shape, array, "has " + std::to_string(array.strings.size()) + " strings",
                 "give as many as the shape says");
    return ir::Tensor::of_strings(array.shape, array.strings);
  }
  if (array.data == nullptr && *count > 0) return bad(Code::data_missing, array, "holds no data", "set data");
  return ir::Tensor::view(*elem, array.shape, static_cast<const std::byte*>(array.data), array.owner);
}

Result<backends::Arrays> tensors_of(const std::vector<Array>& arrays) {
  backends::Arrays out;
  for (const Array& array : arrays) {
    ASSAY_TRY(ir::Tensor tensor, tensor_of(array));
    out.push_back({array.name, std::move(tensor)});
  }
  return out;
}

Array array_of(const std::string& name, const ir::Tensor& tensor) {
  Array array{.name = name, .type = type_name(tensor.elem()), .shape = tensor.dims()};
  if (tensor.elem() == ir::ElemType::string) {
    array.strings = tensor.strings();
  } else {
    auto kept = std::make_shared<const ir::Tensor>(tensor);
    array.data = kept->bytes();
    array.owner = std::move(kept);
  }
  return array;
}

std::vector<Array> arrays_of(const backends::Arrays& arrays) {
  std::vector<Array> out;
  for (const backends::NamedArray& array : arrays) out.push_back(array_of(array.name, array.tensor));
  return out;
}

std::vector<backends::CallableSource> sources_of(const std::vector<Callable>& callables) {
  std::vector<backends::CallableSource> sources;
  sources.reserve(callables.size());
  for (const Callable& callable : callables) {
    sources.push_back({callable.name, [run = callable.run](const backends::Arrays& inputs) -> Result<backends::Arrays> {
                         ASSAY_TRY(const std::vector<Array> outputs, run(arrays_of(inputs)));
                         return tensors_of(outputs);
                       }});
  }
  return sources;
}

}  // namespace assay::api
