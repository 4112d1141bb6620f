// Tensors in ONNX Runtime's hands and back, without copies but for strings.
#pragma once
#include <memory>
#include <string>

#include "backends/ort/library.h"
#include "backends/program.h"
#include "ir/tensor.h"

namespace assay::backends::ort {

/// A value that views the tensor's bytes, which must live as long. Errors: data_type for types that the library has no
/// tensors of.
Result<Value> value_of(const Library& library, const ir::Tensor& tensor);
/// The tensor that a value holds, as a view that keeps it (and `keep`) alive. Errors: backend_failed when it holds a
/// sequence, a map or nothing; `name` is for messages.
Result<ir::Tensor> tensor_of(const Library& library, Value value, const std::string& name,
                             std::shared_ptr<const void> keep);
/// The type of an input or output. Errors: backend_failed for sequences, maps and other values that are no tensors.
Result<ir::Type> type_of(const Library& library, const OrtTypeInfo* info, const std::string& name);

}  // namespace assay::backends::ort
