// `assay repair`: free fixes, the search, files that are run again.
#include "report/repair.h"

#include <algorithm>

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

/// What the candidate does on the model as it is.
Result<audit::Answers> answers_before(const api::AuditJob& job, Warnings& warnings) {
  ASSAY_TRY(const audit::AuditResult audit, api::run_audit(job, warnings));
  return audit::answers_of(*job.reference, *job.candidates.front(), job.data, audit::question_of(audit),
                           {.errors = true, .first_sample = audit.first_sample, .threads = job.context->threads});
}

/// The reference goes on running the model as it was, where it runs one.
std::string of_model(const std::string& reference, const std::string& model) {
  for (const std::string_view other : {"recorded:", "callable:"})
    if (reference.starts_with(other)) return reference;
  const bool names_file = !reference.starts_with("ort:") && reference.find('@') != std::string::npos;
  return names_file ? reference : std::string(model).append("@").append(reference);
}

/// The same on the model with its overflowing layers rescaled: a file of its own, beside the model that decides right.
/// What is kept aside is so from here on: the factors are chosen by the samples that are searched.
Result<Report> repair_rescaled(const RepairRequest& request) {
  Warnings told;  // and told again by what follows
  ASSAY_TRY(const audit::Goal goal, audit::parse_goal(request.goal));
  const AuditRequest asked = api::with_decision(request);
  ASSAY_TRY(const auto job, api::open_job(request, asked, told));
  ASSAY_TRY(const audit::Answers answers, answers_before(*job, told));
  api::Parts parts = api::part_samples(answers, goal, request.hold_out);
  const backends::Program& candidate = *job->candidates.front();
  ASSAY_TRY(const auto rescaled, api::rescaled_model(*job, candidate, parts.searched));
  if (!rescaled)
    return Error{Code::usage,
                 "on the samples that are searched no layer is beyond the range, or none that is can be rescaled",
                 "--rescale", "leave --rescale out, or give --hold-out 0 to search all samples"};
  RepairRequest inner = request;
  inner.rescale = false;
  inner.audit.model = rescaled->file();
  inner.audit.candidates = {candidate.text().substr(api::file_of(candidate.text()).size())};
  inner.audit.reference = of_model(request.audit.reference, request.audit.model);
  return api::RepairJob(inner, {.model = candidate.identity(),
                                .layers = rescaled->layers,
                                .standing = api::standing_of(answers),
                                .parts = std::move(parts)})
      .run();
}

}  // namespace

Result<Report> repair(const RepairRequest& request) {
  if (!request.rescale) return api::RepairJob(request).run();
  ASSAY_CHECK(api::check_words(request));
  return repair_rescaled(request);
}

}  // namespace assay::commands
