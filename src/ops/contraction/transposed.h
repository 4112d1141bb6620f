// Transposed convolutions: for each residue of the output position modulo the stride, the taps that reach it are the
// same, so each residue is a product over those taps, gathered from the padded input.
#pragma once
#include "ops/contraction/window.h"
#include "ops/kernel.h"

namespace assay::ops::contraction {

/// `window.in` is the input's extent and `window.out` the output's; stride, dilation and pad are those of the
/// attributes. Weights are [channels][outputs a group][kernel...].
Status convolve_transposed(KernelContext& c, const Window& window);

}  // namespace assay::ops::contraction
