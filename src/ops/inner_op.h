// A step of a composite operator that is an operator of ONNX itself: its row runs on whole tensors in the compute type,
// under the composite's policy, and rounds no result: one node, one rounding.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "ops/kernel.h"

namespace assay::ops {

class InnerOp {
 public:
  InnerOp(const KernelContext& context, std::string_view type);
  InnerOp& attr(std::string_view name, ir::AttrValue value);
  /// Floating-point operands are in compute_type(), whatever the composite's are.
  InnerOp& in(ir::Tensor tensor);
  InnerOp& absent();
  /// The first output.
  Result<ir::Tensor> run();

 private:
  const KernelContext& context_;
  ir::Graph graph_;
  ir::Op op_;
  std::vector<ir::Tensor> inputs_;
};

/// The type that an operator of ONNX gives the inputs named, codes standing for float32: a composite's inference. The
/// attributes are the composite's; `extra` is an int64 constant behind the inputs (axes), or null.
Result<ir::Type> infer_as(const InferContext& context, std::string_view type, std::span<const size_t> inputs,
                          const ir::Tensor* extra = nullptr);

/// float64 or float32: what the composite computes in.
ir::ElemType compute_type(const KernelContext& context);

/// Input `i` in the compute type; exact.
ir::Tensor widened(const KernelContext& context, size_t i);

}  // namespace assay::ops
