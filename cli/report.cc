#include <algorithm>

#include "cli/report_flags.h"

namespace assay::cli {
namespace {

constexpr Flag kFlags[] = {
    {"FILES", "FILE", "JSON that assay audit, merge, check, repair or compare printed with --json",
     Flag::Kind::positional_list},
    {"--output", "FILE", "the report to write, by its ending: .html, .xml (JUnit), .sarif, .md or .markdown",
     Flag::Kind::text, true, "-o"},
    kHtmlFlag,
    kJunitFlag,
    kSarifFlag,
    kMarkdownFlag,
    kCsvFlag,
    {"--fail-on", "flips|at-risk|none", "what fails in JUnit and SARIF (default flips)"},
};

constexpr std::string_view kExample =
    "  assay report a.json b.json -o report.html\n"
    "  assay report audit.json --junit audit.xml --markdown comment.md --csv tables/\n"
    "";

struct Ending {
  std::string_view ending;
  std::string commands::ReportFiles::*file;
};
constexpr Ending kEndings[] = {
    {".html", &commands::ReportFiles::html},   {".htm", &commands::ReportFiles::html},
    {".xml", &commands::ReportFiles::junit},   {".sarif", &commands::ReportFiles::sarif},
    {".md", &commands::ReportFiles::markdown}, {".markdown", &commands::ReportFiles::markdown},
};

Result<Report> run_command(const Args& args, const Settings& settings) {
  static_cast<void>(settings);
  commands::PageRequest request{.files = args.list("FILES"), .reports = report_files(args)};
  request.fail_on = args.text("--fail-on", "flips");
  if (const std::string output = args.text("--output"); !output.empty()) {
    const auto* found = std::ranges::find_if(kEndings, [&](const Ending& e) { return output.ends_with(e.ending); });
    if (found == std::end(kEndings))
      return Error{Code::usage, "the ending of " + output + " says no kind of report", "--output",
                   "end it in .html, .xml, .sarif or .md, or use --html, --junit, --sarif, --markdown or --csv"};
    std::string& named = request.reports.*found->file;
    if (!named.empty() && named != output)
      return Error{Code::usage, "two reports of one kind: " + named + " and " + output, "--output",
                   "leave one of them out"};
    named = output;
  }
  if (request.reports.html.empty() && request.reports.junit.empty() && request.reports.sarif.empty() &&
      request.reports.markdown.empty() && request.reports.csv.empty())
    return Error{Code::usage, "no report to write is named", "", "give the page to write: --html report.html"};
  return commands::page(request);
}

}  // namespace

extern const Command kReport = {
    .name = "report",
    .summary = "a self-contained page about audits, or JUnit, SARIF, Markdown and CSV",
    .example = kExample,
    .flags = kFlags,
    .computes = false,
    .run = run_command,
};

}  // namespace assay::cli
