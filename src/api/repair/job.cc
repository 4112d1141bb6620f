#include "api/repair/job.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "api/reports.h"
#include "audit/blame/find.h"
#include "audit/repair/typed.h"
#include "backends/provider_use.h"
#include "base/output_file.h"
#include "base/text.h"
#include "onnx/export.h"
#include "ops/def.h"

namespace assay::api {
namespace {
using audit::Goal;
using audit::Kept;

constexpr double kMostHeldOut = 0.9;

/// Flags have other names here: --output is the file.
Error in_our_words(Error error) {
  constexpr std::string_view kTheirs = "--output", kOurs = "--decide-on";
  for (std::string* words : {&error.where, &error.fix})
    if (const size_t at = words->find(kTheirs); at != std::string::npos) words->replace(at, kTheirs.size(), kOurs);
  return error;
}

/// Types that a file declares are those that a runtime of Core ML computes in, whatever the profile is called.
bool declares_types(const backends::Program& program) {
  return program.profile() != nullptr && program.profile()->name.starts_with("coreml-mlprogram-f16-") &&
         program.storage() == ir::ElemType::float32;
}

}  // namespace

commands::AuditRequest with_decision(const RepairRequest& request) {
  commands::AuditRequest asked = request.audit;
  const auto goal = audit::parse_goal(request.goal);
  if (!asked.decision.empty() || !goal.ok() || goal->kind != Goal::Kind::error) return asked;
  asked.decision = "tolerance:abs=" + shortest(std::max(goal->error, std::numeric_limits<double>::min()));
  return asked;
}

audit::BlamedOp described(const ir::Graph& graph, ir::OpId id) {
  const ir::Op& op = graph.ops[id];
  std::string name;
  for (const ir::ValueId v : op.outputs)
    if (name.empty() && v != ir::kNoValue) name = graph.at(v).name;
  return {id, name, op.name, op.domain.empty() ? op.type : op.domain + "." + op.type};
}

Result<audit::AuditResult> run_audit(const AuditJob& job, Warnings& warnings) {
  auto audited = job.run(warnings);
  if (!audited.ok()) return in_our_words(std::move(audited).error());
  return audited;
}

Status check_words(const RepairRequest& request) {
  if (request.audit.candidates.size() != 1)
    return Error{Code::usage, "repair takes one candidate", "", "give --candidate once"};
  if (!(request.hold_out >= 0 && request.hold_out <= kMostHeldOut))
    return Error{Code::usage, "--hold-out takes a share from 0 to 0.9", "", "for example 0.25"};
  if (request.budget == 0) return Error{Code::usage, "--budget takes 1 or more", "", "for example 2000"};
  const std::string& output = request.output;
  ASSAY_CHECK(
      check_distinct({{"--output", output}, {"--configs", request.configs}, {"--checkpoint", request.checkpoint}}));
  if (output.empty()) return {};
  if (!is_package(output) && !output.ends_with(".onnx"))
    return Error{Code::usage, "the ending of '" + output + "' says no format with types", "",
                 "end it in .mlpackage or .onnx"};
  return OutputFile::check(is_package(output) ? output + ".tmp" : output);
}

Result<std::unique_ptr<AuditJob>> open_job(const RepairRequest& request, const commands::AuditRequest& asked,
                                           Warnings& warnings) {
  ASSAY_TRY(auto job, AuditJob::open(asked, warnings));
  if (asked.decision != request.audit.decision && asked.score.empty() && asked.output.empty())
    job->options.output = job->reference->outputs().front().name;
  const backends::Program& candidate = *job->candidates.front();
  if (candidate.model() == nullptr)
    return Error{
        Code::usage,
        "repair changes what the engine runs under a profile; a recording or another runtime cannot be changed",
        candidate.text(), "give a profile or an emulated provider as the candidate"};
  return job;
}

Parts part_samples(const audit::Answers& answers, const Goal& goal, double hold_out) {
  std::vector<bool> bad(answers.at(0).size());
  for (const auto& variant : answers)
    for (size_t s = 0; s < bad.size(); ++s)
      if (goal.missed(variant[s].outcome)) bad[s] = true;
  const std::vector<bool> held = audit::hold_out(bad, hold_out);
  Parts parts;
  for (size_t s = 0; s < held.size(); ++s) (held[s] ? parts.held : parts.searched).push_back(s);
  return parts;
}

Status RepairJob::open() {
  ASSAY_TRY(goal_, audit::parse_goal(request_.goal));
  ASSAY_CHECK(check_words(request_));
  ASSAY_TRY(job_, open_job(request_, asked_, warnings_));
  ASSAY_CHECK(choose_program());
  ASSAY_CHECK(choose_typed());
  model_ = program_->model();
  return {};
}

/// The file that the candidate is made of: one of its own, or MODEL.
std::string RepairJob::source() const {
  std::string file = file_of(job_->candidates.front()->text());
  if (file.empty()) return request_.audit.model;
  file.pop_back();
  return file;
}

/// A NeuralNetwork has no types to write: what is searched is the ML Program on the same unit.
Status RepairJob::choose_program() {
  program_ = job_->candidates.front().get();
  const profiles::Profile* profile = program_->profile();
  const bool network = profile != nullptr && profile->name.starts_with("coreml-nn-");
  if (network && is_package(request_.output)) {
    Warnings told;
    const std::string typed = "coreml-mlprogram-f16-" + core_ml_unit(profile->name);
    ASSAY_TRY(other_, job_->loader->open(file_of(program_->text()) + typed, request_.audit.model, told));
    if (declares_types(*other_)) {  // the types that will be written are others: search without those
      const auto target = std::filesystem::temp_directory_path() / "untyped.onnx";
      ASSAY_TRY(auto folder, Beside::create(target.string()));
      untyped_.emplace(std::move(folder));
      ASSAY_CHECK(onnx::export_model(*other_->model(), untyped_->file()));
      ASSAY_TRY(other_, job_->loader->open(typed, untyped_->file(), told));
    }
    program_ = other_.get();
  }
  if (!request_.output.empty() && declares_types(*program_))
    return Error{Code::usage,
                 "the model declares the types that it computes in, and " + program_->text() +
                     " keeps to them: there is nothing to lower",
                 source(), "give the model that it was made from, or --candidate f16-storage"};
  const ir::ElemType storage = program_->storage();
  const bool narrow = storage == ir::ElemType::float16 || storage == ir::ElemType::bfloat16;
  if (request_.output.empty() || (narrow && !(is_package(request_.output) && storage != ir::ElemType::float16)))
    return {};
  return Error{Code::usage,
               program_->text() + " stores values in " + std::string(ir::elem_name(storage)) +
                   ": no types of such a file say what it computes in",
               request_.output, "leave the output out and give --configs FOLDER"};
}

audit::TrialOptions RepairJob::trial_options() {
  audit::TrialOptions options;
  options.errors = goal_.kind == Goal::Kind::error;
  options.first_sample = static_cast<int64_t>(request_.audit.first_sample);
  options.threads = job_->context->threads;
  if (request_.audit.settings.progress)
    options.progress = [this](uint64_t runs) { request_.audit.settings.progress("runs of the search", runs, 0); };
  return options;
}

/// The written file is run as what it says: the search must satisfy that too.
Status RepairJob::choose_typed() {
  if (request_.output.empty()) return {};
  const profiles::Profile* profile = program_->profile();
  const std::string unit = profile == nullptr ? "" : core_ml_unit(profile->name);
  const std::string storage = program_->storage() == ir::ElemType::bfloat16 ? "bf16-storage" : "f16-storage";
  const std::string wanted =
      is_package(request_.output) ? "coreml-mlprogram-f16-" + (unit.empty() ? "gpu" : unit) : storage;
  if (profile != nullptr && profile->name == wanted) return {};
  Warnings told;
  ASSAY_TRY(typed_, job_->loader->open(file_of(program_->text()) + wanted, request_.audit.model, told));
  if (declares_types(*typed_)) typed_.reset();  // it would run the file's types, not those that are written
  return {};
}

/// What the candidate does as it is.
Status RepairJob::look() {
  ASSAY_TRY(const audit::AuditResult audit, run_audit(*job_, warnings_));
  question_ = audit::question_of(audit);
  result_.goal = goal_;
  result_.samples = audit.samples;
  result_.first_sample = audit.first_sample;
  result_.reference = job_->reference->text();
  result_.candidate = job_->candidates.front()->text();
  result_.searched_program = program_->text();
  if (result_.rescaled.empty()) result_.model = job_->candidates.front()->identity();
  result_.budget = request_.budget;
  ASSAY_TRY(answers_, audit::answers_of(*job_->reference, *program_, job_->data, question_, trial_options()));
  return {};
}

/// Decisions of the primary variant that are as the labels say; absent where there are none, or decisions are no
/// classes.
std::optional<uint64_t> RepairJob::right(const std::vector<audit::Answer>& answers, bool of_reference) const {
  if (job_->labels.size() != answers.size() || !question_.rule.decides_class()) return std::nullopt;
  uint64_t count = 0;
  for (size_t s = 0; s < answers.size(); ++s) {
    const audit::Judged& judged = of_reference ? answers[s].reference : answers[s].other;
    if (judged.decision.value == job_->labels[s]) ++count;
  }
  return count;
}

Status RepairJob::split() {
  if (result_.rescaled.empty()) parts_ = part_samples(answers_, goal_, request_.hold_out);
  for (const size_t s : parts_.held) result_.held_out.push_back(result_.first_sample + static_cast<int64_t>(s));
  audit::Answers own;
  if (other_) {
    ASSAY_TRY(own, audit::answers_of(*job_->reference, *job_->candidates.front(), job_->data, question_,
                                     trial_options(), &answers_));
  }
  const auto& as_it_is = other_ ? own : answers_;
  result_.reference_right = right(as_it_is.at(0), true);
  result_.before_right = right(as_it_is.at(0), false);
  result_.before_searched = standing_of(as_it_is, parts_.searched);
  result_.before_held = standing_of(as_it_is, parts_.held);
  ASSAY_TRY(result_.fixes, try_fixes(*job_, goal_, question_, parts_, as_it_is, trial_options()));
  return {};
}

/// Operations that no type of the file can lower stay in float32 in the search too.
Status RepairJob::find_units() {
  const ir::Graph& model = *model_;
  std::vector<bool> always(model.ops.size());
  if (is_package(request_.output)) {
    for (size_t k = 0; k < model.ops.size(); ++k)
      always[k] = ir::has_nested(model.ops[k]) ||
                  (model.ops[k].def != nullptr && model.ops[k].def->numeric == ops::Numeric::convert);
  } else if (program_->storage() != ir::ElemType::float32) {
    ASSAY_TRY(always, audit::lowerable(model, program_->storage()));
    always.flip();
  }
  const auto* use = program_->provider_use();
  units_ = audit::Units::of(model, use == nullptr ? nullptr : &use->placement, always);
  for (size_t u = 0; u < units_.size(); ++u) result_.ops.push_back(described(model, units_.main(u)));
  for (ir::OpId id = 0; id < model.ops.size(); ++id)
    if (units_.is_fixed(id)) result_.always.push_back(described(model, id));
  auto options = trial_options();
  ASSAY_TRY(std::string of, key());
  file_.emplace(request_.checkpoint, std::move(of));
  options.learned = [this](const audit::Verdicts& verdicts) { return file_->save(verdicts, false); };
  std::vector<backends::Program*> programs = {program_};
  if (typed_) programs.push_back(typed_.get());
  ASSAY_TRY(trials_,
            audit::Trials::create(*job_->reference, programs, units_, job_->data, question_, std::move(options)));
  ASSAY_TRY(trials_->verdicts(), file_->load());
  return {};
}

}  // namespace assay::api
