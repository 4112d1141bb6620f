// The files that an ONNX model keeps tensors in, beside itself.
#pragma once
#include <string>
#include <vector>

#include "base/result.h"

namespace assay::onnx {

/// Locations as the model writes them, relative to its folder: each once, ascending. Nothing is opened but the model.
/// Errors: file_missing, file_malformed, limit_exceeded.
Result<std::vector<std::string>> external_files(const std::string& path);

}  // namespace assay::onnx
