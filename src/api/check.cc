// Whether a contract still holds.
#include "report/check.h"

#include <algorithm>

#include "api/audit_job.h"
#include "api/lock_files.h"
#include "api/reports.h"
#include "assay/commands.h"
#include "base/output_file.h"
#include "report/image.h"
#include "report/json.h"

namespace assay::commands {
namespace {

/// `now` knows the profile files that the check adds.
AuditRequest question(const audit::Lock& now, const CheckRequest& request) {
  AuditRequest asked = api::request_of(now, request.lock);
  std::vector<std::string> files = std::move(asked.settings.profile_files);
  asked.settings = request.settings;
  asked.settings.profile_files = std::move(files);
  return asked;
}

std::vector<std::vector<int64_t>> allowed(const audit::Lock& lock) {
  std::vector<std::vector<int64_t>> out;
  for (const audit::LockedCandidate& c : lock.candidates) {
    out.push_back(c.flips);
    out.back().insert(out.back().end(), c.at_risk.begin(), c.at_risk.end());
    std::ranges::sort(out.back());
  }
  return out;
}

// Words of the contract that are wrong are a bad file, not wrong words of the command.
Error of_contract(Error error, const std::string& path) {
  const bool words = error.code == Code::bad_decision || error.code == Code::unknown_profile ||
                     error.code == Code::unknown_provider || error.where == "--keep";
  if (!words) return error;
  error.code = Code::file_malformed;
  if (error.where == "--keep") error.where = "float32";  // the contract's word for it
  error.where = path + (error.where.empty() ? "" : ": " + error.where);
  return error;
}

/// Labels stand in the contract, and that data or labels are others comes before how many there are.
Error of_labels(Error error, const audit::Lock& lock, const audit::Lock& files, const std::string& path) {
  if (error.where != "--labels") return error;
  error.where = path + ": labels";
  const char* const changed = lock.data.sha256 != files.data.sha256       ? "the data"
                              : lock.labels.sha256 != files.labels.sha256 ? "the labels"
                                                                          : nullptr;
  if (changed == nullptr) return error;
  error.message += "; " + std::string(changed) + " changed since the contract was written";
  error.fix = "restore the file, or write a new contract with `assay audit ... --lock " + path + "`";
  return error;
}

}  // namespace

Result<Report> check(const CheckRequest& request) {
  ASSAY_CHECK(api::check_reports(request.reports, {{"the contract", request.lock}}));
  if (request.update) ASSAY_CHECK(OutputFile::check(request.lock));
  ASSAY_TRY(const audit::Lock lock, api::read_lock(request.lock));
  auto fail_on = api::parse_fail_on(lock.fail_on);
  if (!fail_on.ok())
    return Error{Code::file_malformed, "fail_on is flips, at-risk or none, not '" + lock.fail_on + "'", request.lock,
                 "docs/check.md describes every key"};
  Warnings warnings;
  ASSAY_TRY(audit::Lock files, api::as_now(lock, request.settings.profile_files, request.lock));
  const AuditRequest asked = question(files, request);
  auto job = api::AuditJob::open(asked, warnings);
  if (!job.ok()) return of_contract(std::move(job).error(), request.lock);
  auto audited = (*job)->run(warnings);
  if (!audited.ok()) return of_contract(of_labels(std::move(audited).error(), lock, files, request.lock), request.lock);
  const audit::AuditResult result = std::move(*audited);
  report::CheckResult found{.lock = request.lock, .audit = &result, .fail_on = lock.fail_on};
  found.findings = audit::broken(lock, files, result, found.notes);
  if (request.update) {
    audit::fill(files, result);
    ASSAY_CHECK(write_file(request.lock, audit::to_toml(files)));
    found.updated = true;
  }
  found.allowed = allowed(request.update ? files : lock);
  Report report;
  report.json = report::to_json(found);
  report.text = report::to_text(found);
  report.passed = request.update || found.findings.empty();
  report.warnings = std::move(warnings);
  report.meta.push_back(api::asked(asked));
  const report::Section section{
      .title = request.lock,
      .subtitle = asked.data,
      .audit = &result,
      .fail_on = request.update ? audit::FailOn::none : *fail_on,
      .model = asked.model,
      .command = api::command_of(asked),
      .again = api::again_of(result, asked.settings.profile_files, asked.keep),
      .findings = request.update ? std::vector<audit::Finding>() : found.findings,
      .pictures = request.reports.html.empty() ? report::Thumbnails() : report::thumbnails(result, (*job)->data),
      .allowed = found.allowed};
  ASSAY_CHECK(api::write_reports(request.reports, {&section, 1}));
  return report;
}

}  // namespace assay::commands
