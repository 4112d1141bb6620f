// One case of ONNX's backend test suite: a model, inputs and the outputs that it must give.
#pragma once
#include <filesystem>
#include <string>

namespace assay::conformance {

enum class Outcome : char { pass = 'p', fail = 'f', unsupported = 'u' };

struct Verdict {
  Outcome outcome = Outcome::fail;
  std::string reason;  ///< of a failure, or what is not supported
};

/// Runs the case in this process.
Verdict run_case(const std::filesystem::path& folder);
/// Runs it in a child process, so that a crash is a failure of this case only.
Verdict run_case_apart(const std::filesystem::path& folder);

}  // namespace assay::conformance
