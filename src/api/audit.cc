#include "audit/audit.h"

#include "api/audit_job.h"
#include "api/lock_files.h"
#include "api/reports.h"
#include "assay/commands.h"
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

/// Audits by the name that messages give them, with their text where they are in memory.
std::vector<std::pair<std::string, const std::string*>> sources_of(const std::vector<std::string>& files,
                                                                   const std::vector<std::string>& texts) {
  std::vector<std::pair<std::string, const std::string*>> sources;
  sources.reserve(files.size());
  for (const std::string& file : files) sources.emplace_back(file, nullptr);
  for (const std::string& text : texts) sources.emplace_back("audit " + std::to_string(sources.size() + 1), &text);
  return sources;
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
  std::vector<audit::AuditResult> parts;
  for (const auto& [name, text] : sources_of(request.files, request.texts)) {
    ASSAY_TRY(auto part, text == nullptr ? report::read_audit(name) : report::parse_audit(*text, name));
    parts.push_back(std::move(part));
  }
  ASSAY_TRY(const audit::AuditResult result, audit::merge(std::move(parts)));
  return report_of(result, fail_on);
}

}  // namespace assay::commands
