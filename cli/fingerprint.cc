#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"FILE", "FILE", ".npz or .npy of outputs", Flag::Kind::positional},
    {"--model", "FILE", "the model that gave them: which policy explains the outputs?"},
    {"--input", "FILE", "what the model was given: .npz, .npy (one input) or a folder of ONNX test data"},
    {"--samples", "N", "fit only the first N samples, of which a few tell as much (default: all)"},
    {"--combinations", "N", "policies tried beside those with a name (default 400; 0: none)"},
};

constexpr std::string_view kExample =
    "  assay fingerprint out.npz\n"
    "  assay fingerprint out.npz --model model.onnx --input in.npz\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::FingerprintRequest request{.settings = settings, .file = args.text("FILE")};
  request.model = args.text("--model");
  request.input = args.text("--input");
  ASSAY_TRY(const auto combinations, args.whole("--combinations"));
  if (combinations) request.combinations = *combinations;
  ASSAY_TRY(const auto samples, args.whole("--samples"));
  request.samples = samples.value_or(0);
  return commands::fingerprint(request);
}

}  // namespace

extern const Command kFingerprint = {
    .name = "fingerprint",
    .summary = "which number format do recorded outputs lie on, and which policy explains them?",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
