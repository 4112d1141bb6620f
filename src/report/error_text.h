// How errors and warnings look on a terminal.
#pragma once
#include <string>
#include <string_view>

#include "assay/result.h"

namespace assay::report {

/// "error A101: cannot open: No such file\n  at: x.onnx\n  fix: ...": under 4,000 characters, long parts shortened.
std::string to_text(const Error& error, std::string_view kind, bool colour);

}  // namespace assay::report
