// Fixes that cost nothing: each is tried.
#pragma once
#include <string>
#include <vector>

#include "api/audit_job.h"
#include "audit/repair/repair.h"
#include "audit/search/answers.h"

namespace assay::api {

/// The samples that a search sees, and those kept aside: numbers from the first of the data at hand.
struct Parts {
  std::vector<size_t> searched, held;
};

/// How one program does: from all of its answers.
audit::Standing standing_of(const audit::Answers& answers, const std::vector<size_t>& samples);
/// Over all samples.
audit::Standing standing_of(const audit::Answers& answers);

/// `as_it_is`: the candidate's answers. Errors: those of the programs that are tried.
Result<std::vector<audit::FreeFix>> try_fixes(AuditJob& job, const audit::Goal& goal, const audit::Question& question,
                                              const Parts& parts, const audit::Answers& as_it_is,
                                              const audit::TrialOptions& options);

/// "FILE@" of a program, or nothing.
std::string file_of(const std::string& program);

/// The compute unit that a profile of Core ML names ("gpu"); empty for other profiles.
std::string core_ml_unit(const std::string& profile);

}  // namespace assay::api
