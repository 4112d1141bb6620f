#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    kModelFlag,
    kProfileFlag,
    kProviderFlag,
    {"--full", "", "list every operation", Flag::Kind::toggle},
    {"--diff", "OTHER", "what differs from this model: types, operators, attributes, weights"},
    {"--emit-onnx", "FILE", "write the resolved program as plain ONNX with explicit Casts", Flag::Kind::text, true},
};

constexpr std::string_view kExample =
    "  assay inspect model.onnx\n"
    "  assay inspect model.mlmodel --full              # which values have no type\n"
    "  assay inspect model.mlpackage --diff other.mlpackage\n"
    "  assay inspect model.onnx --profile coreml-nn-gpu --full\n"
    "  assay inspect model.onnx --profile f16-storage --emit-onnx model-f16.onnx\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::InspectRequest request{.settings = settings, .model = args.text("MODEL")};
  ASSAY_TRY(request.program, program_of(args));
  request.full = args.has("--full");
  request.diff = args.text("--diff");
  request.emit_onnx = args.text("--emit-onnx");
  request.strict = args.has("--strict");
  return commands::inspect(request);
}

}  // namespace

extern const Command kInspect = {
    .name = "inspect",
    .summary = "what a model file states: operators, types, weights; or the program a profile makes of it",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
