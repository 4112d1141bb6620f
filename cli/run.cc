#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    kModelFlag,
    kInputFlag,
    kRandomFlag,
    kShapeFlag,
    {"--output", "FILE.npz", "write the outputs here, named as the model names them", Flag::Kind::text, true},
    {"--intermediates", "", "also every float value that the main graph computes, as outputs of these names",
     Flag::Kind::toggle},
    kProfileFlag,
    kProviderFlag,
};

constexpr std::string_view kExample =
    "  assay run model.onnx --input in.npz --output out.npz\n"
    "  assay run model.onnx --random 1 --profile coreml-nn-gpu\n"
    "  assay run model.onnx --random 1 --provider ort:CPUExecutionProvider --intermediates --output all.npz\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::RunRequest request{.settings = settings, .model = args.text("MODEL"), .input = args.text("--input")};
  ASSAY_TRY(request.random, args.whole("--random"));
  request.shapes = args.list("--shape");
  request.output = args.text("--output");
  request.intermediates = args.has("--intermediates");
  ASSAY_TRY(request.program, program_of(args));
  return commands::run(request);
}

}  // namespace

extern const Command kRun = {
    .name = "run",
    .summary = "run a model and save its outputs",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
