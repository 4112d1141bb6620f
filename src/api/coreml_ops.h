// What is read of Core ML, for `assay ops --coreml` and docs/coreml-ops.md.
#pragma once
#include <string>

namespace assay::api {
std::string core_ml_json();
std::string core_ml_text(bool markdown);
}  // namespace assay::api
