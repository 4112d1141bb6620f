#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"CODE", "CODE", "the code; all without it", Flag::Kind::optional_positional},
    {"--markdown", "", "print docs/codes.md", Flag::Kind::toggle},
};

constexpr std::string_view kExample =
    "  assay explain A201\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  static_cast<void>(settings);
  return commands::explain({.code = args.text("CODE"), .markdown = args.has("--markdown")});
}

}  // namespace

extern const Command kExplain = {
    .name = "explain",
    .summary = "what a code such as A201 means and what to do",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
