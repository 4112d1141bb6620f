// Results as text for terminals.
#pragma once
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/compare.h"

namespace assay::report {

struct TextOptions {
  bool colour = false;
  size_t max_cases = 20;  ///< flips and samples at risk listed per candidate; the JSON has all
};

std::string to_text(const audit::AuditResult& result, const TextOptions& options = {});
std::string to_text(const audit::CompareResult& result, const TextOptions& options = {});

/// Columns padded to their widest cell; the first row is the heading. `right[i]`: column i is flushed right.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right = {});

}  // namespace assay::report
