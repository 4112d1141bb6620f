// The activation that an operator of ONNX Runtime runs on its result before it stores it.
#pragma once
#include <string_view>
#include <vector>

#include "ops/compose.h"

namespace assay::ops {

/// `name` of x, with the numbers of the attribute `activation_params` in order.
Result<Compose::Id> activate(Compose& c, Compose::Id x, std::string_view name, const std::vector<float>& params);
/// The same with attributes `activation_alpha`, `activation_beta`, `activation_gamma`, `activation_axis`.
Result<Compose::Id> activate(Compose& c, Compose::Id x, std::string_view name);

}  // namespace assay::ops
