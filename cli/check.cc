#include "cli/report_flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"LOCK", "FILE", "the contract (default assay.lock); assay audit --lock FILE writes one",
     Flag::Kind::optional_positional},
    {"--update", "", "write the contract anew as things are now, whatever is broken", Flag::Kind::toggle},
    kHtmlFlag,
    kJunitFlag,
    kSarifFlag,
    kMarkdownFlag,
    kCsvFlag,
};

constexpr std::string_view kExample =
    "  assay audit model.onnx --data images.npz --decision argmax --candidate coreml-nn-gpu --lock assay.lock\n"
    "  assay check assay.lock\n"
    "  assay check --update\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::CheckRequest request;
  request.settings = settings;
  request.lock = args.text("LOCK", "assay.lock");
  request.update = args.has("--update");
  request.reports = report_files(args);
  return commands::check(request);
}

}  // namespace

extern const Command kCheck = {
    .name = "check",
    .summary = "does a contract about a model's decisions still hold?",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
