#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"WHAT", "run|peak|matmul|ops", "what to time", Flag::Kind::positional},
    {"MODEL", "FILE", "the model, for run", Flag::Kind::optional_positional},
    kInputFlag,
    kRandomFlag,
    kShapeFlag,
    kProfileFlag,
    kProviderFlag,
    {"--repeat", "N", "counted runs (default 7; matmul: 5), after one that is not counted; ops: rounds"},
    {"--size", "N", "matmul: rows and columns (default 1024); peak: also time an N x N matrix product"},
    {"--op", "REGEX", "ops: only operators whose name contains it, for example '^Conv' (default: all)"},
};

constexpr std::string_view kExample =
    "  assay bench run model.onnx --random 1 --repeat 15 --threads 1 --json\n"
    "  assay bench peak --threads 1 --size 2048\n"
    "  assay bench matmul --size 1024\n"
    "  assay bench ops --op 'Softmax|^Conv'\n"
    "";

/// What each kind of measurement takes of the flags above.
constexpr std::pair<std::string_view, std::string_view> kTakes[] = {
    {"run", "MODEL --input --random --shape --profile --provider --repeat"},
    {"peak", "--size"},
    {"matmul", "--size --repeat"},
    {"ops", "--op --repeat"},
};

/// A flag that would be ignored is a mistake.
Status check_flags(const Args& args, std::string_view what, std::string_view takes) {
  for (const Flag& flag : kFlags)
    if (flag.name != "WHAT" && args.has(flag.name) && takes.find(flag.name) == std::string_view::npos)
      return Error{Code::usage, "`bench " + std::string(what) + "` takes no " + std::string(flag.name), "",
                   "it takes " + std::string(takes)};
  return {};
}

Result<Report> run_command(const Args& args, const Settings& settings) {
  const std::string what = args.text("WHAT");
  for (const auto& [name, takes] : kTakes)
    if (name == what) ASSAY_CHECK(check_flags(args, what, takes));
  ASSAY_TRY(const auto repeat, args.whole("--repeat"));
  ASSAY_TRY(const auto size, args.whole("--size"));
  if (repeat.value_or(7) < 1 || repeat.value_or(7) > 100000 || size.value_or(0) > 16384)
    return Error{Code::usage, "--repeat takes 1 to 100000 and --size up to 16384", "", "see --help"};
  if (what == "peak") return commands::bench_peak({.settings = settings, .size = static_cast<int>(size.value_or(0))});
  if (what == "matmul")
    return commands::bench_matmul({.settings = settings,
                                   .size = static_cast<int>(size.value_or(1024)),
                                   .repeat = static_cast<int>(repeat.value_or(5))});
  if (what == "ops")
    return commands::bench_ops(
        {.settings = settings, .op = args.text("--op"), .repeat = static_cast<int>(repeat.value_or(7))});
  if (what != "run" || !args.has("MODEL"))
    return Error{Code::usage, "bench takes `run MODEL`, `peak`, `matmul` or `ops`", "", "see --help"};
  commands::BenchRunRequest request{
      .run = {.settings = settings, .model = args.text("MODEL"), .input = args.text("--input")}};
  ASSAY_TRY(request.run.random, args.whole("--random"));
  request.run.shapes = args.list("--shape");
  ASSAY_TRY(request.run.program, program_of(args));
  request.repeat = static_cast<int>(repeat.value_or(7));
  return commands::bench_run(request);
}

}  // namespace

extern const Command kBench = {
    .name = "bench",
    .summary = "time a model, operators beside ONNX Runtime, products in several precisions, or the machine's peak",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
