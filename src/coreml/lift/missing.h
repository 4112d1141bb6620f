// What a model uses and Assay does not have, gathered to be told at once.
#pragma once
#include <map>
#include <string>

#include "base/result.h"

namespace assay::coreml {

class Missing {
 public:
  void add(const std::string& kind, const std::string& name) {
    auto& [count, first] = rows_[kind];
    if (count++ == 0) first = name;
  }
  Status status() const {
    if (rows_.empty()) return {};
    std::string message = "Assay does not have:";
    for (const auto& [kind, row] : rows_)
      message += "\n  " + kind + " (" + std::to_string(row.first) + ", first '" + row.second + "')";
    return Error{Code::op_unsupported, std::move(message), "", "docs/coreml.md lists what is read"};
  }

 private:
  std::map<std::string, std::pair<size_t, std::string>> rows_;
};

}  // namespace assay::coreml
