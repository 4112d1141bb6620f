// The file in which an audit keeps what is done, and the question that it is done for.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "api/audit_job.h"
#include "audit/checkpoint.h"

namespace assay::api {

/// Reads from and writes to `path`; a file of another question is refused. The job must outlive it. Errors on use:
/// merge_mismatch naming what differs, data_malformed, write_failed.
Result<audit::Checkpoint> checkpoint_at(const std::string& path, const AuditJob& job);
/// All that the answers of a search beside the audit depend on, as one word.
Result<std::string> question_key(const AuditJob& job);

/// What tells a program's answers apart: as the user wrote it, the model, the profile, what a recording holds. Python
/// functions go by their names. Errors: as OpenData::copy.
Result<std::string> told_apart(const backends::Program& program);
/// The same of an array: its name, type, shape and elements.
Result<std::string> told_apart(const audit::NamedArray& array);

}  // namespace assay::api
