#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"FILES", "FILE", "JSON that assay audit --json printed, in any order", Flag::Kind::positional_list},
    {"--fail-on", "flips|at-risk|none", "when to exit 1 (default flips)"},
};

constexpr std::string_view kExample =
    "  assay audit model.onnx --data a.npz ... --json > a.json\n"
    "  assay audit model.onnx --data b.npz ... --first-sample 5000 --json > b.json\n"
    "  assay merge a.json b.json --json > all.json\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  static_cast<void>(settings);
  return commands::merge({.files = args.list("FILES"), .fail_on = args.text("--fail-on", "flips")});
}

}  // namespace

extern const Command kMerge = {
    .name = "merge",
    .summary = "join the audits of parts of one data set",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
