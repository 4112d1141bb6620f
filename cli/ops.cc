#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"NAME", "NAME", "the operator to show", Flag::Kind::optional_positional},
    {"--coreml", "", "what is read of Core ML: operations of ML Programs, layers of NeuralNetworks",
     Flag::Kind::toggle},
    {"--markdown", "", "print docs/ops.md (with --coreml docs/coreml-ops.md)", Flag::Kind::toggle},
};

constexpr std::string_view kExample =
    "  assay ops\n"
    "  assay ops Conv\n"
    "  assay ops --coreml\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  static_cast<void>(settings);
  return commands::ops(
      {.name = args.text("NAME"), .core_ml = args.has("--coreml"), .markdown = args.has("--markdown")});
}

}  // namespace

extern const Command kOps = {
    .name = "ops",
    .summary = "list the operators, or show one",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
