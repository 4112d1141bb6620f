// Values inside an ONNX model as outputs of it.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace assay::backends::ort {

/// Names of the values that the nodes of a model's main graph compute and that are not its outputs yet, in the file's
/// order. Errors: file_malformed.
Result<std::vector<std::string>> inner_values(std::span<const std::byte> model);
/// The model with `names` as further outputs, without types: a runtime infers these. Everything else keeps its bytes;
/// what follows a message on the wire is merged into it, so that nothing is rewritten.
std::string add_outputs(std::span<const std::byte> model, std::span<const std::string> names);

}  // namespace assay::backends::ort
