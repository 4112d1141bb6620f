#include "audit/audit.h"

#include "api/context.h"
#include "api/inputs.h"
#include "assay/commands.h"
#include "audit/data.h"
#include "audit/decision/rule.h"
#include "audit/recordings.h"
#include "backends/program.h"
#include "base/output_file.h"
#include "report/html.h"
#include "report/json.h"
#include "report/text.h"

namespace assay::commands {
namespace {

Result<audit::FailOn> parse_fail_on(const std::string& text) {
  if (text == "flips") return audit::FailOn::flips;
  if (text == "at-risk") return audit::FailOn::at_risk;
  if (text == "none") return audit::FailOn::none;
  return Error{Code::usage, "--fail-on takes flips, at-risk or none, not '" + text + "'", "", "see --help"};
}

Report report_of(const audit::AuditResult& result, audit::FailOn fail_on) {
  Report report;
  report.json = report::to_json(result);
  report.text = report::to_text(result);
  report.coloured = report::to_text(result, {.colour = true});
  report.passed = !audit::fails(result, fail_on);
  return report;
}

Status write_page(const std::string& path, std::span<const report::HtmlSection> sections) {
  return write_file(path, report::to_html(sections, std::string(version())));
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
  if (request.candidates.empty())
    return Error{Code::usage, "audit needs a candidate", "", "give --candidate PROFILE; `assay profiles` lists them"};
  if (request.data.empty() && request.arrays.empty())
    return Error{Code::usage, "--data is missing", "", "give --data FILE.npz"};
  if (request.decision.empty())
    return Error{Code::usage, "--decision is missing", "", "give for example --decision threshold:0.5 or argmax"};
  ASSAY_TRY(const audit::FailOn fail_on, parse_fail_on(request.fail_on));
  if (!request.score.empty() && !request.output.empty())
    return Error{Code::usage, "--score and --output exclude each other", "", "name the output inside the expression"};
  if (!request.html.empty()) ASSAY_CHECK(OutputFile::check(request.html));
  audit::AuditOptions options;
  ASSAY_TRY(options.rule, audit::parse_rule(request.decision));
  ASSAY_TRY(const auto context, api::Context::make(request.settings));
  Warnings warnings;
  api::InputData input(request.data, request.arrays);
  backends::ProgramLoader loader(api::program_options(*context, request.settings, input, request.primary_only));
  ASSAY_TRY(const auto reference, loader.open(request.reference, request.model, warnings));
  std::vector<std::unique_ptr<backends::Program>> owned;
  std::vector<backends::Program*> candidates;
  for (const std::string& spec : request.candidates) {
    ASSAY_TRY(auto program, loader.open(spec, request.model, warnings));
    candidates.push_back(program.get());
    owned.push_back(std::move(program));
  }
  ASSAY_TRY(const auto ports, loader.ports(request.model, warnings));
  ASSAY_TRY(const audit::Arrays data, input.arrays(ports));
  std::vector<backends::Program*> programs = candidates;
  programs.insert(programs.begin(), reference.get());
  const auto files = loader.files();
  const audit::AtHand at_hand{.files = files, .data = &data, .first_sample = static_cast<size_t>(request.first_sample)};
  ASSAY_CHECK(audit::check_recordings(programs, at_hand, context->threads.get(), warnings));
  std::vector<int64_t> labels = request.label_values;
  if (!request.labels.empty()) {
    if (!labels.empty())
      return Error{Code::usage, "labels in memory and the file " + request.labels + " exclude each other", "",
                   "give one of them"};
    ASSAY_TRY(labels, audit::read_labels(request.labels));
    if (labels.empty())
      return Error{Code::labels_length, "there are no labels", request.labels, "give one label per sample"};
  }
  options.score = request.score;
  options.output = request.output;
  options.first_sample = static_cast<int64_t>(request.first_sample);
  options.threads = context->threads;
  if (request.settings.progress)
    options.progress = [&](size_t done, size_t total) { request.settings.progress("samples", done, total); };
  ASSAY_TRY(const audit::AuditResult result, audit::run_audit(*reference, candidates, data, labels, options, warnings));
  Report report = report_of(result, fail_on);
  report.warnings = std::move(warnings);
  if (!request.html.empty()) {
    const report::HtmlSection section{.title = request.model, .subtitle = input.where(), .audit = &result};
    ASSAY_CHECK(write_page(request.html, {&section, 1}));
  }
  return report;
}

Result<Report> merge(const MergeRequest& request) {
  ASSAY_TRY(const audit::FailOn fail_on, parse_fail_on(request.fail_on));
  std::vector<audit::AuditResult> parts;
  for (const auto& [name, text] : sources_of(request.files, request.texts)) {
    ASSAY_TRY(auto part, text == nullptr ? report::read_audit(name) : report::parse_audit(*text, name));
    parts.push_back(std::move(part));
  }
  ASSAY_TRY(const audit::AuditResult result, audit::merge(std::move(parts)));
  return report_of(result, fail_on);
}

Result<Report> page(const PageRequest& request) {
  std::vector<audit::AuditResult> results;
  std::vector<std::string> titles;
  for (const auto& [name, text] : sources_of(request.files, request.texts)) {
    ASSAY_TRY(auto result, text == nullptr ? report::read_audit(name) : report::parse_audit(*text, name));
    const bool titled = titles.size() < request.titles.size() && !request.titles[titles.size()].empty();
    titles.push_back(titled ? request.titles[titles.size()] : title_of(name));
    results.push_back(std::move(result));
  }
  std::vector<report::HtmlSection> sections;
  for (size_t i = 0; i < results.size(); ++i)
    sections.push_back({.title = titles[i], .subtitle = {}, .audit = &results[i]});
  Report report;
  if (request.html.empty()) {
    report.text = report::to_html(sections, std::string(version()));
    report.json = "{\"written\":null}";
    return report;
  }
  ASSAY_CHECK(write_page(request.html, sections));
  report.text = "wrote " + request.html + "\n";
  report.json = "{\"written\":" + report::quote(request.html) + "}";
  return report;
}

}  // namespace assay::commands
