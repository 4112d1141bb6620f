// conformance_test [--exclusions FILE] [--filter TEXT] [--list] [--digests FILE] [--seconds N] DATA
// Runs ONNX's backend test cases under DATA and reports by group what passes, fails, is excluded or not supported. A
// case must pass unless FILE excludes it with a reason; an excluded case that passes fails too. --digests writes the
// SHA-256 of each case's outputs, for comparison with another machine's. A case fails after N seconds (60). Exit 77:
// there is no data.
#include <fmt/core.h>

#include <cstdlib>
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
  std::string exclusions, filter, digests;
  unsigned seconds = 60;
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

struct Tally {
  int passed = 0, failed = 0, unsupported = 0, excluded = 0;
  int cases() const { return passed + failed + unsupported + excluded; }
};

void print_tally(const std::string& group, const Tally& t) {
  fmt::print("{:18} {:6} {:6} {:6} {:6}\n", group, t.passed, t.failed, t.excluded, t.unsupported);
}

int run(const Options& o) {
  std::vector<Case> cases = find_cases(o.data);
  std::erase_if(cases, [&](const Case& c) { return c.name.find(o.filter) == std::string::npos; });
  if (cases.empty()) {
    fmt::print("no test data in '{}': set ASSAY_ONNX_TESTDATA or make .venv\n", o.data.string());
    return 77;
  }
  const auto exclusions = read_exclusions(o.exclusions);
  std::map<std::string, int> unsupported;
  std::map<std::string, Tally> groups;
  Tally all;
  std::ofstream digests;
  if (!o.digests.empty()) digests.open(o.digests);
  const auto count = [&](const Case& test, int Tally::*what) { ++(groups[test.group].*what), ++(all.*what); };
  for (const Case& test : cases) {
    const Verdict v = run_case_apart(test, o.seconds);
    const auto exclusion = exclusions.find(test.name);
    if (exclusion != exclusions.end()) {
      const bool passes = v.outcome == Outcome::pass;
      count(test, passes ? &Tally::failed : &Tally::excluded);
      if (passes) fmt::print("FAIL {}: passes, but is excluded ({})\n", test.name, exclusion->second);
    } else if (v.outcome == Outcome::pass) {
      count(test, &Tally::passed);
      if (digests.is_open()) digests << test.name << ' ' << v.text << '\n';
    } else if (v.outcome == Outcome::unsupported) {
      count(test, &Tally::unsupported);
      for (const std::string& op : unsupported_names(v.text)) ++unsupported[op];
      if (o.list) fmt::print("not supported {}: {}\n", test.name, v.text);
    } else {
      count(test, &Tally::failed);
      fmt::print("FAIL {}: {}\n", test.name, v.text);
    }
  }
  if (!unsupported.empty()) {
    fmt::print("not supported, with cases:");
    for (const auto& [op, uses] : unsupported) fmt::print(" {} {};", op, uses);
    fmt::print("\n");
  }
  fmt::print("{:18} {:>6} {:>6} {:>6} {:>6}\n", "group", "pass", "fail", "excl.", "unsup.");
  for (const auto& [group, tally] : groups) print_tally(group, tally);
  fmt::print("conformance: {} passed, {} failed, {} excluded, of {}\n", all.passed, all.failed + all.unsupported,
             all.excluded, all.cases());
  return all.failed + all.unsupported == 0 ? 0 : 1;
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
    else if (word == "--digests" && i + 1 < argc)
      o.digests = argv[++i];
    else if (word == "--seconds" && i + 1 < argc)
      o.seconds = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
    else if (word == "--list")
      o.list = true;
    else
      o.data = word;
  }
  return run(o);
}
