#include <nlohmann/json.hpp>

#include "assay/commands.h"
#include "base/result.h"

namespace assay::commands {
namespace {

std::string text_of(const CodeRow& row) {
  return code_name(row.code) + "  " + std::string(row.sentence) + "\n\n" + std::string(row.text) + "\n";
}

nlohmann::ordered_json json_of(const CodeRow& row) {
  return {{"code", code_name(row.code)},
          {"name", row.name},
          {"exit", static_cast<int>(row.exit)},
          {"sentence", row.sentence},
          {"text", row.text}};
}

std::string exit_text(CodeExit exit) {
  return exit == CodeExit::note ? "note" : std::to_string(static_cast<int>(exit));
}

std::string markdown() {
  std::string out =
      "# Codes\n\nWarnings and errors have stable codes; a number is never given a new meaning. The exit code is the "
      "one that a command ends with when the code is an error; a note is never one, and `--strict` does not fail for "
      "it.\n\n| code | exit | meaning |\n|---|---|---|\n";
  for (const CodeRow& row : code_table())
    out += "| " + code_name(row.code) + " `" + std::string(row.name) + "` | " + exit_text(row.exit) + " | " +
           std::string(row.sentence) + " " + std::string(row.text) + " |\n";
  return out;
}

}  // namespace

Result<Report> explain(const ExplainRequest& request) {
  Report report;
  if (request.code.empty()) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const CodeRow& row : code_table()) {
      list.push_back(json_of(row));
      report.text += code_name(row.code) + "  " + std::string(row.sentence) + "\n";
    }
    if (request.markdown) report.text = markdown();
    report.json = list.dump();
    return report;
  }
  const auto code = parse_code(request.code);
  if (!code)
    return Error{Code::usage, "there is no code '" + request.code + "'", "", "`assay explain` lists all codes"};
  report.text = text_of(code_row(*code));
  report.json = json_of(code_row(*code)).dump();
  return report;
}

}  // namespace assay::commands
