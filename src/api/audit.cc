#include "audit/audit.h"

#include "api/audit_job.h"
#include "api/lock_files.h"
#include "api/reports.h"
#include "assay/commands.h"
#include "base/output_file.h"
#include "report/html.h"
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
  for (const std::string& file : files) sources.emplace_back(file, nullptr);
  for (const std::string& text : texts) sources.emplace_back("audit " + std::to_string(sources.size() + 1), &text);
  return sources;
}

std::string title_of(const std::string& file) {
  std::string title = file.substr(file.rfind('/') + 1);
  if (title.ends_with(".json")) title.resize(title.size() - 5);
  return title;
}

}  // namespace

Result<Report> audit(const AuditRequest& request) {
  ASSAY_TRY(const audit::FailOn fail_on, api::parse_fail_on(request.fail_on));
  ASSAY_CHECK(api::check_reports(request.reports));
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
  const report::Section section{
      .title = request.model,
      .subtitle = job->input.where(),
      .audit = &result,
      .fail_on = fail_on,
      .model = request.model,
      .command = api::command_of(request),
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

Result<Report> page(const PageRequest& request) {
  ASSAY_TRY(const audit::FailOn fail_on, api::parse_fail_on(request.fail_on));
  ASSAY_CHECK(api::check_reports(request.reports));
  std::vector<audit::AuditResult> results;
  std::vector<std::string> titles;
  std::vector<std::vector<audit::Finding>> findings;
  for (const auto& [name, text] : sources_of(request.files, request.texts)) {
    std::vector<audit::Finding>& broken = findings.emplace_back();
    ASSAY_TRY(auto result,
              text == nullptr ? report::read_audit(name, &broken) : report::parse_audit(*text, name, &broken));
    const bool titled = titles.size() < request.titles.size() && !request.titles[titles.size()].empty();
    titles.push_back(titled ? request.titles[titles.size()] : title_of(name));
    results.push_back(std::move(result));
  }
  std::vector<report::Section> sections;
  for (size_t i = 0; i < results.size(); ++i)
    sections.push_back({.title = titles[i],
                        .subtitle = {},
                        .audit = &results[i],
                        .fail_on = fail_on,
                        .model = i < request.files.size() ? request.files[i] : "",
                        .command = {},
                        .findings = findings[i]});
  Report report;
  const std::vector<std::string> written = api::files_of(request.reports);
  if (written.empty()) {
    report.text = report::to_html(sections, std::string(version()));
    report.json = "{\"written\":null}";
    return report;
  }
  ASSAY_CHECK(api::write_reports(request.reports, sections));
  std::string names;
  for (const std::string& file : written) {
    report.text += "wrote " + file + "\n";
    names += (names.empty() ? "" : ",") + report::quote(file);
  }
  report.json = "{\"written\":" + (written.size() == 1 ? names : "[" + names + "]") + "}";
  return report;
}

}  // namespace assay::commands
