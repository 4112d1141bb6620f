#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"FILES", "FILE", "JSON that assay audit --json or assay merge --json printed", Flag::Kind::positional_list},
    {"--html", "FILE", "the page to write", Flag::Kind::text, true},
};

constexpr std::string_view kExample =
    "  assay report a.json b.json --html report.html\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  static_cast<void>(settings);
  if (!args.has("--html"))
    return Error{Code::usage, "--html is missing", "", "give the page to write: --html report.html"};
  return commands::page({.files = args.list("FILES"), .html = args.text("--html")});
}

}  // namespace

extern const Command kReport = {
    .name = "report",
    .summary = "one self-contained page about audits",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
