#include "backends/ort/words.h"

#include <charconv>
#include <optional>
#include <vector>

#include "base/text.h"
#include "profiles/provider.h"

namespace assay::backends::ort {
namespace {

constexpr std::string_view kIsolate = "isolate";

struct Choice {
  std::string_view word;
  int value;
};
struct Row {
  std::string_view key;
  SessionOption::Kind kind;
  std::vector<Choice> choices;  ///< empty: a number of at least 0
};
const std::vector<Row>& rows() {
  using Kind = SessionOption::Kind;
  static const std::vector<Row> table{
      {"session.graph_optimization_level",
       Kind::optimization,
       {{"disable", 0}, {"basic", 1}, {"extended", 2}, {"all", 99}}},
      {"session.execution_mode", Kind::mode, {{"sequential", 0}, {"parallel", 1}}},
      {"session.intra_op_num_threads", Kind::intra_threads, {}},
      {"session.inter_op_num_threads", Kind::inter_threads, {}},
  };
  return table;
}

Error wrong_value(std::string_view key, const std::string& value, std::string_view wanted) {
  return Error{Code::usage, std::string(key) + " cannot be '" + value + "'", "", "it takes " + std::string(wanted)};
}

Result<int> value_of(const Row& row, const std::string& value) {
  std::vector<std::string> known;
  for (const Choice& choice : row.choices) {
    if (choice.word == value) return choice.value;
    known.emplace_back(choice.word);
  }
  int number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (row.choices.empty() && error == std::errc() && end == value.data() + value.size() && number >= 0) return number;
  return wrong_value(row.key, value,
                     row.choices.empty() ? "a whole number; 0: the runtime's choice" : join(known, ", "));
}

}  // namespace

Result<std::optional<SessionOption>> session_option(const std::string& key, const std::string& value) {
  std::vector<std::string> known;
  for (const Row& row : rows()) {
    known.emplace_back(row.key);
    if (row.key != key) continue;
    ASSAY_TRY(const int number, value_of(row, value));
    return std::optional(SessionOption{row.kind, number});
  }
  if (const std::string meant = did_you_mean(key, known); !meant.empty())
    return Error{Code::usage, "there is no session option '" + key + "'", "", "did you mean " + meant + "?"};
  return std::optional<SessionOption>();
}

Result<Words> parse_words(std::string_view text) {
  ASSAY_TRY(profiles::Provider parsed, profiles::parse_provider(text.substr(kPrefix.size())));
  if (!profiles::names_provider(parsed.name))
    return Error{Code::usage, "'" + parsed.name + "' names no execution provider", std::string(text),
                 "write ort:CPUExecutionProvider, with the provider's whole name"};
  Words words;
  words.provider = parsed.name;
  words.isolated = parsed.name != kCpuProvider;
  for (auto& [key, value] : parsed.options) {
    if (key == kIsolate) {
      if (value != "0" && value != "1") return wrong_value(kIsolate, value, "0 or 1");
      words.isolated = value == "1";
    } else if (key.find('.') != std::string::npos) {
      if (auto checked = session_option(key, value); !checked.ok()) return std::move(checked).error();
      words.session.emplace(key, value);
    } else if (parsed.name == kCpuProvider) {
      return Error{Code::usage, parsed.name + " has no option '" + key + "'", std::string(text),
                   "options of the session are written session.NAME=VALUE"};
    } else {
      words.options.emplace(key, value);
    }
  }
  return words;
}

}  // namespace assay::backends::ort
