// What a check of a contract says, as text and JSON (docs/check.md).
#pragma once
#include <string>
#include <vector>

#include "audit/audit.h"
#include "audit/lock.h"

namespace assay::report {

struct CheckResult {
  std::string lock;  ///< the file
  const audit::AuditResult* audit = nullptr;
  std::vector<audit::Finding> findings{};  ///< what is broken
  std::vector<std::string> notes{};        ///< what is different and breaks nothing
  bool updated = false;                    ///< the lock was written anew
  std::string fail_on{};                   ///< the contract's
  /// Samples whose decision may change, by candidate; of the contract as it stands now.
  std::vector<std::vector<int64_t>> allowed{};
};

std::string to_text(const CheckResult& result);
std::string to_json(const CheckResult& result);

}  // namespace assay::report
