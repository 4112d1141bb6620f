// A session of ONNX Runtime in this process.
#pragma once
#include <memory>

#include "backends/ort/runner.h"

namespace assay::backends::ort {

/// Errors: backend_missing when there is no library, when it lacks the provider or the provider cannot be used here;
/// backend_failed with the runtime's message when it refuses the model; file_missing; usage for Core ML files.
Result<std::shared_ptr<Runner>> open_session(const Request& request);

}  // namespace assay::backends::ort
