// What the driver of layers needs of branches and loops.
#pragma once
#include "coreml/lift/nn.h"

namespace assay::coreml {

/// The layers behind one that may leave the iteration of the loop around: they run where it has not.
void lift_unless_left(std::span<const mil::Layer> layers, NnLift& c);

}  // namespace assay::coreml
