// Fingerprints and fits of policies, as JSON and as text.
#pragma once
#include <string>
#include <vector>

#include "audit/fingerprint.h"
#include "audit/fingerprint/fit.h"

namespace assay::report {

/// `fit` may be null: no model was given.
std::string to_json(const std::vector<audit::Fingerprint>& prints, const audit::FitResult* fit);
std::string to_text(const std::vector<audit::Fingerprint>& prints, const audit::FitResult* fit);

/// The verdict in a word: exact, rounding, not-rounding.
std::string_view verdict_word(audit::FitResult::Verdict verdict);
/// A largest distance in steps and as a difference; "NaN" where a NaN is on one side alone.
std::string steps_text(uint64_t steps);
std::string difference_text(uint64_t steps, double max_abs);
/// The groups of a fit, likeliest first, as text.
std::string fit_text(const audit::FitResult& fit);

}  // namespace assay::report
