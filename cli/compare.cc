#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    kModelFlag,
    kInputFlag,
    kRandomFlag,
    kShapeFlag,
    {"--program", "PROGRAM",
     "[FILE@]PROFILE, [FILE@]PROVIDER[:k=v,...], [FILE@]ort:PROVIDER[:k=v,...] or recorded:FILE.npz; at least two",
     Flag::Kind::repeated},
    {"--max-abs", "X", "fail when two outputs differ by more"},
    {"--max-rel", "X", "the same, relative"},
    {"--max-ulp", "N", "the same, in float32 ULPs"},
    kTraceFlag,
    kTraceExactFlag,
    kTraceAccumulatedFlag,
};

constexpr std::string_view kExample =
    "  assay compare model.onnx --input in.npz --program strict-f32 --program coreml-nn-gpu\n"
    "  assay compare model.onnx --input in.npz --program cpu-f32 --program recorded:phone.npz --max-abs 1e-3\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::CompareRequest request;
  request.settings = settings;
  request.model = args.text("MODEL");
  request.input = args.text("--input");
  ASSAY_TRY(request.random, args.whole("--random"));
  request.shapes = args.list("--shape");
  request.programs = args.list("--program");
  ASSAY_TRY(request.max_abs, args.number("--max-abs"));
  ASSAY_TRY(request.max_rel, args.number("--max-rel"));
  ASSAY_TRY(request.max_ulp, args.number("--max-ulp"));
  ASSAY_TRY(request.trace, trace_words(args));
  return commands::compare(request);
}

}  // namespace

extern const Command kCompare = {
    .name = "compare",
    .summary = "run several programs on one input and print how far apart every pair is",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
