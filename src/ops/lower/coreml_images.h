// Lowerings of domain coreml's resizes and crops.
#pragma once
#include "ops/lower/mil.h"

namespace assay::ops {

Status coreml_resize_to_mil(MilContext& c);
Status coreml_crop_resize_to_mil(MilContext& c);

}  // namespace assay::ops
