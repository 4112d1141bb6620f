#include "cli/command.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"MODEL", "FILE", "the model", Flag::Kind::positional},
    {"--input", "FILE", ".npz (arrays named as the model's inputs), .npy (one input) or a folder of ONNX test data"},
    {"--random", "SEED", "random inputs instead of --input"},
    {"--shape", "NAME:2,3,8", "shape of a random input whose dimensions are symbolic", Flag::Kind::repeated},
    {"--output", "FILE.npz", "write the outputs here, named as the model names them"},
    {"--profile", "NAME", "run under this device profile (see assay profiles)"},
    {"--provider", "NAME[:k=v,...]", "run as this ONNX Runtime execution provider would, emulated"},
};

constexpr std::string_view kExample =
    "  assay run model.onnx --input in.npz --output out.npz\n"
    "  assay run model.onnx --random 1 --profile coreml-nn-gpu\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::RunRequest request{.settings = settings, .model = args.text("MODEL"), .input = args.text("--input")};
  ASSAY_TRY(request.random, args.whole("--random"));
  request.shapes = args.list("--shape");
  request.output = args.text("--output");
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
