// conformance_test [--exclusions FILE] [--filter TEXT] [--list] DATA
// Runs ONNX's backend test cases under DATA and reports pass, fail, not supported. A case of a supported operator must
// pass unless FILE excludes it with a reason; an excluded case that passes fails too. Exit 77: there is no data.
#include <fmt/core.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "cases.h"

namespace {
using namespace assay::conformance;
namespace fs = std::filesystem;

struct Options {
  fs::path data;
  std::string exclusions, filter;
  bool list = false;  ///< print every case that did not pass, unsupported ones too
};

/// NAME: REASON, one a line; # starts a comment.
std::map<std::string, std::string> read_exclusions(const std::string& path) {
  std::map<std::string, std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    out[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return out;
}

std::vector<fs::path> find_cases(const Options& o) {
  std::vector<fs::path> cases;
  for (const char* kind : {"node", "simple", "pytorch-converted", "pytorch-operator"}) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(o.data / kind, none))
      if (fs::exists(entry.path() / "model.onnx") &&
          entry.path().filename().string().find(o.filter) != std::string::npos)
        cases.push_back(entry.path());
  }
  std::ranges::sort(cases);
  return cases;
}

/// "missing operators: A (1 node, ...), B (..." becomes A and B; other reasons stay.
std::vector<std::string> unsupported_names(const std::string& reason) {
  const auto start = reason.find("missing operators: ");
  if (start == std::string::npos) return {reason.substr(0, reason.find(" ["))};
  std::vector<std::string> names;
  size_t at = start + 19;
  while (true) {
    const size_t open = reason.find(" (", at);
    if (open == std::string::npos) return names;
    names.push_back(reason.substr(at, open - at));
    const size_t next = reason.find("), ", open);
    if (next == std::string::npos) return names;
    at = next + 3;
  }
}

int run(const Options& o) {
  const auto cases = find_cases(o);
  if (cases.empty()) {
    fmt::print("no test data in '{}': set ASSAY_ONNX_TESTDATA or make .venv\n", o.data.string());
    return 77;
  }
  const auto exclusions = read_exclusions(o.exclusions);
  std::map<std::string, int> unsupported;
  int passed = 0, failed = 0, excluded = 0, skipped = 0;
  for (const fs::path& path : cases) {
    const std::string name = path.filename().string();
    const Verdict v = run_case_apart(path);
    const auto exclusion = exclusions.find(name);
    if (exclusion != exclusions.end()) {
      ++excluded;
      if (v.outcome != Outcome::pass) continue;
      ++failed;
      fmt::print("FAIL {}: passes, but is excluded ({})\n", name, exclusion->second);
    } else if (v.outcome == Outcome::pass) {
      ++passed;
    } else if (v.outcome == Outcome::unsupported) {
      ++skipped;
      for (const std::string& op : unsupported_names(v.reason)) ++unsupported[op];
      if (o.list) fmt::print("not supported {}: {}\n", name, v.reason);
    } else {
      ++failed;
      fmt::print("FAIL {}: {}\n", name, v.reason);
    }
  }
  fmt::print("not supported, with cases:");
  for (const auto& [op, count] : unsupported) fmt::print(" {} {};", op, count);
  fmt::print("\n{} cases: {} pass, {} fail, {} not supported, {} excluded\n", cases.size(), passed, failed, skipped,
             excluded);
  return failed == 0 ? 0 : 1;
}
}  // namespace

int main(int argc, char** argv) {
  Options o;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--exclusions" && i + 1 < argc)
      o.exclusions = argv[++i];
    else if (word == "--filter" && i + 1 < argc)
      o.filter = argv[++i];
    else if (word == "--list")
      o.list = true;
    else
      o.data = word;
  }
  return run(o);
}
