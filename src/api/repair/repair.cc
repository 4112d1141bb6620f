// `assay repair`: free fixes, the search, files that are run again.
#include "report/repair.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "api/audit_job.h"
#include "api/repair/files.h"
#include "api/repair/fixes.h"
#include "api/repair/rescaled.h"
#include "assay/commands.h"
#include "audit/blame/find.h"
#include "audit/repair/configs.h"
#include "audit/repair/search.h"
#include "audit/repair/typed.h"
#include "backends/provider_use.h"
#include "base/hash.h"
#include "base/mapped_file.h"
#include "base/output_file.h"
#include "ops/def.h"

namespace assay::commands {
namespace {
using api::Parts;
using audit::Goal;
using audit::Kept;
using audit::RepairResult;

constexpr int kRounds = 3;        // searches, each given what the one before failed on
constexpr double kSaveEvery = 5;  // seconds between checkpoints
constexpr double kMostHeldOut = 0.9;

bool is_package(const std::string& path) { return path.ends_with(".mlpackage"); }

/// "FILE@" of a program, or nothing.
std::string file_of(const std::string& program) {
  const size_t at = program.rfind('@');
  return at == std::string::npos ? "" : program.substr(0, at + 1);
}

Status check_words(const RepairRequest& request) {
  if (request.audit.candidates.size() != 1)
    return Error{Code::usage, "repair takes one candidate", "", "give --candidate once"};
  if (!(request.hold_out >= 0 && request.hold_out <= kMostHeldOut))
    return Error{Code::usage, "--hold-out takes a share from 0 to 0.9", "", "for example 0.25"};
  if (request.budget == 0) return Error{Code::usage, "--budget takes 1 or more", "", "for example 2000"};
  const std::string& output = request.output;
  if (output.empty()) return {};
  if (!is_package(output) && !output.ends_with(".onnx"))
    return Error{Code::usage, "the ending of '" + output + "' says no format with types", "",
                 "end it in .mlpackage or .onnx"};
  return OutputFile::check(is_package(output) ? output + ".tmp" : output);
}

class Repair {
 public:
  /// `rescaled`: layers of the model that were, in words.
  Repair(const RepairRequest& request, std::vector<std::string> rescaled) : request_(request) {
    result_.rescaled = std::move(rescaled);
  }
  Result<Report> run();

 private:
  Status open();
  Status choose_program();
  Status choose_typed();
  Status look();
  Status split();
  Status find_units();
  Status search();
  Status round(audit::RepairSearch& search, uint64_t allowed);
  Status fill(audit::RepairSearch& search);
  Status trace_front(audit::RepairSearch& search);
  Status write();
  Status write_configs();
  Result<audit::WrittenFile> written(const std::string& file, const std::string& spec);
  std::string key() const;
  audit::TrialOptions trial_options();
  Status save(const audit::Verdicts& verdicts, bool last);

