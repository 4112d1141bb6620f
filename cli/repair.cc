#include "cli/flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    kModelFlag,
    {"--data", "FILE", ".npz or .npy; the first axis counts samples"},
    {"--labels", "FILE", ".npy or .csv[:column], one per sample"},
    {"--decision", "RULE", "as of audit: threshold:T, argmax, topk:K, ..."},
    {"--score", "EXPR", "score from outputs, e.g. 'max(sigmoid(NAME))'"},
    {"--decide-on", "NAME", "the output to decide on, when there are several"},
    {"--reference", "PROGRAM", "what decides right (default strict-f32)"},
    {"--candidate", "PROGRAM", "where the model will run: a profile or an emulated provider"},
    {"--variants", "all|primary", "a decision counts as changed under any variant (default), or under the likeliest"},
    {"--goal", "GOAL", "no-flips (default), max-flips:N or max-error:X"},
    {"--output", "FILE", "write the repaired model: .mlpackage or .onnx", Flag::Kind::text, true, "-o"},
    {"--configs", "DIR", "write the same set as configuration of other tools"},
    {"--hold-out", "SHARE", "part of the samples that the search does not see (default 0.25)"},
    {"--budget", "N", "most sets of operations that are tried (default 2000)"},
    {"--checkpoint", "FILE", "save what is known here now and then, and go on from it", Flag::Kind::text, true},
    {"--rescale", "", "search on the model with its overflowing layers rescaled by powers of two", Flag::Kind::toggle},
    {"--first-sample", "K", "number of the first sample, when the data is a part of a whole"},
};

constexpr std::string_view kExample =
    "  assay repair model.onnx --data images.npz --decision threshold:0.5 \\\n"
    "      --candidate coreml-nn-gpu --goal no-flips -o fixed.mlpackage\n"
    "  assay repair model.onnx --data images.npz --decision argmax --candidate f16-storage \\\n"
    "      --goal max-flips:2 -o fixed.onnx --configs configs/ --checkpoint search.json\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::RepairRequest request;
  commands::AuditRequest& audit = request.audit;
  audit.settings = settings;
  audit.model = args.text("MODEL");
  audit.data = args.text("--data");
  audit.labels = args.text("--labels");
  audit.decision = args.text("--decision");
  audit.score = args.text("--score");
  audit.output = args.text("--decide-on");
  audit.reference = args.text("--reference", "strict-f32");
  if (args.has("--candidate")) audit.candidates = {args.text("--candidate")};
  ASSAY_TRY(audit.primary_only, primary_only(args));
  ASSAY_TRY(const auto first, args.whole("--first-sample"));
  ASSAY_TRY(const auto budget, args.whole("--budget"));
  ASSAY_TRY(const auto share, args.number("--hold-out"));
  audit.first_sample = first.value_or(0);
  request.budget = budget.value_or(request.budget);
  request.hold_out = share.value_or(request.hold_out);
  request.goal = args.text("--goal", request.goal);
  request.rescale = args.has("--rescale");
  request.output = args.text("--output");
  request.configs = args.text("--configs");
  request.checkpoint = args.text("--checkpoint");
  return commands::repair(request);
}

}  // namespace

extern const Command kRepair = {
    .name = "repair",
    .summary = "the smallest change that keeps a model's decisions where it will run",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
