// What is to blame, for terminals.
#pragma once
#include <string>

#include "audit/audit.h"

namespace assay::report {

/// Empty where no blame was asked for.
std::string blame_text(const audit::CandidateResult& candidate);

}  // namespace assay::report
