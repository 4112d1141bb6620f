// assay.lock on disk: from a request, back to a request, and the hashes of the files that it names.
#pragma once
#include <string>
#include <vector>

#include "assay/commands.h"
#include "audit/lock.h"

namespace assay::api {

/// What an audit asked and the hashes of its files, named relative to the folder of `path`. Errors: usage for data in
/// memory, which has no name; file_missing.
Result<audit::Lock> lock_of(const commands::AuditRequest& request, const std::string& path);
/// The same contract, its files hashed anew and called as it calls them, with the profile files that a check adds.
/// Errors: as lock_of.
Result<audit::Lock> as_now(audit::Lock lock, const std::vector<std::string>& profile_files, const std::string& path);
/// Errors: file_missing, file_malformed.
Result<audit::Lock> read_lock(const std::string& path);
/// The same question again; files relative to the working directory.
commands::AuditRequest request_of(const audit::Lock& lock, const std::string& path);

}  // namespace assay::api
