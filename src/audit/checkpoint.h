// An audit that may be killed and go on: the data is run in blocks, and what is done is a part of the audit that merges
// with the rest (docs/audit-json.md), so an unbroken audit gives the same bytes.
#pragma once
#include <functional>
#include <optional>
#include <span>

#include "audit/audit.h"

namespace assay::audit {

/// Where what is done is kept.
struct Checkpoint {
  /// The samples from the first that were done before; nothing: none were.
  std::function<Result<std::optional<AuditResult>>()> load;
  std::function<Status(const AuditResult& done)> save;
  double seconds = 2;  ///< about so long between two times that it is saved
};

/// As run_audit. Errors: those of load and save too.
Result<AuditResult> run_audit(backends::Program& reference, std::span<backends::Program* const> candidates,
                              const Arrays& data, std::span<const int64_t> labels, const AuditOptions& options,
                              const Checkpoint& checkpoint, Warnings& warnings);

}  // namespace assay::audit
