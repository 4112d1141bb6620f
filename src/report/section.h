// An audit with what a report says around it.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "audit/audit.h"

namespace assay::report {

/// What a gate found beside the decisions themselves: a contract that is broken (docs/check.md).
struct Finding {
  std::string rule;     ///< "model-changed": a name that stays
  std::string message;  ///< one sentence
};

struct Section {
  std::string title;     ///< shown above the audit
  std::string subtitle;  ///< what the data is; may be empty
  const audit::AuditResult* audit = nullptr;
  audit::FailOn fail_on = audit::FailOn::flips;
  std::string model{};    ///< the file that findings are about; may be empty
  std::string command{};  ///< that makes the audit again; empty: it is not known where model and data were
  std::vector<Finding> findings{};
  /// Samples whose change a contract allows, by candidate; empty: none.
  std::vector<std::vector<int64_t>> allowed{};
};

/// Whether a sample that flips, or is at risk, makes the gate fail.
bool fails(const Section& section, size_t candidate, const audit::Case& one, bool flip);
/// Whether anything does.
bool fails(const Section& section);

}  // namespace assay::report
