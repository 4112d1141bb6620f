#include "cli/flags.h"
#include "cli/report_flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    kModelFlag,
    {"--data", "FILE", ".npz or .npy; the first axis counts samples"},
    {"--labels", "FILE", ".npy or .csv[:column], one per sample"},
    {"--decision", "RULE",
     "threshold:T (score >= T), threshold:>T, argmax, topk:K, ranking[:K], boxes:iou=I,score=S, ctc:blank=B, "
     "argmax-sequence, tolerance:abs=X,rel=Y or multilabel:T[,T...]"},
    {"--score", "EXPR", "score from outputs, e.g. 'max(sigmoid(NAME))'"},
    {"--output", "NAME", "the output to decide on, when there are several"},
    {"--reference", "PROGRAM", "what to compare with (default strict-f32); see --candidate"},
    {"--candidate", "PROGRAM",
     "where the model will run: a profile, a provider, ort:NAME (the real one) or recorded:FILE.npz; may be given "
     "again",
     Flag::Kind::repeated},
    {"--variants", "all|primary", "all of a profile's variants (default) or its likeliest only"},
    {"--first-sample", "K", "number of the first sample, when the data is a part of a whole"},
    {"--expect", "N", "foretell the flips among N more samples like these (default as many as there are)"},
    {"--proof", "", "bound what rounding can do: how many decisions cannot flip", Flag::Kind::toggle},
    kTraceFlag,
    kTraceExactFlag,
    kTraceAccumulatedFlag,
    {"--blame", "", "search which operations are to blame for each changed decision", Flag::Kind::toggle},
    {"--blame-runs", "N", "most runs of the model for one sample (default 300)"},
    {"--blame-samples", "M", "most samples that are searched, flips first (default 16)"},
    {"--fail-on", "flips|at-risk|none", "when to exit 1 (default flips)"},
    kHtmlFlag,
    kJunitFlag,
    kSarifFlag,
    kMarkdownFlag,
    kCsvFlag,
    {"--keep", "NAME", "keep this operation in float32 in every candidate: a node or a value; may be given again",
     Flag::Kind::repeated},
    {"--checkpoint", "FILE", "keep what is done here, and go on from it", Flag::Kind::text, true},
    {"--lock", "FILE", "write a contract for assay check", Flag::Kind::text, true},
};

constexpr std::string_view kExample =
    "  assay audit model.onnx --data images.npz --labels labels.npy --decision threshold:0.5 \\\n"
    "      --candidate coreml-nn-gpu --html report.html\n"
    "";

Result<Report> run_command(const Args& args, const Settings& settings) {
  commands::AuditRequest request;
  request.settings = settings;
  request.model = args.text("MODEL");
  request.data = args.text("--data");
  request.labels = args.text("--labels");
  request.decision = args.text("--decision");
  request.score = args.text("--score");
  request.output = args.text("--output");
  request.reference = args.text("--reference", "strict-f32");
  request.candidates = args.list("--candidate");
  ASSAY_TRY(request.primary_only, primary_only(args));
  ASSAY_TRY(const auto first, args.whole("--first-sample"));
  request.first_sample = first.value_or(0);
  ASSAY_TRY(const auto expect, args.whole("--expect"));
  if (expect && *expect == 0) return Error{Code::usage, "--expect takes 1 or more", "", "see --help"};
  request.expect = expect.value_or(0);
  request.proof = args.has("--proof");
  ASSAY_TRY(request.trace, trace_words(args));
  request.blame = args.has("--blame");
  ASSAY_TRY(const auto runs, args.whole("--blame-runs"));
  ASSAY_TRY(const auto most, args.whole("--blame-samples"));
  if ((runs || most) && !request.blame)
    return Error{Code::usage, "--blame-runs and --blame-samples are limits of --blame", "", "give --blame too"};
  request.blame_runs = runs.value_or(request.blame_runs);
  request.blame_samples = most.value_or(request.blame_samples);
  request.fail_on = args.text("--fail-on", "flips");
  request.reports = report_files(args);
  request.keep = args.list("--keep");
  request.lock = args.text("--lock");
  request.checkpoint = args.text("--checkpoint");
  return commands::audit(request);
}

}  // namespace

extern const Command kAudit = {
    .name = "audit",
    .summary = "which decisions change when the model runs elsewhere?",
    .example = kExample,
    .flags = kFlags,
    .computes = true,
    .run = run_command,
};

}  // namespace assay::cli
