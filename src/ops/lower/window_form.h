// Kernels, strides, dilations and pads of convolutions and poolings as Core ML writes them.
#pragma once
#include "base/result.h"
#include "ir/graph.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

/// One number a spatial axis in each list. Pads are explicit, except where they depend on extents that are not known.
struct WindowForm {
  ir::Dims kernel, stride, dilation, begin, end;
  bool same_upper = false, same_lower = false;  ///< auto_pad over unknown extents: begin and end are not set
  /// Transposed convolution: zeros that follow the result, which no pad can add.
  ir::Dims tail{};

  bool dilated() const;
  bool padded() const;
};

/// Shape of what a convolution or its transposition works on: extents that are not known are -1.
struct WindowOperands {
  ir::Dims spatial, kernel;
};
Result<WindowForm> conv_form(const ir::Op& op, const WindowOperands& operands);
Result<WindowForm> conv_transpose_form(const ir::Op& op, const WindowOperands& operands);

/// strides, pad_type, pad.
MilParams mil_window(const WindowForm& form);
/// What mil_window asks for beyond iOS15.
void need_window(MilContext& c, const WindowForm& form);

/// The form with another spatial axis of extent 1 in front: one-dimensional operations in two-dimensional layers.
WindowForm widened(const WindowForm& form);
/// Fields `valid` or `same` of two-dimensional convolutions and poolings.
void nn_padding(mil::Message& params, const WindowForm& form);
/// paddingType and customPadding... of three-dimensional ones.
void nn_padding3d(mil::Message& params, const WindowForm& form);

}  // namespace assay::ops
