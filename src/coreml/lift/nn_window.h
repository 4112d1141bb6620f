// Padding and steps of layers that move a window: convolutions and poolings.
#pragma once
#include <vector>

#include "coreml/lift/nn.h"

namespace assay::coreml {

/// BorderAmounts as ONNX writes pads: starts of height and width, then ends. Empty when the message is not set.
ir::Dims border(NnLift& c, const mil::Message& amounts);

/// `valid` or `same` of a layer over height and width, as attributes of Conv, ConvTranspose and the poolings.
std::vector<ir::Attr> window_padding(NnLift& c);
/// paddingType and the custom amounts of a layer over depth, height and width.
std::vector<ir::Attr> window_padding_3d(NnLift& c);

/// "stride" + Depth, Height, Width; 0 is 1.
ir::Dims steps_3d(NnLift& c, std::string_view stem);

}  // namespace assay::coreml
