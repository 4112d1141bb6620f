// One run of `assay repair`: what it opens, finds and writes.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/audit_job.h"
#include "api/repair/files.h"
#include "api/repair/fixes.h"
#include "api/verdicts_file.h"
#include "assay/commands.h"
#include "audit/repair/repair.h"
#include "audit/repair/search.h"
#include "audit/search/answers.h"

namespace assay::api {

using commands::RepairRequest;
using commands::Report;

/// Errors: usage for words that do not fit together; write_failed where the output cannot be written.
Status check_words(const RepairRequest& request);

/// Errors of outputs need no decision: then one goes by the first output's, which the goal does not ask about.
commands::AuditRequest with_decision(const RepairRequest& request);

/// Errors: as AuditJob::run, in the words of this command.
Result<audit::AuditResult> run_audit(const AuditJob& job, Warnings& warnings);

/// A file that was written beside its target, and run over all samples.
struct TriedFile {
  audit::Kept kept{};
  audit::WrittenFile file{};
  bool searched_meets = false;          ///< the goal, on the samples that are searched
  std::vector<bool> missed{};           ///< by sample: some variant decides otherwise, or is further off than the goal
  std::vector<std::string> variants{};  ///< those that do
  Warnings warnings{};                  ///< of writing it
};

/// Errors: as AuditJob::open; usage for a candidate that cannot be changed. `asked`: with_decision(request); outlives
/// it.
Result<std::unique_ptr<AuditJob>> open_job(const RepairRequest& request, const commands::AuditRequest& asked,
                                           Warnings& warnings);

/// Keeps samples aside by what a program does on them.
Parts part_samples(const audit::Answers& answers, const audit::Goal& goal, double hold_out);

/// A model whose layers were rescaled before it is repaired.
struct RescaledBefore {
  std::string model{};                ///< as it was, and as it is audited
  std::vector<std::string> layers{};  ///< in words
  audit::Standing standing{};         ///< of the candidate on the model as it was, all samples
  Parts parts{};                      ///< `searched`: what the factors were chosen by
};

class RepairJob {
 public:
  explicit RepairJob(const RepairRequest& request) : request_(request), asked_(with_decision(request)) {}
  RepairJob(const RepairRequest& request, RescaledBefore before) : RepairJob(request) {
    result_.model = std::move(before.model);
    result_.rescaled = std::move(before.layers);
    result_.unrescaled = before.standing;
    parts_ = std::move(before.parts);
  }
  Result<Report> run();

 private:
  Status open();
  std::string source() const;
  Status choose_program();
  Status choose_typed();
  Status look();
  Status split();
  std::optional<uint64_t> right(const std::vector<audit::Answer>& answers, bool of_reference) const;
  Status find_units();
  Status search();
  Result<bool> holds_as_it_is(audit::RepairSearch& search);
  Status round(audit::RepairSearch& search, uint64_t allowed);
  Status fill(audit::RepairSearch& search);
  void name_carried();
  Status trace_front(audit::RepairSearch& search);
  Status write();
  Repaired repaired(const audit::Kept& kept) const;
  Result<TriedFile> run_file(const std::string& file);
  Result<TriedFile> try_file(const audit::Kept& kept);
  void join_missed(const TriedFile& tried);
  Status lower_in_file(std::vector<size_t> units, const audit::Kept& missed, std::vector<TriedFile>& met,
                       size_t& tried);
  Result<TriedFile> widened(TriedFile first);
  Status take(audit::Kept kept);
  Status write_configs();
  Result<std::string> key() const;
  audit::TrialOptions trial_options();

  const RepairRequest& request_;
  const commands::AuditRequest asked_;  ///< as it is audited
  audit::Goal goal_;
  Warnings warnings_;
  std::unique_ptr<AuditJob> job_;
  std::optional<Beside> untyped_;             ///< the model without the types that its file declares
  std::unique_ptr<backends::Program> other_;  ///< what is searched where it is not the candidate
  std::unique_ptr<backends::Program> typed_;  ///< what the written file says; null: no more than what is searched does
  backends::Program* program_ = nullptr;      ///< what is searched
  audit::Question question_;
  audit::Answers answers_;  ///< of it, as it is
  Parts parts_;
  std::shared_ptr<const ir::Graph> model_;
  audit::Units units_;
  std::unique_ptr<audit::Trials> trials_;
  audit::Kept kept_;
  audit::RepairResult result_;
  std::optional<VerdictsFile> file_;
};

audit::BlamedOp described(const ir::Graph& graph, ir::OpId id);
inline bool is_package(const std::string& path) { return path.ends_with(".mlpackage"); }

}  // namespace assay::api
