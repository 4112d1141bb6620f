// A checkpoint as JSON: the question, and the audit of the samples that are done.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/audit.h"
#include "base/result.h"

namespace assay::report {

/// (name, value) of all that an answer depends on, in a fixed order.
using Question = std::vector<std::pair<std::string, std::string>>;
/// "the decision was argmax and is threshold:0.5"; empty: they are the same.
std::string first_difference(const Question& before, const Question& now);

struct SavedAudit {
  Question question;
  audit::AuditResult done;
};

std::string to_json(const SavedAudit& saved);
/// Errors: data_malformed.
Result<SavedAudit> parse_checkpoint(std::string_view json, const std::string& where);

}  // namespace assay::report
