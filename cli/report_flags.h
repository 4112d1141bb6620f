// The flags of commands whose result is also written to files.
#pragma once
#include "cli/command.h"

namespace assay::cli {

inline constexpr Flag kHtmlFlag = {"--html", "FILE", "write a page about the audit", Flag::Kind::text, true};
inline constexpr Flag kJunitFlag = {"--junit", "FILE", "write JUnit XML, for test reports", Flag::Kind::text, true};
inline constexpr Flag kSarifFlag = {"--sarif", "FILE", "write SARIF 2.1.0, for code scanning", Flag::Kind::text, true};
inline constexpr Flag kMarkdownFlag = {"--markdown", "FILE", "write Markdown, for a comment on a pull request",
                                       Flag::Kind::text, true};
inline constexpr Flag kCsvFlag = {"--csv", "DIR", "write tables as CSV files into this folder"};

inline commands::ReportFiles report_files(const Args& args) {
  return {.html = args.text("--html"),
          .junit = args.text("--junit"),
          .sarif = args.text("--sarif"),
          .markdown = args.text("--markdown"),
          .csv = args.text("--csv")};
}

}  // namespace assay::cli
