// Weights that are recoded while a model is written, so that no second copy of them is ever held.
#pragma once
#include "ir/tensor.h"
#include "mil/value.h"

namespace assay::ops {

/// A float32 tensor as float16, rounded to nearest even.
mil::Payload halved(const ir::Tensor& tensor);
/// A float32 matrix [rows, columns] as [columns, rows], in float32 or float16.
mil::Payload transposed(const ir::Tensor& matrix, mil::DataType type = mil::DataType::float32);

}  // namespace assay::ops
