// What a model uses and Assay does not have, gathered to be told at once.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace assay::coreml {

class Missing {
 public:
  void add(const std::string& kind, const std::string& name, std::string_view why = {}) {
    auto& [count, first, reason] = rows_[kind];
    if (count++ > 0) return;
    first = name;
    reason = why;
  }
  size_t count() const {
    size_t all = 0;
    for (const auto& [kind, row] : rows_) all += row.count;
    return all;
  }
  Status status() const {
    if (rows_.empty()) return {};
    std::string message = "Assay does not have:";
    for (const auto& [kind, row] : rows_)
      message += "\n  " + kind + " (" + std::to_string(row.count) + ", first '" + row.first + "')" +
                 (row.reason.empty() ? "" : ": " + row.reason);
    return Error{Code::op_unsupported, std::move(message), "", "docs/coreml.md lists what is read"};
  }

 private:
  struct Row {
    size_t count = 0;
    std::string first, reason;
  };
  std::map<std::string, Row> rows_;
};

}  // namespace assay::coreml
