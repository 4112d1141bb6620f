// Operators of domain coreml as the layers of NeuralNetworks that they stand for.
#pragma once
#include "ops/lower/elementwise.h"

namespace assay::ops {

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

}  // namespace assay::ops