  const RepairRequest& request_;
  Goal goal_;
  Warnings warnings_;
  std::unique_ptr<api::AuditJob> job_;
  std::unique_ptr<backends::Program> other_;  ///< what is searched where it is not the candidate
  std::unique_ptr<backends::Program> typed_;  ///< what the written file says; null: no more than what is searched does
  backends::Program* program_ = nullptr;      ///< what is searched
  audit::Question question_;
  std::vector<std::vector<audit::Answer>> answers_;  ///< of it, as it is
  Parts parts_;
  std::shared_ptr<const ir::Graph> model_;
  audit::Units units_;
  std::unique_ptr<audit::Trials> trials_;
  Kept kept_;
  RepairResult result_;
  std::chrono::steady_clock::time_point saved_{};
};

Status Repair::open() {
  ASSAY_TRY(goal_, audit::parse_goal(request_.goal));
  ASSAY_CHECK(check_words(request_));
  ASSAY_TRY(job_, api::AuditJob::open(request_.audit, warnings_));
  ASSAY_CHECK(choose_program());
  ASSAY_CHECK(choose_typed());
  model_ = program_->model();
  if (model_ != nullptr) return {};
  auto refused = program_->keeping({}, {});
  return std::move(refused).error();
}

/// A NeuralNetwork has no types to write: what is searched is the ML Program on the same unit.
Status Repair::choose_program() {
  program_ = job_->candidates.front().get();
  const profiles::Profile* profile = program_->profile();
  const bool network = profile != nullptr && profile->name.starts_with("coreml-nn-");
  if (network && is_package(request_.output)) {
    Warnings told;
    ASSAY_TRY(other_,
              job_->loader->open(file_of(program_->text()) + "coreml-mlprogram-f16-" + api::core_ml_unit(profile->name),
                                 request_.audit.model, told));
    program_ = other_.get();
  }
  const ir::ElemType storage = program_->storage();
  const bool narrow = storage == ir::ElemType::float16 || storage == ir::ElemType::bfloat16;
  if (request_.output.empty() || (narrow && !(is_package(request_.output) && storage != ir::ElemType::float16)))
    return {};
  return Error{Code::usage,
               program_->text() + " stores values in " + std::string(ir::elem_name(storage)) +
                   ": no types of such a file say what it computes in",
               request_.output, "leave the output out and give --configs FOLDER"};
}

audit::TrialOptions Repair::trial_options() {
  audit::TrialOptions options;
  options.errors = goal_.kind == Goal::Kind::error;
  options.first_sample = static_cast<int64_t>(request_.audit.first_sample);
  options.threads = job_->context->threads;
  if (request_.audit.settings.progress)
    options.progress = [this](uint64_t runs) { request_.audit.settings.progress("runs of the search", runs, 0); };
  return options;
}

/// The written file is run as what it says: the search must satisfy that too.
Status Repair::choose_typed() {
  if (request_.output.empty()) return {};
  const profiles::Profile* profile = program_->profile();
  const std::string unit = profile == nullptr ? "" : api::core_ml_unit(profile->name);
  const std::string storage = program_->storage() == ir::ElemType::bfloat16 ? "bf16-storage" : "f16-storage";
  const std::string wanted =
      is_package(request_.output) ? "coreml-mlprogram-f16-" + (unit.empty() ? "gpu" : unit) : storage;
  if (profile != nullptr && profile->name == wanted) return {};
  Warnings told;
  ASSAY_TRY(typed_, job_->loader->open(file_of(program_->text()) + wanted, request_.audit.model, told));
  return {};
}

/// What the candidate does as it is.
Status Repair::look() {
  ASSAY_TRY(const audit::AuditResult audit, job_->run(warnings_));
  question_ = audit::question_of(audit);
  result_.goal = goal_;
  result_.samples = audit.samples;
  result_.first_sample = audit.first_sample;
  result_.reference = job_->reference->text();
  result_.candidate = job_->candidates.front()->text();
  result_.searched_program = program_->text();
  result_.budget = request_.budget;
  ASSAY_TRY(answers_, audit::answers_of(*job_->reference, *program_, job_->data, question_, trial_options()));
  return {};
}

Status Repair::split() {
  const size_t samples = result_.samples;
  std::vector<bool> bad(samples);
  for (const auto& variant : answers_)
    for (size_t s = 0; s < samples; ++s) {
      const audit::Outcome& outcome = variant[s].outcome;
      if (goal_.kind == Goal::Kind::error ? outcome.error > goal_.error : !outcome.same) bad[s] = true;
    }
  const std::vector<bool> held = audit::hold_out(bad, request_.hold_out);
  for (size_t s = 0; s < samples; ++s) (held[s] ? parts_.held : parts_.searched).push_back(s);
  for (const size_t s : parts_.held) result_.held_out.push_back(result_.first_sample + static_cast<int64_t>(s));
  std::vector<std::vector<audit::Answer>> own;
  if (other_) {
    ASSAY_TRY(own,
              audit::answers_of(*job_->reference, *job_->candidates.front(), job_->data, question_, trial_options()));
  }
  const auto& as_it_is = other_ ? own : answers_;
  result_.before_searched = api::standing_of(as_it_is, parts_.searched);
  result_.before_held = api::standing_of(as_it_is, parts_.held);
  ASSAY_TRY(result_.fixes, api::try_fixes(*job_, goal_, question_, parts_, as_it_is, trial_options()));
  return {};
}

audit::BlamedOp describe(const ir::Graph& graph, ir::OpId id) {
  const ir::Op& op = graph.ops[id];
  std::string name;
  for (const ir::ValueId v : op.outputs)
    if (name.empty() && v != ir::kNoValue) name = graph.at(v).name;
  return {id, name, op.name, op.domain.empty() ? op.type : op.domain + "." + op.type};
}

/// Operations that no type of the file can lower stay in float32 in the search too.
Status Repair::find_units() {
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
  for (size_t u = 0; u < units_.size(); ++u) result_.ops.push_back(describe(model, units_.main(u)));
  for (ir::OpId id = 0; id < model.ops.size(); ++id)
    if (units_.is_fixed(id)) result_.always.push_back(describe(model, id));
  auto options = trial_options();
  if (!request_.checkpoint.empty()) {
    options.learned = [this](const audit::Verdicts& verdicts) { return save(verdicts, false); };
  }
  std::vector<backends::Program*> programs = {program_};
  if (typed_) programs.push_back(typed_.get());
  ASSAY_TRY(trials_,
            audit::Trials::create(*job_->reference, programs, units_, job_->data, question_, std::move(options)));
  if (request_.checkpoint.empty() || !std::filesystem::exists(request_.checkpoint)) return {};
  ASSAY_TRY(const MappedFile file, MappedFile::open(request_.checkpoint));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  ASSAY_TRY(trials_->verdicts(), report::parse_verdicts(text, key(), request_.checkpoint));
  return {};
}

/// What a checkpoint is of: all that its answers depend on.
std::string Repair::key() const {
  Hash hash;
  for (const backends::Program* program :
       {static_cast<const backends::Program*>(job_->reference.get()), static_cast<const backends::Program*>(program_),
        static_cast<const backends::Program*>(typed_.get())}) {
    if (program == nullptr) continue;
    hash.add(program->text());
    hash.add(program->identity());
    if (program->profile() != nullptr) hash.add(profiles::identity_of(*program->profile()));
    for (const std::string& variant : program->variants()) hash.add(variant);
  }
  for (const audit::NamedArray& array : job_->data) {
    hash.add(array.name);
    hash.add(ir::to_string(array.tensor.dims()));
    if (array.tensor.elem() != ir::ElemType::string) hash.add(array.tensor.bytes(), array.tensor.byte_size());
  }
  hash.add(question_.score);
  hash.add(question_.rule.text());
  hash.word(request_.audit.first_sample);
  hash.word(goal_.kind == Goal::Kind::error);
  hash.word(units_.size());
  for (ir::OpId id = 0; id < model_->ops.size(); ++id) hash.word(units_.is_fixed(id));
  return hash.text();
}

Status Repair::save(const audit::Verdicts& verdicts, bool last) {
  if (request_.checkpoint.empty()) return {};
  const auto now = std::chrono::steady_clock::now();
  if (!last && std::chrono::duration<double>(now - saved_).count() < kSaveEvery) return {};
  saved_ = now;
  return write_file(request_.checkpoint, report::to_json(verdicts, key()));
}

Status Repair::round(audit::RepairSearch& search, uint64_t allowed) {
  search.use(parts_.searched);
  search.allow(allowed);
  ASSAY_TRY(const auto found, search.minimise());
  kept_ = found.kept;
  result_.found = found.possible;
  result_.minimal = found.minimal;
  ASSAY_TRY(result_.searched, search.standing(kept_, parts_.searched));
  ASSAY_TRY(result_.held, search.standing(kept_, parts_.held));
  return {};
}

/// Where samples that were kept aside fail, they join the search: it is said, and what is left aside still tells.
Status Repair::search() {
  audit::RepairSearch search(*trials_, goal_, request_.budget);
  const auto part = static_cast<double>(parts_.searched.size()) / static_cast<double>(result_.samples);
  auto allowed = static_cast<uint64_t>(static_cast<double>(goal_.flips) * part);
  for (int i = 0; i < kRounds; ++i) {
    ASSAY_CHECK(round(search, allowed));
    audit::Standing all = result_.searched;
    all.add(result_.held);
    const bool met = goal_.met(all);
    if (!result_.found || met || i + 1 == kRounds) {
      result_.found = result_.found && met;
      break;
    }
    std::vector<size_t> left;
    for (const size_t s : parts_.held) {
      const size_t one[] = {s};
      ASSAY_TRY(const audit::Standing standing, search.standing(kept_, one));
      const bool bad = goal_.kind == Goal::Kind::error ? standing.error > goal_.error : standing.flips > 0;
      if (bad) result_.moved.push_back(result_.first_sample + static_cast<int64_t>(s));
      (bad ? parts_.searched : left).push_back(s);
    }
    std::ranges::sort(parts_.searched);
    parts_.held = std::move(left);
    allowed = goal_.flips;
  }
  std::ranges::sort(result_.moved);
  return fill(search);
}

Status Repair::fill(audit::RepairSearch& search) {
  for (size_t u = 0; u < kept_.size(); ++u)
    if (result_.found && kept_[u]) result_.kept.push_back(u);
  const Kept all(units_.size(), true);
  result_.all_cost = search.cost(all);
  if (result_.found) {
    const std::vector<bool> operations = units_.spread(kept_);
    for (size_t id = 0; id < operations.size(); ++id)
      if (operations[id] && units_.touches_floats(static_cast<ir::OpId>(id))) result_.kept_operations.push_back(id);
    result_.cost = search.cost(kept_);
    ASSAY_CHECK(trace_front(search));
  }
  result_.sets = search.sets();
  return save(trials_->verdicts(), true);
}

/// Of all sets from nothing to what was found, and float32 throughout: those that no other one beats in both.
Status Repair::trace_front(audit::RepairSearch& search) {
  ASSAY_TRY(std::vector<Kept> sets, search.thin_out(kept_));
  sets.push_back(kept_);
  sets.emplace_back(units_.size(), false);
  sets.emplace_back(units_.size(), true);
  std::vector<audit::FrontPoint> points;
  for (const Kept& kept : sets) {
    audit::FrontPoint point;
    for (size_t u = 0; u < kept.size(); ++u)
      if (kept[u]) point.kept.push_back(u);
    point.cost = search.cost(kept);
    ASSAY_TRY(point.searched, search.standing(kept, parts_.searched));
    points.push_back(std::move(point));
  }
  const auto harm = [this](const audit::FrontPoint& p) {
    return goal_.kind == Goal::Kind::error ? p.searched.error : static_cast<double>(p.searched.flips);
  };
  std::ranges::stable_sort(points, [&](const audit::FrontPoint& a, const audit::FrontPoint& b) {
    return a.cost.total() != b.cost.total() ? a.cost.total() < b.cost.total() : harm(a) < harm(b);
  });
  for (audit::FrontPoint& point : points) {
    if (!result_.front.empty() && !(harm(point) < harm(result_.front.back()))) continue;
    Kept kept(units_.size(), false);
    for (const size_t u : point.kept) kept[u] = true;
    ASSAY_TRY(point.held, search.standing(kept, parts_.held));
    result_.front.push_back(std::move(point));
  }
  return {};
}

/// Opened anew, from the file alone, and run over all samples.
Result<audit::WrittenFile> Repair::written(const std::string& file, const std::string& spec) {
  api::InputData input(request_.audit.data, request_.audit.arrays);
  backends::ProgramLoader loader(
      api::program_options(*job_->context, request_.audit.settings, input, request_.audit.primary_only));
  Warnings told;
  ASSAY_TRY(const auto program, loader.open(spec, file, told));
  ASSAY_TRY(const auto answers, audit::answers_of(*job_->reference, *program, job_->data, question_, trial_options()));
  std::vector<size_t> all = parts_.searched;
  all.insert(all.end(), parts_.held.begin(), parts_.held.end());
  audit::WrittenFile checked{.path = request_.output, .program = spec, .standing = api::standing_of(answers, all)};
  checked.meets = goal_.met(checked.standing);
  return checked;
}

Status Repair::write() {
  if (request_.output.empty()) return {};
  const api::Repaired repaired{
      .source = job_->request->model, .model = model_.get(), .kept = units_.spread(kept_), .low = program_->storage()};
  const std::string unit = program_->profile() == nullptr ? "" : api::core_ml_unit(program_->profile()->name);
  const std::string spec =
      is_package(request_.output) ? "coreml-mlprogram-f16-" + (unit.empty() ? "gpu" : unit) : "strict-f32";
  {
    ASSAY_TRY(const auto beside, api::Beside::create(request_.output));
    ASSAY_CHECK(api::write_repaired(repaired, beside.file(), warnings_));
    ASSAY_TRY(auto checked, written(beside.file(), spec));
    result_.files.push_back(std::move(checked));
  }
  if (!result_.files.back().meets) return {};
  Warnings told;  // before, of the same
  return api::write_repaired(repaired, request_.output, told);
}

Status Repair::write_configs() {
  if (request_.configs.empty()) return {};
  std::error_code failed;
  std::filesystem::create_directories(request_.configs, failed);
  if (failed) return Error{Code::write_failed, failed.message(), request_.configs, "name a folder that can be made"};
  for (const auto& [name, text] : audit::config_files(*model_, units_.spread(kept_)))
    ASSAY_CHECK(write_file(request_.configs + "/" + name, text));
  return {};
}

Result<Report> Repair::run() {
  ASSAY_CHECK(open());
  ASSAY_CHECK(look());
  ASSAY_CHECK(split());
  ASSAY_CHECK(find_units());
  ASSAY_CHECK(search());
  if (result_.found) ASSAY_CHECK(write());
  result_.reached = result_.found && std::ranges::all_of(result_.files, &audit::WrittenFile::meets);
  if (result_.reached) ASSAY_CHECK(write_configs());
  Report report;
  report.json = report::to_json(result_);
  report.text = report::to_text(result_);
  report.coloured = report::to_text(result_, true);
  report.passed = result_.reached;
  report.warnings = std::move(warnings_);
  return report;
}

}  // namespace

namespace {

/// The same on the model with its overflowing layers rescaled: a file of its own, beside the model that decides right.
Result<Report> repair_rescaled(const RepairRequest& request) {
  Warnings told;  // and told again by what follows
  ASSAY_TRY(const auto job, api::AuditJob::open(request.audit, told));
  ASSAY_TRY(const auto rescaled, api::rescaled_model(*job, *job->candidates.front(), {}));
  if (!rescaled)
    return Error{Code::usage, "no layer is beyond the range, or none that is can be rescaled", "--rescale",
                 "leave --rescale out"};
  RepairRequest inner = request;
  inner.rescale = false;
  inner.audit.model = rescaled->file();
  if (request.audit.reference.find('@') == std::string::npos)
    inner.audit.reference = request.audit.model + "@" + request.audit.reference;
  return Repair(inner, rescaled->layers).run();
}

}  // namespace

Result<Report> repair(const RepairRequest& request) {
  if (!request.rescale) return Repair(request, {}).run();
  ASSAY_CHECK(check_words(request));
  return repair_rescaled(request);
}

}  // namespace assay::commands
