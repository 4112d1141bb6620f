// Shape of a convolution's result, for the operators that convolve.
#pragma once
#include <optional>
#include <vector>

#include "ops/infer.h"

namespace assay::ops {

/// Shape of input `x` convolved with the weights of input `w` under the op's attributes; `bias` is the input that may
/// be its bias. nullopt while x's rank is not known.
Result<std::optional<std::vector<ir::Dim>>> infer_convolution(InferContext& c, size_t x, size_t w, size_t bias);

}  // namespace assay::ops
