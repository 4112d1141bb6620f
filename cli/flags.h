// Flags that several commands have, in one wording.
#pragma once
#include "cli/command.h"

namespace assay::cli {

inline constexpr Flag kModelFlag = {"MODEL", "FILE", "the model", Flag::Kind::positional};
inline constexpr Flag kInputFlag = {
    "--input", "FILE", ".npz (arrays named as the model's inputs), .npy (one input) or a folder of ONNX test data"};
inline constexpr Flag kRandomFlag = {"--random", "SEED", "random inputs instead of --input"};
inline constexpr Flag kShapeFlag = {"--shape", "NAME:2,3,8", "shape of a random input whose dimensions are symbolic",
                                    Flag::Kind::repeated};
inline constexpr Flag kProfileFlag = {"--profile", "NAME", "run under this device profile (see assay profiles)"};
inline constexpr Flag kProviderFlag = {
    "--provider", "NAME[:k=v,...]",
    "run as this ONNX Runtime execution provider would, emulated; ort:NAME: in the real one"};

inline constexpr Flag kTraceFlag = {
    "--trace", "", "compare operation by operation: what each introduces, what has accumulated, who is to blame",
    Flag::Kind::toggle};
inline constexpr Flag kTraceExactFlag = {
    "--trace-exact", "N", "samples that --trace also runs in float64 and with sums in another order (default 8)"};
inline constexpr Flag kTraceAccumulatedFlag = {
    "--trace-accumulated", "", "leave out of --trace what each operation introduces; faster", Flag::Kind::toggle};

/// Whether --variants asks for the likeliest alone.
inline Result<bool> primary_only(const Args& args) {
  const std::string variants = args.text("--variants", "all");
  if (variants != "all" && variants != "primary")
    return Error{Code::usage, "--variants takes all or primary, not '" + variants + "'", "", "see --help"};
  return variants == "primary";
}

/// What the three flags of a trace say. Errors: usage where --trace is missing.
inline Result<commands::TraceWords> trace_words(const Args& args) {
  commands::TraceWords words;
  words.wanted = args.has("--trace");
  if (!words.wanted && (args.has("--trace-exact") || args.has("--trace-accumulated")))
    return Error{Code::usage, "--trace-exact and --trace-accumulated say how --trace works", "", "give --trace too"};
  words.introduced = !args.has("--trace-accumulated");
  ASSAY_TRY(const auto exact, args.whole("--trace-exact"));
  words.exact = exact.value_or(words.exact);
  return words;
}

}  // namespace assay::cli
