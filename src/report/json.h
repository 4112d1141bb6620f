// Results as JSON (docs/audit-json.md) and back. Keys keep their order, numbers are the shortest that read back the
// same, and nothing varies from run to run; NaN and infinities are the strings "nan", "inf" and "-inf".
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/audit.h"
#include "audit/compare.h"
#include "audit/lock.h"
#include "base/result.h"

namespace assay::report {

std::string to_json(const audit::AuditResult& result);
std::string to_json(const audit::CompareResult& result);

/// What a check says beside its audit.
struct Gate {
  std::vector<audit::Finding> findings{};       ///< none where the contract was written anew
  std::optional<audit::FailOn> fail_on{};       ///< the contract's, none where it was written anew; empty: no check
  std::vector<std::vector<int64_t>> allowed{};  ///< samples whose decision may change, by candidate
};
/// From an audit's result, or a check's, or from the envelope around it; `where` is for messages, `gate` gets what a
/// check says. Errors: data_malformed with the path of the field.
Result<audit::AuditResult> parse_audit(std::string_view json, const std::string& where, Gate* gate = nullptr);
/// Whether the text is a check's result, or the envelope around one.
bool is_check(std::string_view json);

/// What an audit asked, as its envelope's `meta` says; empty where it does not.
struct Asked {
  std::string model, data, command;
  std::vector<std::string> profile_files, kept;
  std::string contract;  ///< of a check
};
Asked asked_in(std::string_view json);

/// What every command prints under --json, one object on one line.
struct Envelope {
  std::string version;
  std::string command;
  bool ok = true;
  Warnings warnings{};
  std::optional<Error> error{};
  std::string result{};  ///< JSON text; empty: null
  /// All that varies from run to run; values are JSON texts.
  std::vector<std::pair<std::string, std::string>> meta{};
};
std::string to_json(const Envelope& envelope);
/// A string as a JSON string.
std::string quote(std::string_view text);

}  // namespace assay::report
