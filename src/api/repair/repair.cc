// `assay repair`: free fixes, the search, files that are run again.
#include "report/repair.h"

#include <algorithm>
#include <numeric>

#include "api/repair/job.h"
#include "api/repair/rescaled.h"
#include "audit/blame/find.h"

namespace assay::api {

Result<Report> RepairJob::run() {
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

}  // namespace assay::api

namespace assay::commands {
namespace {

Result<audit::Standing> before_rescaling(const api::AuditJob& job, Warnings& warnings) {
  ASSAY_TRY(const audit::AuditResult audit, api::run_audit(job, warnings));
  ASSAY_TRY(const auto answers,
            audit::answers_of(*job.reference, *job.candidates.front(), job.data, audit::question_of(audit),
                              {.errors = true, .first_sample = audit.first_sample, .threads = job.context->threads}));
  std::vector<size_t> all(audit.samples);
  std::iota(all.begin(), all.end(), size_t{0});
  return api::standing_of(answers, all);
}

/// The same on the model with its overflowing layers rescaled: a file of its own, beside the model that decides right.
Result<Report> repair_rescaled(const RepairRequest& request) {
  Warnings told;  // and told again by what follows
  const AuditRequest asked = api::with_decision(request);
  ASSAY_TRY(const auto job, api::AuditJob::open(asked, told));
  ASSAY_TRY(const auto rescaled, api::rescaled_model(*job, *job->candidates.front(), {}));
  if (!rescaled)
    return Error{Code::usage, "no layer is beyond the range, or none that is can be rescaled", "--rescale",
                 "leave --rescale out"};
  ASSAY_TRY(const audit::Standing before, before_rescaling(*job, told));
  RepairRequest inner = request;
  inner.rescale = false;
  inner.audit.model = rescaled->file();
  if (request.audit.reference.find('@') == std::string::npos)
    inner.audit.reference = request.audit.model + "@" + request.audit.reference;
  api::RepairJob rest(inner, rescaled->layers);
  rest.set_unrescaled(before);
  return rest.run();
}

}  // namespace

Result<Report> repair(const RepairRequest& request) {
  if (!request.rescale) return api::RepairJob(request, {}).run();
  ASSAY_CHECK(api::check_words(request));
  return repair_rescaled(request);
}

}  // namespace assay::commands
