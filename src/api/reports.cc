#include "api/reports.h"

#include <filesystem>
#include <functional>

#include "base/output_file.h"
#include "profiles/profile.h"
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
  const char* flag;
  std::string ReportFiles::*path;
  std::string (*make)(Sections sections, const std::string& version);
};
constexpr Kind kKinds[] = {
    {"--html", &ReportFiles::html, report::to_html},
    {"--junit", &ReportFiles::junit, report::to_junit},
    {"--sarif", &ReportFiles::sarif, report::to_sarif},
    {"--markdown", &ReportFiles::markdown, report::to_markdown},
};

/// Whether two names are of one file, there or not yet. A device is none: it keeps nothing.
bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  std::error_code error;  // of a name that leads nowhere: writing says so
  if (a.empty() || b.empty()) return false;
  if (fs::is_other(a, error)) return false;
  if (fs::equivalent(a, b, error)) return true;
  return fs::weakly_canonical(fs::absolute(a, error), error) == fs::weakly_canonical(fs::absolute(b, error), error);
}

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

Status check_distinct(const std::vector<Output>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i)
    for (size_t k = 0; k < i; ++k)
      if (!outputs[i].path.empty() && same_file(outputs[k].path, outputs[i].path))
        return Error{Code::usage, outputs[k].words + " and " + outputs[i].words + " would write the same file",
                     outputs[i].path, "name two files"};
  return {};
}

Status check_reports(const ReportFiles& files, std::vector<Output> others) {
  for (const Kind& kind : kKinds) others.push_back({kind.flag, files.*kind.path});
  others.push_back({"--csv", files.csv});
  ASSAY_CHECK(check_distinct(others));
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
  std::string out = "{\"model\":" + report::quote(request.model) + ",\"data\":" + report::quote(request.data) +
                    ",\"command\":" + report::quote(command_of(request));
  const auto list = [&](const char* name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    out += ",\"" + std::string(name) + "\":[";
    for (size_t i = 0; i < values.size(); ++i) out += (i > 0 ? "," : "") + report::quote(values[i]);
    out += "]";
  };
  list("profile_files", request.settings.profile_files);
  list("keep", request.keep);
  return {"asked", out + "}"};
}

report::Again again_of(const audit::AuditResult& result, std::vector<std::string> profile_files,
                       std::vector<std::string> kept) {
  report::Again out{.profile_files = std::move(profile_files), .kept = std::move(kept)};
  for (const audit::CandidateResult& c : result.candidates) {
    const profiles::Profile* profile = profiles::built_in_profile(c.info.profile);
    if (profile == nullptr) continue;
    out.built_in.push_back(profile->name);
    if (profiles::storage_only(*profile, 0)) out.as_onnx.push_back(profile->name);
  }
  return out;
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
