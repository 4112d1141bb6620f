// What the commands that look for a policy share.
#pragma once
#include <vector>

#include "api/context.h"
#include "audit/fingerprint/fit.h"

namespace assay::api {

/// Every variant of the built-in profiles and of the user's. `ml_program`: the model where it is an ML Program, in
/// which declared types pick the statements; else null.
std::vector<audit::Hypothesis> named_policies(const Context& context, const ir::Graph* ml_program);

audit::FitOptions fit_options(const commands::Settings& settings, size_t combinations);

}  // namespace assay::api
