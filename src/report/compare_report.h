// A comparison, read from its JSON, as Markdown and as tables.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/metrics/counts.h"
#include "base/result.h"

namespace assay::report {

struct ComparedPair {
  std::string a, b;
  bool within_limits = true;
  std::vector<audit::Differences> outputs;
};
struct Comparison {
  std::string title;
  uint64_t samples = 0;
  bool within_limits = true;
  std::vector<ComparedPair> pairs;
};

/// Whether the text is a comparison's result, or the envelope around one.
bool is_comparison(std::string_view json);
/// Errors: data_malformed with the path of the field.
Result<Comparison> parse_comparison(std::string_view json, const std::string& where);

std::string to_markdown(const std::vector<Comparison>& comparisons, const std::string& version);
/// (file name, text) of each table.
std::vector<std::pair<std::string, std::string>> to_csv(const std::vector<Comparison>& comparisons);

}  // namespace assay::report
