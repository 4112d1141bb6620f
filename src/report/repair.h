// A repair as JSON and for terminals; and what a search knows, saved and read back.
#pragma once
#include <string>
#include <string_view>

#include "audit/repair/repair.h"
#include "audit/search/trials.h"
#include "base/result.h"

namespace assay::report {

/// docs/repair.md says what the fields mean.
std::string to_json(const audit::RepairResult& result);
std::string to_text(const audit::RepairResult& result, bool colour = false);

/// Checkpoints of searches. `key` tells what was searched: model, programs, data and question.
std::string to_json(const audit::Verdicts& verdicts, const std::string& key);
/// Errors: data_malformed for what is no checkpoint, or one of another search.
Result<audit::Verdicts> parse_verdicts(std::string_view json, const std::string& key, const std::string& where);

}  // namespace assay::report
