// Windows of convolutions and poolings as ONNX's attributes.
#pragma once
#include <vector>

#include "coreml/lift/mil.h"

namespace assay::coreml {

/// strides, dilations (convolutions have them) and pads or auto_pad of an operation over `spatial` axes. `pad` lists
/// begin and end of each axis in turn, ONNX all begins first; it counts only where pad_type is "custom".
std::vector<ir::Attr> window_attrs(MilLift& c, int64_t spatial, bool dilates);
/// The pads in ONNX's order; zeros unless pad_type is "custom".
ir::Dims custom_pads(MilLift& c, int64_t spatial);

}  // namespace assay::coreml
