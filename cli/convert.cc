#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    kModelFlag,
    {"--output", "FILE", "what to write: .mlpackage, .mlmodel or .onnx", Flag::Kind::text, true, "-o"},
    {"--format", "FORMAT", "mlprogram (typed; default for .mlpackage) or neuralnetwork (untyped; for .mlmodel)"},
    {"--precision", "PRECISION", "of an ML Program: float32 (default), float16, or mixed:FILE.toml"},
    {"--target", "SYSTEM", "oldest system to run on: iOS15, macOS12, iOS17, ... (default: as old as possible)"},
    {"--input", "NAME:SHAPE", "shape of an input: x:1x3x224x224, ranges x:1..8x3x224x224, or choices x:1x10,1x20",
     Flag::Kind::repeated},
};

constexpr std::string_view kExample =
    "  assay convert model.onnx -o model.mlpackage\n"
    "  assay convert model.onnx -o model.mlpackage --input image:1..8x3x224x224 --target iOS16\n"
    "  assay convert model.mlmodel -o typed.mlpackage       # the fix where only the NeuralNetwork is at hand\n"
    "  assay convert model.mlpackage -o model.onnx\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::ConvertRequest request{.settings = settings, .model = args.text("MODEL"), .output = args.text("--output")};
  if (request.output.empty()) return Error{Code::usage, "convert needs --output", "", "for example -o model.mlpackage"};
  request.format = args.text("--format");
  request.precision = args.text("--precision");
  request.target = args.text("--target");
  request.inputs = args.list("--input");
  request.strict = args.has("--strict");
  return commands::convert(request);
}

}  // namespace

extern const Command kConvert = {
    .name = "convert",
    .summary =
        "write a model in another format: ONNX to Core ML (typed or not), Core ML to ONNX, NeuralNetwork to ML Program",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
