// What `audit` and `check` open before they run: programs, data, labels and the decision.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "api/context.h"
#include "api/inputs.h"
#include "assay/commands.h"
#include "audit/audit.h"
#include "backends/program.h"

namespace assay::api {

struct AuditJob {
  /// `request` must outlive the job. Errors: A001 to A004 for words; A1xx, A3xx, A4xx.
  static Result<std::unique_ptr<AuditJob>> open(const commands::AuditRequest& request, Warnings& warnings);
  /// Errors: as audit::run_audit.
  Result<audit::AuditResult> run(Warnings& warnings) const;

  /// Errors: as audit::find_blame.
  Status add_blame(audit::AuditResult& result) const;

  explicit AuditJob(const commands::AuditRequest& asked)
      : request(&asked), input(asked.data, asked.arrays, Held::in_file) {}

  const commands::AuditRequest* request;
  std::unique_ptr<Context> context;
  InputData input;
  std::optional<backends::ProgramLoader> loader;
  std::unique_ptr<backends::Program> reference;
  std::vector<std::unique_ptr<backends::Program>> candidates;
  audit::Arrays data;
  std::vector<int64_t> labels;  ///< empty: there are none
  audit::AuditOptions options;
};

/// Errors: A001 for other words.
Result<audit::FailOn> parse_fail_on(const std::string& text);

}  // namespace assay::api
