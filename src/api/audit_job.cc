#include "api/audit_job.h"

#include "api/checkpoint.h"
#include "api/keep.h"
#include "api/trace_words.h"
#include "api/verdicts_file.h"
#include "audit/blame/find.h"
#include "audit/data.h"
#include "audit/decision/rule.h"
#include "audit/recordings.h"
#include "audit/trace/tracer.h"

namespace assay::api {
namespace {

constexpr uint64_t kMostExpected = 1'000'000'000'000'000;  // beyond it counts lose digits as floating-point numbers

/// Whether limits of the search for blame are given where there is none.
bool limits_nothing(const commands::AuditRequest& request) {
  const commands::AuditRequest silent;
  return !request.blame && (request.blame_runs != silent.blame_runs || request.blame_samples != silent.blame_samples);
}

Status check_words(const commands::AuditRequest& request) {
  if (request.candidates.empty())
    return Error{Code::usage, "audit needs a candidate", "", "give --candidate PROFILE; `assay profiles` lists them"};
  if (request.data.empty() && request.arrays.empty())
    return Error{Code::usage, "--data is missing", "", "give --data FILE.npz"};
  if (request.decision.empty())
    return Error{Code::usage, "--decision is missing", "", "give for example --decision threshold:0.5 or argmax"};
  if (request.expect > kMostExpected)
    return Error{Code::usage, "--expect takes up to 1,000,000,000,000,000", "--expect", "give the samples to come"};
  if (limits_nothing(request))
    return Error{Code::usage, "--blame-runs and --blame-samples are limits of --blame", "", "give --blame too"};
  if (request.blame && request.blame_samples == 0)
    return Error{Code::usage, "--blame-samples 0 leaves nothing to search", "--blame-samples", "give 1 or more"};
  if (!request.score.empty() && !request.output.empty())
    return Error{Code::usage, "--score and --output exclude each other", "", "name the output inside the expression"};
  return check_trace(request.trace);
}

Result<std::vector<int64_t>> labels_of(const commands::AuditRequest& request) {
  if (request.labels.empty()) return request.label_values;
  if (!request.label_values.empty())
    return Error{Code::usage, "labels in memory and the file " + request.labels + " exclude each other", "",
                 "give one of them"};
  ASSAY_TRY(auto labels, audit::read_labels(request.labels));
  if (labels.empty())
    return Error{Code::labels_length, "there are no labels", request.labels, "give one label per sample"};
  return labels;
}

/// What the trace and the search for blame pass over. Errors: usage where there is no candidate to blame.
Status tell_passed_over(const AuditJob& job, Warnings& warnings) {
  const commands::AuditRequest& request = *job.request;
  size_t blamed = 0;
  for (const auto& candidate : job.candidates) {
    if (request.trace.wanted)
      if (auto untraced = audit::untraced(*job.reference, *candidate)) warnings.push_back(*std::move(untraced));
    if (candidate->model() != nullptr) {
      ++blamed;
    } else if (request.blame) {
      warnings.push_back({Code::passed_over,
                          "this candidate is left out of the search for blame: the engine does not run it",
                          candidate->text(), "give a profile or an emulated provider as the candidate"});
    }
  }
  if (!request.blame || blamed > 0) return {};
  return Error{Code::usage, "there is no candidate whose operations can be blamed: the engine does not run it",
               job.candidates[0]->text(), "give a profile or an emulated provider as the candidate"};
}

std::vector<backends::Program*> pointers(const std::vector<std::unique_ptr<backends::Program>>& programs) {
  std::vector<backends::Program*> out;
  out.reserve(programs.size());
  for (const auto& program : programs) out.push_back(program.get());
  return out;
}

}  // namespace

Result<audit::FailOn> parse_fail_on(const std::string& text) {
  if (text == "flips") return audit::FailOn::flips;
  if (text == "at-risk") return audit::FailOn::at_risk;
  if (text == "none") return audit::FailOn::none;
  return Error{Code::usage, "--fail-on takes flips, at-risk or none, not '" + text + "'", "", "see --help"};
}

Result<std::unique_ptr<AuditJob>> AuditJob::open(const commands::AuditRequest& request, Warnings& warnings) {
  ASSAY_CHECK(check_words(request));
  auto job = std::make_unique<AuditJob>(request);
  audit::AuditOptions& options = job->options;
  ASSAY_TRY(options.rule, audit::parse_rule(request.decision));
  ASSAY_TRY(job->context, Context::make(request.settings));
  job->loader.emplace(program_options(*job->context, request.settings, job->input, request.primary_only));
  ASSAY_TRY(job->reference, job->loader->open(request.reference, request.model, warnings));
  for (const std::string& spec : request.candidates) {
    ASSAY_TRY(auto program, job->loader->open(spec, request.model, warnings));
    if (!request.keep.empty()) {
      ASSAY_TRY(program, keeping(*program, request.keep));
    }
    job->candidates.push_back(std::move(program));
  }
  ASSAY_CHECK(tell_passed_over(*job, warnings));
  ASSAY_TRY(const auto ports, job->loader->ports(request.model, warnings));
  ASSAY_TRY(job->data, job->input.arrays(ports));
  std::vector<backends::Program*> programs = pointers(job->candidates);
  programs.insert(programs.begin(), job->reference.get());
  const auto files = job->loader->files();
  const audit::AtHand at_hand{
      .files = files, .data = &job->data, .first_sample = static_cast<size_t>(request.first_sample)};
  ASSAY_CHECK(audit::check_recordings(programs, at_hand, job->context->threads.get(), warnings));
  ASSAY_TRY(job->labels, labels_of(request));
  options.score = request.score;
  options.output = request.output;
  options.first_sample = static_cast<int64_t>(request.first_sample);
  options.threads = job->context->threads;
  options.expect = request.expect;
  options.proof = request.proof;
  if (request.trace.wanted) {
    options.trace = audit::TraceOptions{.introduced = request.trace.introduced, .exact_samples = request.trace.exact};
    options.conversion_samples = request.trace.exact;
  }
  if (request.settings.progress)
    options.progress = [&request](size_t done, size_t total) { request.settings.progress("samples", done, total); };
  return job;
}

Result<audit::AuditResult> AuditJob::run(Warnings& warnings) const {
  const auto others = pointers(candidates);
  const auto audited = [&]() -> Result<audit::AuditResult> {
    if (request->checkpoint.empty()) return audit::run_audit(*reference, others, data, labels, options, warnings);
    ASSAY_TRY(const audit::Checkpoint checkpoint, checkpoint_at(request->checkpoint, *this));
    return audit::run_audit(*reference, others, data, labels, options, checkpoint, warnings);
  };
  ASSAY_TRY(auto result, audited());
  if (request->blame) ASSAY_CHECK(add_blame(result));
  if (!request->keep.empty())
    for (audit::CandidateResult& c : result.candidates) c.info.program = keeping_text(c.info.program, request->keep);
  return result;
}

Status AuditJob::add_blame(audit::AuditResult& result) const {
  audit::BlameOptions wanted{
      .runs = request->blame_runs, .samples = request->blame_samples, .threads = context->threads};
  if (request->settings.progress)
    wanted.progress = [this](uint64_t runs) { request->settings.progress("runs in search of blame", runs, 0); };
  const bool kept = !request->checkpoint.empty();
  std::string key;
  if (kept) {
    ASSAY_TRY(key, question_key(*this));  // it reads all of the data
  }
  for (size_t c = 0; c < candidates.size(); ++c) {
    if (candidates[c]->model() == nullptr) continue;
    VerdictsFile file(kept ? request->checkpoint + ".blame" + std::to_string(c) : "", key);
    ASSAY_TRY(wanted.known, file.load());
    wanted.learned = [&file](const audit::Verdicts& verdicts, bool last) { return file.save(verdicts, last); };
    ASSAY_TRY(result.candidates[c].blame, audit::find_blame(*reference, *candidates[c], data, result, c, wanted));
  }
  return {};
}

}  // namespace assay::api
