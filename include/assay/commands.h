// What Assay can do, as functions: each takes a request, reads and writes files, and returns a report. The command
// line and the Python package are faces over these.
//
//   assay::commands::AuditRequest request;
//   request.model = "model.onnx";
//   request.data = "images.npz";
//   request.labels = "labels.npy";
//   request.decision = "threshold:0.5";
//   request.candidates = {"coreml-nn-gpu"};
//   auto report = assay::commands::audit(request);
//   if (!report.ok()) puts(report.error().message.c_str());   // for example A002: no profile has this name
//   else puts(report->text.c_str());                          // report->passed is false when a decision flips
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/array.h"
#include "assay/callable.h"
#include "assay/result.h"

/// The commands of the command line, as functions. Each returns a Report or an Error; none throws, prints or exits.
namespace assay::commands {

/// Called now and then on long work: what is being done, how much of it, of how much (0: not known). May be empty.
using Progress = std::function<void(std::string_view what, uint64_t done, uint64_t total)>;

/// What every request that computes or reads a model shares.
struct Settings {
  int threads = 0;                           ///< 0: one per core. Results do not depend on it
  std::string isa = "best";                  ///< scalar, avx2, avx512, neon or best. Results do not depend on it
  std::vector<std::string> profile_files{};  ///< user profiles (docs/profiles.md)
  /// Bytes that tensors may take at one time, of the whole process; 0: three quarters of the machine's memory.
  uint64_t max_memory = 0;
  int64_t max_iterations = 0;  ///< of a loop of a model; 0: 1,000,000
  Progress progress{};
  std::vector<Callable> callables{};  ///< programs of the caller's own, named `callable:NAME`
  /// The words that start a process in which a real runtime runs apart from this one: the path of `assay` and "worker".
  /// Empty: `assay` is looked for beside this executable and on PATH.
  std::vector<std::string> worker{};
};

/// What a command found out.
struct Report {
  std::string json;  ///< the envelope's `result`: one JSON value, the same bytes for the same question
  std::string text;  ///< the same for people
  /// `text` with escape sequences that colour a terminal, free of all others; empty: there is nothing to colour.
  std::string coloured{};
  /// What varies from run to run (times): names and JSON values.
  std::vector<std::pair<std::string, std::string>> meta{};
  bool passed = true;  ///< false: a check failed (exit 1)
  Warnings warnings{};
  std::vector<Array> arrays{};  ///< of run: the outputs, named as the model names them
};

/// What a file states, or what a device makes of it.
struct InspectRequest {
  Settings settings{};
  std::string model;
  std::string program{};    ///< a profile or provider: print the resolved program; empty: the file as it is
  bool full = false;        ///< list every operation and value
  std::string emit_onnx{};  ///< write the resolved program as plain ONNX here
  std::string diff{};       ///< another model: tell what differs instead
  bool strict = false;      ///< emit_onnx is not written where an operator runs in Assay alone (A213)
};
/// Errors: A1xx; not_expressible when emit_onnx is asked for a policy that ONNX cannot say.
Result<Report> inspect(const InspectRequest& request);

/// Another format for a model; types change only when asked for.
struct ConvertRequest {
  Settings settings{};
  std::string model;
  std::string output;                 ///< its ending says the container: .mlpackage, .mlmodel, .onnx
  std::string format{};               ///< mlprogram or neuralnetwork; empty: by the ending
  std::string precision{};            ///< float32 (also when empty), float16 or mixed:FILE
  std::string target{};               ///< "iOS15", "macOS12"; empty: the oldest system that has what the model needs
  std::vector<std::string> inputs{};  ///< NAME:SHAPE with sizes or ranges lo..hi, or several shapes
  bool strict = false;                ///< a warning is an error (a note is none): nothing is written
};
/// Errors: A1xx of the source; not_convertible listing all that the format cannot say.
Result<Report> convert(const ConvertRequest& request);

/// One run of one program.
struct RunRequest {
  Settings settings{};
  std::string model;
  std::string input{};                ///< .npz, .npy (one input) or a folder of ONNX test data; empty: random
  std::vector<Array> arrays{};        ///< the same in memory
  std::optional<uint64_t> random{};   ///< seed of random inputs
  std::vector<std::string> shapes{};  ///< NAME:2,3,224,224 for symbolic dimensions of random inputs
  std::string output{};               ///< .npz to write; empty: none
  std::string program = "";  ///< a profile or provider; empty: strict-f32, for Core ML files their format on the CPU
  bool reuse_memory = true;
  bool fuse = true;
  bool intermediates = false;  ///< the outputs are joined by every float value that the main graph computes
};
/// Errors: A1xx, A3xx.
Result<Report> run(const RunRequest& request);

/// Whether programs run in lock-step, operation by operation (docs/trace.md).
struct TraceWords {
  bool wanted = false;
  bool introduced = true;  ///< feed each operation with the reference's operands too
  uint64_t exact = 8;      ///< so many of the first samples also run in float64 and with sums in another order
};

/// Outputs of several programs on the same inputs, every pair.
struct CompareRequest {
  Settings settings{};
  std::string model{};  ///< may be empty where no program reads one: recordings and callables
  std::string input{};
  std::vector<Array> arrays{};  ///< the same in memory
  std::optional<uint64_t> random{};
  std::vector<std::string> shapes{};
  std::vector<std::string> programs{};                    ///< at least two
  std::optional<double> max_abs{}, max_rel{}, max_ulp{};  ///< limits; report.passed tells whether all hold
  TraceWords trace{};                                     ///< each program against the first
};
/// Errors: A001 for fewer than two programs; A1xx, A3xx, A4xx.
Result<Report> compare(const CompareRequest& request);

/// Which format outputs lie on, and with a model which policy explains them.
struct FingerprintRequest {
  Settings settings{};
  std::string file{};                 ///< .npz or .npy of outputs
  std::vector<Array> arrays{};        ///< the same in memory
  std::string model{};                ///< what gave the outputs; empty: only the outputs are looked at
  std::string input{};                ///< what it was given: .npz, .npy or a folder of ONNX test data
  std::vector<Array> input_arrays{};  ///< the same in memory
  size_t combinations = 400;          ///< policies tried beside those with a name
  size_t samples = 0;                 ///< only the first so many samples are fitted; 0: all
};
/// Errors: A001 for a model without inputs; A1xx, A3xx (A311 where a recording is of another model or other inputs).
Result<Report> fingerprint(const FingerprintRequest& request);

/// Files that a result is also written to; empty: not.
struct ReportFiles {
  std::string html{};      ///< one self-contained page
  std::string junit{};     ///< JUnit XML, for test reports
  std::string sarif{};     ///< SARIF 2.1.0, for code scanning
  std::string markdown{};  ///< for a comment on a pull request
  std::string csv{};       ///< a folder, made where it is not there: one table a file
};

/// Decisions under a reference and under candidates, sample by sample.
struct AuditRequest {
  Settings settings{};
  std::string model{};                  ///< may be empty where no program reads one: recordings and callables
  std::string data{};                   ///< .npz, .npy (one input) or a folder of ONNX test data
  std::vector<Array> arrays{};          ///< the same in memory
  std::string labels{};                 ///< .npy, .csv or .csv:COLUMN
  std::vector<int64_t> label_values{};  ///< the same in memory
  std::string decision;                 ///< a rule: threshold:T, argmax, ... (docs/decision-rules.md)
  std::string score{};                  ///< expression over output names
  std::string output{};                 ///< name of the output to decide on
  std::string reference = "strict-f32";
  std::vector<std::string> candidates{};
  bool primary_only = false;  ///< only each profile's primary variant
  uint64_t first_sample = 0;
  std::string fail_on = "flips";  ///< flips, at-risk, none
  ReportFiles reports{};
  std::vector<std::string> keep{};  ///< operations that every candidate keeps in float32: names of nodes or values
  std::string lock{};               ///< write a contract here, of what is asked and of what is found
  std::string checkpoint{};         ///< what is done, saved here now and then and read from here; empty: nothing is
  bool blame = false;               ///< search which operations are to blame for each changed decision
  uint64_t blame_runs = 300;        ///< most runs of the model for one sample
  uint64_t blame_samples = 16;      ///< most samples that are searched: flips first, then by number
  TraceWords trace{};               ///< the primary variants against the reference
  uint64_t expect = 0;              ///< foretell the flips among so many more samples; 0: as many as there are
  bool proof = false;               ///< bound what rounding can do: how many decisions cannot flip (docs/margins.md)
};
/// Errors: A002 to A004 for words; A1xx, A3xx, A4xx. report.passed tells whether `fail_on` was met.
Result<Report> audit(const AuditRequest& request);

/// The smallest change that makes a model decide as it should where it will run.
struct RepairRequest {
  AuditRequest audit{};           ///< model, data, decision, reference, one candidate; `fail_on` and reports are unused
  std::string goal = "no-flips";  ///< no-flips, max-flips:N or max-error:X
  std::string output{};           ///< .mlpackage or .onnx with mixed types; empty: nothing is written
  std::string configs{};          ///< folder for the same set as configuration of other tools; empty: none
  std::string checkpoint{};       ///< what is known, saved here and read from here; empty: nothing is
  double hold_out = 0.25;         ///< share of the samples that the search does not see
  uint64_t budget = 2000;         ///< most sets of operations that are tried
  bool rescale = false;           ///< search on the model with its overflowing layers rescaled
};
/// report.passed tells whether the goal is reached; no file is written where it is not. Errors: as audit;
/// not_convertible where the format cannot say the model.
Result<Report> repair(const RepairRequest& request);

/// A contract, audited again.
struct CheckRequest {
  Settings settings{};
  std::string lock = "assay.lock";
  bool update = false;  ///< write it anew as things are now; the check then passes
  ReportFiles reports{};
};
/// report.passed tells whether the contract holds; the report says in words what breaks it. Errors: as audit;
/// file_malformed for the contract.
Result<Report> check(const CheckRequest& request);

/// Audits of parts of one data set.
struct MergeRequest {
  std::vector<std::string> files{};  ///< JSON envelopes of audits over parts of one data set
  std::vector<std::string> texts{};  ///< such envelopes, or their results, in memory
  std::string fail_on = "flips";
};
/// The audit of the whole, the same bytes as one audit of all samples gives. Errors: A3xx for parts that do not fit.
Result<Report> merge(const MergeRequest& request);

/// Audits to report on.
struct PageRequest {
  std::vector<std::string> files{};   ///< JSON envelopes of audits
  std::vector<std::string> texts{};   ///< such envelopes, or their results, in memory
  std::vector<std::string> titles{};  ///< of each file, then of each text; empty: the file's name
  ReportFiles reports{};              ///< without any file the page is the report's text
  std::string fail_on = "flips";      ///< what fails in `junit` and `sarif`: flips, at-risk, none
};
/// A self-contained HTML page about the audits, or any other report.
Result<Report> page(const PageRequest& request);

/// Small models that tell numeric policies apart.
struct ProbeMakeRequest {
  Settings settings{};
  std::string output;                 ///< a folder
  std::vector<std::string> groups{};  ///< "matmul", "conv", "sum", ...; empty: all
};
/// Writes each probe as ONNX, .mlmodel and .mlpackage, its inputs, and a recorder for each runtime. What a format
/// cannot say is left out and named. Errors: A001 for unknown groups; write_failed.
Result<Report> probe_make(const ProbeMakeRequest& request);

/// What a device made of the probes.
struct ProbeReadRequest {
  Settings settings{};
  std::string recording;               ///< .npz of a recorder, or of a PyTorch device (docs/probe.md)
  std::string mode{};                  ///< of a recording of several modes, the one that is read; empty: all
  std::string output{};                ///< a profile file (.toml) to write; its name is the profile's
  size_t combinations = 400;           ///< policies tried beside those with a name
  std::vector<std::string> without{};  ///< profiles that are not tried by name
};
/// Errors: A001 where `output` needs one mode; A3xx.
Result<Report> probe_read(const ProbeReadRequest& request);

/// Which profiles there are, or what one of them says.
struct ProfilesRequest {
  Settings settings{};
  std::string name{};  ///< empty: list all
};
/// Errors: A002.
Result<Report> profiles(const ProfilesRequest& request);

/// Which operators there are.
struct OpsRequest {
  std::string name{};
  bool core_ml = false;   ///< what is read of Core ML: operations of ML Programs, layers of NeuralNetworks
  bool markdown = false;  ///< text is docs/ops.md (docs/coreml-ops.md)
};
/// Errors: A001 for unknown names.
Result<Report> ops(const OpsRequest& request);

/// What codes mean.
struct ExplainRequest {
  std::string code{};  ///< "A201"; empty: all
  bool markdown = false;
};
/// Errors: A001 for unknown codes.
Result<Report> explain(const ExplainRequest& request);

/// How long a run takes.
struct BenchRunRequest {
  RunRequest run{};
  int repeat = 7;
};
/// Wall and processor time of repeated runs, after one that is not counted.
Result<Report> bench_run(const BenchRunRequest& request);

/// How fast the machine is at best.
struct BenchPeakRequest {
  Settings settings{};
  int size = 0;  ///< also time a square float32 matrix product of this size; 0: none
};
/// The machine's fused multiply-add peak on the chosen code path.
Result<Report> bench_peak(const BenchPeakRequest& request);

/// Of bench_matmul().
struct BenchMatmulRequest {
  Settings settings{};
  int size = 1024;  ///< rows and columns of the square matrices, up to 16384
  int repeat = 5;
};
/// A matrix product in float32, in float16 storage, in float16 throughout and, where the processor has it, in its own
/// float16 arithmetic: times, and from the numbers which format results and sums really had.
Result<Report> bench_matmul(const BenchMatmulRequest& request);

/// Of bench_ops().
struct BenchOpsRequest {
  Settings settings{};  ///< `threads` 0: one
  std::string op = "";  ///< a regular expression that names contain ("^Conv", "com.microsoft"); empty: all
  int repeat = 7;       ///< rounds
};
/// Operators alone, on sizes of real networks, in our engine under strict-f32 and in the real ONNX Runtime, in turns on
/// the same bytes: what differs is not timed, and report.passed is false. Without ONNX Runtime our times alone, with a
/// warning. Errors: A001 where `op` is no regular expression or matches nothing.
Result<Report> bench_ops(const BenchOpsRequest& request);

/// Of the library: "0.1.0".
std::string_view version();
/// The names that a mistyped one may have meant, for command lines.
std::vector<std::string> profile_names();
/// Asks all running work to stop; safe in a signal handler.
void cancel();
/// What `assay worker` does: runs a model in a real runtime for the process that started this one, over a socket, until
/// that hangs up. Errors: A001 where the descriptor is no socket.
Status serve_runtime(int socket);
/// Forgets what cancel() asked for: what begins from now on runs.
void resume();

}  // namespace assay::commands
