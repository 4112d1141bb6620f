// One case of ONNX's backend test suite: a model, inputs and the outputs that it must give.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace assay::conformance {

enum class Outcome : char { pass = 'p', fail = 'f', unsupported = 'u' };

struct Verdict {
  Outcome outcome = Outcome::fail;
  std::string text;  ///< of a pass the SHA-256 of its outputs; else the reason, or what is not supported
};

struct Case {
  std::string group;  ///< "node", "expanded", "light", ...
  std::string name;
  std::filesystem::path model;
  /// Folders with input_N.pb and output_N.pb. None: the input is a ramp from 0 towards 1, and what the model gives
  /// stands beside it (ONNX's light models).
  std::vector<std::filesystem::path> sets;
};

/// The cases below a folder of ONNX's (backend/test/data) or of make_cases.py's, sorted by name.
std::vector<Case> find_cases(const std::filesystem::path& data);

/// Runs the case in this process.
Verdict run_case(const Case& test);
/// Runs it in a child process, so that a crash, or no end within `seconds`, is a failure of this case only.
Verdict run_case_apart(const Case& test, unsigned seconds);

}  // namespace assay::conformance
