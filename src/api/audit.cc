#include "audit/audit.h"

#include "api/audit_job.h"
#include "api/lock_files.h"
#include "api/reports.h"
#include "assay/commands.h"
#include "base/mapped_file.h"
#include "base/output_file.h"
#include "report/image.h"
#include "report/json.h"
#include "report/text.h"

namespace assay::commands {
namespace {

Report report_of(const audit::AuditResult& result, audit::FailOn fail_on) {
  Report report;
  report.json = report::to_json(result);
  report.text = report::to_text(result);
  report.coloured = report::to_text(result, {.colour = true});
  report.passed = !audit::fails(result, fail_on);
  return report;
}

/// Contracts are about a whole data set: what one says of a part cannot be added up.
Result<audit::AuditResult> part_of(std::string_view json, const std::string& name) {
  if (report::is_check(json))
    return Error{Code::merge_mismatch, "this is the result of a check: a contract's findings do not merge", name,
                 "give the JSON that `assay audit --json` printed"};
  return report::parse_audit(json, name);
}

/// By the names that messages give them: files, then texts.
Result<std::vector<audit::AuditResult>> parts_of(const std::vector<std::string>& files,
                                                 const std::vector<std::string>& texts) {
  std::vector<audit::AuditResult> parts;
  for (const std::string& path : files) {
    ASSAY_TRY(const MappedFile file, MappedFile::open(path));
    const std::string_view json(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    ASSAY_TRY(auto part, part_of(json, path));
    parts.push_back(std::move(part));
  }
  for (const std::string& text : texts) {
    ASSAY_TRY(auto part, part_of(text, "audit " + std::to_string(parts.size() + 1)));
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

Result<Report> audit(const AuditRequest& request) {
  ASSAY_TRY(const audit::FailOn fail_on, api::parse_fail_on(request.fail_on));
  ASSAY_CHECK(api::check_reports(request.reports, {{"--checkpoint", request.checkpoint}, {"--lock", request.lock}}));
  std::optional<audit::Lock> lock;
  if (!request.lock.empty()) {
    ASSAY_CHECK(OutputFile::check(request.lock));
    ASSAY_TRY(lock, api::lock_of(request, request.lock));
  }
  Warnings warnings;
  ASSAY_TRY(const auto job, api::AuditJob::open(request, warnings));
  ASSAY_TRY(const audit::AuditResult result, job->run(warnings));
  Report report = report_of(result, fail_on);
  report.warnings = std::move(warnings);
  report.meta.push_back(api::asked(request));
  const report::Section section{
      .title = request.model,
      .subtitle = job->input.where(),
      .audit = &result,
      .fail_on = fail_on,
      .model = request.model,
      .command = api::command_of(request),
      .again = api::again_of(result, request.settings.profile_files, request.keep),
      .pictures = request.reports.html.empty() ? report::Thumbnails() : report::thumbnails(result, job->data)};
  ASSAY_CHECK(api::write_reports(request.reports, {&section, 1}));
  if (lock) {
    audit::fill(*lock, result);
    ASSAY_CHECK(write_file(request.lock, audit::to_toml(*lock)));
  }
  return report;
}

Result<Report> merge(const MergeRequest& request) {
  ASSAY_TRY(const audit::FailOn fail_on, api::parse_fail_on(request.fail_on));
  ASSAY_TRY(auto parts, parts_of(request.files, request.texts));
  ASSAY_TRY(const audit::AuditResult result, audit::merge(std::move(parts)));
  return report_of(result, fail_on);
}

}  // namespace assay::commands
