// Lowerings that stand in files of their own (ops/lower/*.cc) because their operators' files are long.
#pragma once
#include "ops/lower/elementwise.h"

namespace assay::ops {

/// Whether a constant operand has one value an index of `axis` of x and none along the others.
bool is_per_channel(const LowerContext& c, size_t operand, int64_t axis);

Status leaky_relu_to_mil(MilContext& c);
Status leaky_relu_to_nn(NnContext& c);
Status prelu_to_mil(MilContext& c);
Status prelu_to_nn(NnContext& c);
Status thresholded_relu_to_mil(MilContext& c);
Status thresholded_relu_to_nn(NnContext& c);

Status hard_sigmoid_to_mil(MilContext& c);
Status hard_sigmoid_to_nn(NnContext& c);
Status hard_swish_to_mil(MilContext& c);
Status hard_swish_to_nn(NnContext& c);
Status softplus_to_mil(MilContext& c);
Status softplus_to_nn(NnContext& c);
Status mish_to_mil(MilContext& c);
Status mish_to_nn(NnContext& c);
Status swish_to_mil(MilContext& c);
Status swish_to_nn(NnContext& c);
Status gelu_to_mil(MilContext& c);
Status gelu_to_nn(NnContext& c);

Status softmax_to_mil(MilContext& c);
Status softmax_to_nn(NnContext& c);
Status log_softmax_to_mil(MilContext& c);
Status log_softmax_to_nn(NnContext& c);
Status hardmax_to_mil(MilContext& c);
Status hardmax_to_nn(NnContext& c);

// Operators of domain coreml as the layers of NeuralNetworks that they stand for.
Status clamped_relu_to_nn(NnContext& c);
Status inverse_to_nn(NnContext& c);
Status l2_normalization_to_nn(NnContext& c);
Status log_to_nn(NnContext& c);
Status parametric_softplus_to_nn(NnContext& c);
Status rsqrt_to_nn(NnContext& c);

/// An activation layer whose parameters are the operator's attributes: nn_activation_of<"scaledTanh">.
Status nn_activation_of(NnContext& c, std::string_view function);
template <Word kFunction>
Status nn_activation_of(NnContext& c) {
  return nn_activation_of(c, kFunction.view());
}

Status cast_to_mil(MilContext& c);
Status cast_to_nn(NnContext& c);

Status quantize_to_mil(MilContext& c);
Status quantize_to_nn(NnContext& c);
Status dequantize_to_mil(MilContext& c);
Status dequantize_to_nn(NnContext& c);
Status dynamic_quantize_to_mil(MilContext& c);
Status dynamic_quantize_to_nn(NnContext& c);

}  // namespace assay::ops
