// Convolutions over few output pixels: products whose vectors run along the output channels.
#pragma once
#include <functional>

#include "ops/contraction/epilogue.h"
#include "ops/contraction/weights.h"
#include "ops/contraction/window.h"

namespace assay::ops::contraction {

/// Whether that is worth it: tiles of `columns` pixels would be filled in part. Only under the plain chain without
/// rounded operands.
bool few_pixels_pay(size_t pixels, size_t columns, const num::Policy& policy);

/// Computes the convolution, unless its padding's zeros may show or the epilogue takes single rows: false then, with
/// nothing done. `panels` gives the weights in panels of kLanesPanel. Same bits as the blocked driver.
template <class T>
bool convolve_few_pixels(KernelContext& c, const Window& w, const Weights<T>& weights,
                         const std::function<const PackedOperand<T>&()>& panels, const Epilogue<T>& epilogue);

}  // namespace assay::ops::contraction
