#include "backends/ort/tensors.h"

#include <algorithm>
#include <array>

namespace assay::backends::ort {
namespace {
using ir::ElemType;

// The library numbers its types as ONNX does until the 23rd; then the order is another.
constexpr std::array kLaterTypes = {ElemType::uint2, ElemType::int2, ElemType::float8e8m0};
constexpr int kFirstLater = 24;

int number_of(ElemType type) {
  const auto later = std::ranges::find(kLaterTypes, type);
  return later == kLaterTypes.end() ? static_cast<int>(type)
                                    : kFirstLater + static_cast<int>(later - kLaterTypes.begin());
}

Result<ElemType> type_numbered(int number, const std::string& name) {
  if (number > 0 && number < kFirstLater) return static_cast<ElemType>(number);
  const auto later = static_cast<size_t>(number - kFirstLater);
  if (number >= kFirstLater && later < kLaterTypes.size()) return kLaterTypes[later];
  return Error{Code::backend_failed, "'" + name + "' has an element type that is not known: " + std::to_string(number),
               name, "use another version of ONNX Runtime"};
}

Error no_tensor(const std::string& name) {
  return Error{Code::backend_failed,
               "'" + name + "' is no tensor: sequences, maps and optional values are not compared", name,
               "end the model before it, or convert it to tensors inside the model"};
}

Status fill_strings(const Library& library, OrtValue* value, const std::vector<std::string>& strings) {
  std::vector<const char*> words;
  for (const std::string& s : strings) {
    if (s.find('\0') != std::string::npos)
      return Error{Code::data_type, "the runtime takes no text with a zero byte inside", "", "leave the byte out"};
    words.push_back(s.c_str());
  }
  return library.call<FillStringTensor>(value, words.data(), words.size());
}

Result<ir::Tensor> strings_of(const Library& library, const OrtValue* value, ir::Dims dims, size_t count) {
  size_t bytes = 0;
  ASSAY_CHECK(library.call<GetStringTensorDataLength>(value, &bytes));
  std::string text(bytes, '\0');
  std::vector<size_t> begins(count + 1, bytes);
  ASSAY_CHECK(
      library.call<GetStringTensorContent>(value, static_cast<void*>(text.data()), bytes, begins.data(), count));
  std::vector<std::string> strings;
  for (size_t i = 0; i < count; ++i) strings.push_back(text.substr(begins[i], begins[i + 1] - begins[i]));
  return ir::Tensor::of_strings(std::move(dims), std::move(strings));
}

Result<ir::Dims> dims_of(const Library& library, const OrtShapeInfo* info) {
  size_t rank = 0;
  ASSAY_CHECK(library.call<GetDimensionsCount>(info, &rank));
  ir::Dims dims(rank);
  ASSAY_CHECK(library.call<GetDimensions>(info, dims.data(), rank));
  return dims;
}

}  // namespace

Result<Value> value_of(const Library& library, const ir::Tensor& tensor) {
  Value value(library);
  const ir::Dims& dims = tensor.dims();
  const int type = number_of(tensor.elem());
  if (tensor.elem() == ElemType::string) {
    ASSAY_CHECK(library.call<CreateTensorAsOrtValue>(library.allocator(), dims.data(), dims.size(), type, value.out()));
    ASSAY_CHECK(fill_strings(library, value.get(), tensor.strings()));
    return value;
  }
  // The library reads inputs only, whatever the parameter's type.
  void* const data = const_cast<std::byte*>(tensor.bytes());
  auto made = library.call<CreateTensorWithDataAsOrtValue>(library.memory(), data, tensor.byte_size(), dims.data(),
                                                           dims.size(), type, value.out());
  if (!made.ok())
    return Error{Code::data_type, std::string(ir::elem_name(tensor.elem())) + ": " + made.error().message,
                 made.error().where, "give the array as another type"};
  return value;
}

Result<ir::Tensor> tensor_of(const Library& library, Value value, const std::string& name,
                             std::shared_ptr<const void> keep) {
  if (value.get() == nullptr) return no_tensor(name);
  int kind = 0;
  ASSAY_CHECK(library.call<GetValueType>(value.get(), &kind));
  if (kind != kTensorValue) return no_tensor(name);
  ShapeInfo info(library);
  ASSAY_CHECK(library.call<GetTensorTypeAndShape>(value.get(), info.out()));
  int number = 0;
  ASSAY_CHECK(library.call<GetTensorElementType>(info.get(), &number));
  ASSAY_TRY(const ElemType type, type_numbered(number, name));
  ASSAY_TRY(ir::Dims dims, dims_of(library, info.get()));
  int64_t count = 1;
  for (const int64_t d : dims) count *= d;
  if (type == ElemType::string) return strings_of(library, value.get(), std::move(dims), static_cast<size_t>(count));
  void* data = nullptr;
  ASSAY_CHECK(library.call<GetTensorMutableData>(value.get(), &data));
  struct Keep {
    std::shared_ptr<const void> session;  // released last
    Value value;
  };
  auto owner = std::make_shared<Keep>(std::move(keep), std::move(value));
  return ir::Tensor::view(type, std::move(dims), static_cast<const std::byte*>(data), std::move(owner));
}

Result<ir::Type> type_of(const Library& library, const OrtTypeInfo* info, const std::string& name) {
  int kind = 0;
  ASSAY_CHECK(library.call<GetOnnxTypeFromTypeInfo>(info, &kind));
  if (kind != kTensorValue) return no_tensor(name);
  const OrtShapeInfo* tensor = nullptr;
  ASSAY_CHECK(library.call<CastTypeInfoToTensorInfo>(info, &tensor));
  int number = 0;
  ASSAY_CHECK(library.call<GetTensorElementType>(tensor, &number));
  ASSAY_TRY(const ElemType type, type_numbered(number, name));
  ASSAY_TRY(const ir::Dims dims, dims_of(library, tensor));
  if (library.knows_shapes() ? !library.plain<HasShape>(tensor) : dims.empty()) return ir::Type::tensor(type);
  std::vector<const char*> symbols(dims.size(), "");
  ASSAY_CHECK(library.call<GetSymbolicDimensions>(tensor, symbols.data(), symbols.size()));
  std::vector<ir::Dim> shape;
  for (size_t d = 0; d < dims.size(); ++d)
    shape.push_back(dims[d] >= 0 ? ir::Dim(dims[d]) : ir::Dim(std::string(symbols[d])));
  return ir::Type::tensor(type, std::move(shape));
}

}  // namespace assay::backends::ort
