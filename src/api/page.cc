// Reports about saved results: audits, checks and repairs together, or comparisons.
#include <algorithm>
#include <map>
#include <optional>

#include "api/audit_job.h"
#include "api/reports.h"
#include "assay/commands.h"
#include "base/mapped_file.h"
#include "report/compare_report.h"
#include "report/html.h"
#include "report/json.h"

namespace assay::commands {
namespace {

/// A result with the name that messages and headings give it.
struct Source {
  std::string name, title, text;
  bool file = false;
  report::Asked asked{};
};

std::string title_of(const std::string& file) {
  std::string title = file.substr(file.rfind('/') + 1);
  if (title.ends_with(".json")) title.resize(title.size() - 5);
  return title;
}

std::string heading_of(const Source& source) {
  return source.asked.contract.empty() ? source.asked.model : source.asked.contract;
}

/// Audits and checks head their reports by model and contract: so does a report of what they saved, where that tells
/// the results apart.
void name_as_asked(std::vector<Source>& sources) {
  std::map<std::string, size_t> headings;
  for (Source& source : sources) {
    source.asked = report::asked_in(source.text);
    ++headings[heading_of(source)];
  }
  for (Source& source : sources)
    if (const std::string heading = heading_of(source); !heading.empty() && headings[heading] == 1)
      source.title = heading;
}

Result<std::vector<Source>> read_sources(const PageRequest& request) {
  std::vector<Source> out;
  for (const std::string& path : request.files) {
    ASSAY_TRY(const MappedFile file, MappedFile::open(path));
    out.push_back({path, title_of(path),
                   std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()), true});
  }
  for (const std::string& text : request.texts) {
    const std::string name = "audit " + std::to_string(out.size() + 1);
    out.push_back({name, name, text, false});
  }
  name_as_asked(out);
  for (size_t i = 0; i < out.size() && i < request.titles.size(); ++i)
    if (!request.titles[i].empty()) out[i].title = request.titles[i];
  return out;
}

// Audits, and the repairs that belong to them.
struct Audits {
  std::vector<audit::AuditResult> results;
  std::vector<report::Section> sections;  // of `results`, in that order
};

/// Whether an audit is of the model that was repaired, as far as both say. ONNX Runtime's programs tell files apart,
/// not models.
bool of_model(const audit::AuditResult& result, const std::string& model) {
  std::vector<std::string> models;
  const auto add = [&](const audit::ProgramInfo& info) {
    if (!info.identity.empty() && !info.program.starts_with("ort:")) models.push_back(info.identity);
  };
  add(result.reference);
  for (const audit::CandidateResult& c : result.candidates) add(c.info);
  return model.empty() || models.empty() || std::ranges::find(models, model) != models.end();
}

/// The audit that a repair is of: the first of its model and candidate, else the last of its model; none: there is
/// none.
std::optional<size_t> place_of(const std::vector<audit::AuditResult>& results, const report::RepairView& repair) {
  std::optional<size_t> last;
  for (size_t i = 0; i < results.size(); ++i) {
    if (!of_model(results[i], repair.model)) continue;
    last = i;
    if (std::ranges::any_of(results[i].candidates,
                            [&](const audit::CandidateResult& c) { return c.info.program == repair.candidate; }))
      break;
  }
  return last;
}

Result<Audits> read_audits(const std::vector<Source>& sources, audit::FailOn fail_on) {
  Audits out;
  std::vector<std::pair<std::string, report::RepairView>> repairs;  // by the names of their sources
  for (const Source& source : sources) {
    if (report::is_repair(source.text)) {
      ASSAY_TRY(auto repair, report::parse_repair(source.text, source.name));
      repairs.emplace_back(source.name, std::move(repair));
      continue;
    }
    const report::Asked& asked = source.asked;
    report::Section section{.title = source.title,
                            .subtitle = asked.data,
                            .fail_on = fail_on,
                            .model = asked.model.empty() && source.file ? source.name : asked.model,
                            .command = asked.command};
    report::Gate gate;  // a contract says itself what fails
    ASSAY_TRY(auto result, report::parse_audit(source.text, source.name, &gate));
    section.fail_on = gate.fail_on.value_or(fail_on);
    section.findings = std::move(gate.findings);
    section.allowed = std::move(gate.allowed);
    section.again = api::again_of(result, asked.profile_files, asked.kept);
    out.results.push_back(std::move(result));
    out.sections.push_back(std::move(section));
  }
  if (out.results.empty())
    return Error{Code::usage, "a repair is shown beside an audit, and there is none", "",
                 "give the JSON of the audit too"};
  for (size_t i = 0; i < out.results.size(); ++i) out.sections[i].audit = &out.results[i];
  for (auto& [name, repair] : repairs) {
    const auto place = place_of(out.results, repair);
    if (!place)
      return Error{Code::merge_mismatch, "this repair is of another model than the audits are", name,
                   "give the audit of the model that was repaired"};
    out.sections[*place].repairs.push_back(std::move(repair));
  }
  return out;
}

Report written_report(const ReportFiles& files) {
  Report report;
  const std::vector<std::string> written = api::files_of(files);
  std::string names;
  for (const std::string& file : written) {
    report.text += "wrote " + file + "\n";
    names += (names.empty() ? "" : ",") + report::quote(file);
  }
  report.json = "{\"written\":" + (written.size() == 1 ? names : "[" + names + "]") + "}";
  return report;
}

Result<Report> report_comparisons(const PageRequest& request, const std::vector<Source>& sources) {
  const ReportFiles& files = request.reports;
  if (!files.html.empty() || !files.junit.empty() || !files.sarif.empty() ||
      (files.markdown.empty() && files.csv.empty()))
    return Error{Code::usage, "a comparison has no decisions to make this report of", "", "give --markdown or --csv"};
  std::vector<report::Comparison> comparisons;
  for (const Source& source : sources) {
    ASSAY_TRY(auto one, report::parse_comparison(source.text, source.name));
    one.title = source.title;
    comparisons.push_back(std::move(one));
  }
  ASSAY_CHECK(api::write_comparisons(files, comparisons));
  return written_report(files);
}

}  // namespace

Result<Report> page(const PageRequest& request) {
  ASSAY_TRY(const audit::FailOn fail_on, api::parse_fail_on(request.fail_on));
  ASSAY_CHECK(api::check_reports(request.reports));
  ASSAY_TRY(const std::vector<Source> sources, read_sources(request));
  const auto compares = [](const Source& source) { return report::is_comparison(source.text); };
  if (!sources.empty() && std::ranges::all_of(sources, compares)) return report_comparisons(request, sources);
  ASSAY_TRY(const Audits audits, read_audits(sources, fail_on));
  if (!api::files_of(request.reports).empty()) {
    ASSAY_CHECK(api::write_reports(request.reports, audits.sections));
    return written_report(request.reports);
  }
  Report report;
  report.text = report::to_html(audits.sections, std::string(version()));
  report.json = "{\"written\":null}";
  return report;
}

}  // namespace assay::commands
