// Arrays of the public API as tensors and back, without copies.
#pragma once
#include <vector>

#include "assay/array.h"
#include "assay/callable.h"
#include "backends/program.h"
#include "base/result.h"

namespace assay::api {

/// Element types as the public API names them: ONNX's names in lower case, `bool`.
std::string type_name(ir::ElemType type);
/// A view: the array's owner lives as long as the tensor. Errors: data_type for unknown types; data_shape for negative
/// or overflowing sizes, missing data.
Result<ir::Tensor> tensor_of(const Array& array);
Result<backends::Arrays> tensors_of(const std::vector<Array>& arrays);
Array array_of(const std::string& name, const ir::Tensor& tensor);
std::vector<Array> arrays_of(const backends::Arrays& arrays);
/// What the caller's functions take and return, as tensors.
std::vector<backends::CallableSource> sources_of(const std::vector<Callable>& callables);

}  // namespace assay::api
