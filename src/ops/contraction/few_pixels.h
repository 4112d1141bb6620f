// Convolutions over few output pixels: products whose vectors run along the output channels.
#pragma once
#include <memory>

#include "ops/contraction/epilogue.h"
#include "ops/contraction/weights.h"
#include "ops/contraction/window.h"

namespace assay::ops::contraction {

/// Computes the convolution when it is of this shape and policy (few output pixels, plain chain, no operand rounding),
/// its padding's zeros cannot show, and the epilogue takes several rows; false, with nothing done, when it is not.
/// `panels` are the constant weights (input 1) in the layout that this needs, made here when they are null. Same bits
/// as the blocked driver.
template <class T>
bool convolve_few_pixels(KernelContext& c, const Window& w, const Weights<T>& weights,
                         std::unique_ptr<PackedOperand<T>>& panels, const Epilogue<T>& epilogue);

}  // namespace assay::ops::contraction
