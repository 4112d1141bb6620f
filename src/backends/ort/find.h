// Where ONNX Runtime's shared library may lie.
#pragma once
#include <string>
#include <vector>

namespace assay::backends::ort {

/// Libraries that exist, the best first: of the Python packages that Assay is one of, of the active virtual
/// environment, of the `python3` and the `node` on PATH.
/// Nothing is executed, and nothing below the working directory is looked at.
std::vector<std::string> find_libraries();
/// Where find_libraries() looks, and then the system's loader, for messages.
std::string searched_places();

}  // namespace assay::backends::ort
