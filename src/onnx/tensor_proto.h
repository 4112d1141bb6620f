// TensorProto to ir::Tensor: views where the file holds the bytes as we do, decoded copies otherwise.
#pragma once
#include <memory>

#include "base/result.h"
#include "ir/tensor.h"
#include "onnx/external_data.h"
#include "onnx/proto.h"

namespace assay::onnx {

class TensorLoader {
 public:
  /// `owner` keeps the model's bytes alive; null makes every tensor a copy.
  TensorLoader(std::shared_ptr<const void> owner, ExternalData external)
      : owner_(std::move(owner)), external_(std::move(external)) {}

  /// Errors: model_invalid, external_data, limit_exceeded, type_unsupported; `where` names the tensor's place.
  Result<ir::Tensor> load(const TensorProto& proto);
  Result<ir::Tensor> load_sparse(const SparseTensorProto& proto);

 private:
  Result<ir::Tensor> decode(const TensorProto& proto, ir::ElemType elem, int64_t count);
  ir::Tensor adopt(ir::ElemType elem, const ir::Dims& dims, Bytes bytes, const std::shared_ptr<const void>& owner);
  std::shared_ptr<const void> owner_;
  ExternalData external_;
};

}  // namespace assay::onnx
