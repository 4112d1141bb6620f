// Sliding windows of poolings: extents of the result, pads, and where a window lies.
#pragma once
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

struct WindowAxis {
  int64_t kernel = 1, stride = 1, dilation = 1, begin = 0, end = 0;  ///< begin, end: pads
  int64_t in = 0, out = 0;

  /// First input position of the window of output `o`; may be negative.
  int64_t first(int64_t o) const { return o * stride - begin; }
  /// Taps [first, last) of the window of output `o` that lie in the input.
  std::pair<int64_t, int64_t> taps(int64_t o) const;
  /// How many taps lie in the input and its explicit pads (not in what ceil_mode adds).
  int64_t padded_taps(int64_t o) const;
};

/// Geometry from the attributes kernel_shape, strides, dilations, pads, auto_pad, ceil_mode. `spatial` holds the
/// input's extents behind batch and channel; an unknown one (-1) gives an unknown result. The message of the error is
/// what is wrong; callers add place and label.
Result<std::vector<WindowAxis>> window_axes(const ir::Op& op, const ir::Dims& spatial);

/// Inference of poolings: output 0 has input 0's element type; output 1 (indices) is int64.
Status infer_pool(InferContext& c);
/// Inference of global poolings: every spatial extent becomes 1.
Status infer_global_pool(InferContext& c);

}  // namespace assay::ops
