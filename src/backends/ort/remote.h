// A session of ONNX Runtime in a process of its own: what crashes there is an error here.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/ort/runner.h"

namespace assay::backends::ort {

/// Starts a process by `worker` (empty: this executable, or `assay` beside it or on PATH, and the word "worker") and
/// opens the model there. Errors: as open_session(); backend_crashed with the signal and what the process last said;
/// cancelled, which ends the process.
Result<std::shared_ptr<Runner>> open_remote(const Request& request, const std::vector<std::string>& worker);

/// The other side: serves requests that arrive on a socket until it is closed.
Status serve(int socket);

}  // namespace assay::backends::ort
