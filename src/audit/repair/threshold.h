// Another threshold for the candidate: where none of its scores stands on the wrong side.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "audit/repair/repair.h"
#include "audit/search/answers.h"

namespace assay::audit {

struct Shift {
  double threshold = 0;
  /// No score of the reference lies between the old threshold and this one: it may stand everywhere.
  bool everywhere = false;
};

/// A threshold under which the candidate decides all samples in `searched` as the reference does under its own: in the
/// middle between the scores on either side, rounded to the score's type. Nothing where no threshold does, where all
/// samples are on one side, or where some decision is undefined. `answers` as answers_of() gives them.
std::optional<Shift> shifted_threshold(const Answers& answers, std::span<const size_t> searched,
                                       const Question& question);

/// How the candidate does under another threshold.
Standing standing_under(double threshold, const Answers& answers, std::span<const size_t> samples,
                        const Question& question);

}  // namespace assay::audit
