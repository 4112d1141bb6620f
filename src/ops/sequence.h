// What rows share that put tensors into sequences and optionals and take them out again.
#pragma once
#include <string_view>

#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

/// Why nothing of sequences is written.
inline constexpr std::string_view kNoSequences = "Core ML has no sequences inside a program";

/// A tensor in memory of its own (that of operands is used again), stored as the graph stores what output 0 is or
/// holds; a list as it is, its tensors copied.
ir::Tensor as_item(const KernelContext& c, const ir::Tensor& t);

}  // namespace assay::ops
