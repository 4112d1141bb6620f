// Operations that candidates keep in float32, by name.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/program.h"

namespace assay::api {

/// The program with the operations of these names (of the node, or of a value that it writes) in float32, and all of
/// their layer in a Core ML file. What only moves numbers follows those around it, as audit/search/units.h has it.
/// Errors: usage for names that no operation has, and for programs that the engine does not run.
Result<std::unique_ptr<backends::Program>> keeping(const backends::Program& program,
                                                   const std::vector<std::string>& names);
/// "coreml-nn-gpu keeping conv1, conv2": what reports call it.
std::string keeping_text(const std::string& program, const std::vector<std::string>& names);

}  // namespace assay::api
