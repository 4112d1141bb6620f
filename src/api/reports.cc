#include "api/reports.h"

#include <filesystem>
#include <functional>

#include "base/output_file.h"
#include "report/csv.h"
#include "report/html.h"
#include "report/json.h"
#include "report/junit.h"
#include "report/markdown.h"
#include "report/sarif.h"
#include "report/words.h"

namespace assay::api {
namespace {
using commands::ReportFiles;
using Sections = std::span<const report::Section>;

struct Kind {
  std::string ReportFiles::*path;
  std::string (*make)(Sections sections, const std::string& version);
};
constexpr Kind kKinds[] = {
    {&ReportFiles::html, report::to_html},
    {&ReportFiles::junit, report::to_junit},
    {&ReportFiles::sarif, report::to_sarif},
    {&ReportFiles::markdown, report::to_markdown},
};

Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path, error))
    return Error{Code::write_failed, "cannot make the folder: " + (error ? error.message() : "a file is in its place"),
                 path, "name a folder that may be made"};
  return {};
}

Status write_tables(const std::string& folder, const std::vector<std::pair<std::string, std::string>>& tables) {
  ASSAY_CHECK(make_folder(folder));
  for (const auto& [name, text] : tables)
    ASSAY_CHECK(write_file((std::filesystem::path(folder) / name).string(), text));
  return {};
}
}  // namespace

std::vector<std::string> files_of(const ReportFiles& files) {
  std::vector<std::string> out;
  for (const Kind& kind : kKinds)
    if (!(files.*kind.path).empty()) out.push_back(files.*kind.path);
  if (!files.csv.empty()) out.push_back(files.csv);
  return out;
}

Status check_reports(const ReportFiles& files) {
  for (const Kind& kind : kKinds)
    if (!(files.*kind.path).empty()) ASSAY_CHECK(OutputFile::check(files.*kind.path));
  return files.csv.empty() ? Status() : make_folder(files.csv);
}

Status write_reports(const ReportFiles& files, Sections sections) {
  const std::string version(commands::version());
  for (const Kind& kind : kKinds)
    if (!(files.*kind.path).empty()) ASSAY_CHECK(write_file(files.*kind.path, kind.make(sections, version)));
  return files.csv.empty() ? Status() : write_tables(files.csv, report::to_csv(sections));
}

Status write_comparisons(const ReportFiles& files, const std::vector<report::Comparison>& comparisons) {
  if (!files.markdown.empty())
    ASSAY_CHECK(write_file(files.markdown, report::to_markdown(comparisons, std::string(commands::version()))));
  return files.csv.empty() ? Status() : write_tables(files.csv, report::to_csv(comparisons));
}

std::pair<std::string, std::string> asked(const commands::AuditRequest& request) {
  return {"asked", "{\"model\":" + report::quote(request.model) + ",\"data\":" + report::quote(request.data) +
                       ",\"command\":" + report::quote(command_of(request)) + "}"};
}

std::string command_of(const commands::AuditRequest& request) {
  if (request.data.empty()) return "";  // arrays of the caller's
  std::string out = "assay audit";
  if (!request.model.empty()) out += " " + report::shell_word(request.model);
  const auto flag = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += " " + std::string(name) + " " + report::shell_word(value);
  };
  flag("--data", request.data);
  flag("--labels", request.labels);
  flag("--decision", request.decision);
  flag("--score", request.score);
  flag("--output", request.output);
  if (request.reference != "strict-f32") flag("--reference", request.reference);
  for (const std::string& candidate : request.candidates) flag("--candidate", candidate);
  for (const std::string& file : request.settings.profile_files) flag("--profile-file", file);
  if (request.primary_only) flag("--variants", "primary");
  if (request.first_sample > 0) flag("--first-sample", std::to_string(request.first_sample));
  for (const std::string& name : request.keep) flag("--keep", name);
  if (request.expect > 0) flag("--expect", std::to_string(request.expect));
  if (request.proof) out += " --proof";
  if (request.trace.wanted) {
    const std::string exact = std::to_string(request.trace.exact);
    out += " --trace";
    if (request.trace.exact != commands::TraceWords().exact) flag("--trace-exact", exact);
    if (!request.trace.introduced) out += " --trace-accumulated";
  }
  if (request.blame) {
    out += " --blame";
    const commands::AuditRequest otherwise;
    if (request.blame_runs != otherwise.blame_runs) flag("--blame-runs", std::to_string(request.blame_runs));
    if (request.blame_samples != otherwise.blame_samples)
      flag("--blame-samples", std::to_string(request.blame_samples));
  }
  if (request.fail_on != "flips") flag("--fail-on", request.fail_on);
  return out;
}

}  // namespace assay::api
