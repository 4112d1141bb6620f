// Inputs and outputs of Core ML models in words.
#pragma once
#include <string>
#include <vector>

#include "mil/model.h"

namespace assay::api {

/// "[1, 3]"; "?" where a size is not fixed.
std::string dims_text(const mil::Dims& dims);
/// "float32[1, 3]", "image RGB 16 x 16".
std::string feature_type(const mil::Feature& feature);
/// Adds what the type does not say: ranges, enumerated shapes, whether it may be left out.
void note_flexible(const mil::Feature& feature, std::vector<std::string>& notes);

}  // namespace assay::api
