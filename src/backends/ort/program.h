// A model in the real ONNX Runtime as a program, `ort:NAME[:key=value,...]`.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/ort/runner.h"
#include "backends/program.h"

namespace assay::backends::ort {

/// Opens the model here, or in a process started by `worker` where the words ask for one. Notes (backend_note) tell
/// which library it is, which providers it has, and what the runtime warned of. Errors: as open_session() and
/// open_remote().
Result<std::unique_ptr<Program>> open_program(std::string text, const Request& request,
                                              const std::vector<std::string>& worker, Warnings& warnings);

}  // namespace assay::backends::ort
