// Files that a result is also written to.
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "assay/commands.h"
#include "report/compare_report.h"
#include "report/section.h"

namespace assay::api {

/// The files and folders that are asked for.
std::vector<std::string> files_of(const commands::ReportFiles& files);
/// A file that is written, by the words that ask for it; empty: none is.
struct Output {
  std::string words, path;
};
/// Of two outputs in one file the first would be lost. Devices and pipes take several. Errors: usage.
Status check_distinct(const std::vector<Output>& outputs);
/// Before long work: the error that writing would end with; `others` is written beside the reports. Errors:
/// write_failed; usage as check_distinct.
Status check_reports(const commands::ReportFiles& files, std::vector<Output> others = {});
/// Errors: write_failed.
Status write_reports(const commands::ReportFiles& files, std::span<const report::Section> sections);
/// Of comparisons: Markdown and tables alone. Errors: write_failed.
Status write_comparisons(const commands::ReportFiles& files, const std::vector<report::Comparison>& comparisons);
/// For Report::meta: model, data, command line and what it names, which reports of a saved result show.
std::pair<std::string, std::string> asked(const commands::AuditRequest& request);
/// The command line that asks the same, for people to run again.
std::string command_of(const commands::AuditRequest& request);
/// What else a report needs to say how its programs are made again.
report::Again again_of(const audit::AuditResult& result, std::vector<std::string> profile_files,
                       std::vector<std::string> kept);

}  // namespace assay::api
