// Convolutions as products: output channels times output pixels, the pixels' panels gathered on the fly. Depthwise
// convolutions have their own kernel. Padding positions are skipped, bit for bit (docs/semantics.md).
#pragma once
#include <memory>

#include "ops/contraction/window.h"
#include "ops/kernel.h"

namespace assay::ops::contraction {

/// Weights [outputs][channels a group][kernel...] packed, and what the exact skipping of padding must know of them.
Result<std::shared_ptr<const void>> prepare_weights(PrepareContext& c, const ir::Tensor& weights, size_t groups);

/// input 0 convolved with input 1, plus input 2 where given, into output 0 and through the epilogue.
Status convolve(KernelContext& c, const Window& window);

}  // namespace assay::ops::contraction
