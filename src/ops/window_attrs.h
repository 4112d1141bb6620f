// kernel_shape, strides, dilations, pads and auto_pad of convolutions and poolings, checked.
#pragma once
#include <vector>

#include "base/result.h"
#include "ops/infer.h"

namespace assay::ops {

enum class AutoPad : uint8_t { none, valid, same_upper, same_lower };

/// One spatial axis of a convolution; poolings have theirs in ops/window.h.
struct KernelAxis {
  int64_t kernel = -1;  ///< -1: not known yet
  int64_t stride = 1, dilation = 1, before = 0, after = 0;
  AutoPad auto_pad = AutoPad::none;
  bool ceil_mode = false;

  int64_t reach() const { return (kernel - 1) * dilation + 1; }
  /// Number of outputs over an input of this extent; negative when the window does not fit.
  int64_t out_extent(int64_t in) const;
  int64_t pad_before(int64_t in) const;
};
struct KernelAttrs {
  std::vector<KernelAxis> axes;
};

/// Reads and checks the attributes; `kernel` has the extents that kernel_shape must have (weights), or is empty.
Result<KernelAttrs> window_attrs(InferContext& c, const std::vector<ir::Dim>& kernel, std::string_view label);
/// The same of an op that inference has accepted.
KernelAttrs window_attrs_unchecked(const ir::Op& op, const ir::Dims& kernel);

}  // namespace assay::ops
