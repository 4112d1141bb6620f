#include "audit/repair/threshold.h"

#include <algorithm>
#include <cmath>

#include "audit/decision/score.h"

namespace assay::audit {
namespace {

bool positive(double score, double threshold, bool strict) { return strict ? score > threshold : score >= threshold; }

/// The largest score that must be negative, and the smallest that must be positive.
struct Gap {
  std::optional<double> below{}, above{};
};

double rounded(double value, ir::ElemType type) {
  std::vector<double> one = {value};
  round_to(type, one);
  return one[0];
}

}  // namespace

std::optional<Shift> shifted_threshold(const Answers& answers, std::span<const size_t> searched,
                                       const Question& question) {
  Gap gap;
  for (const auto& variant : answers)
    for (const size_t s : searched) {
      const Answer& answer = variant[s];
      if (answer.reference.decision.undefined() || answer.other.decision.undefined()) return std::nullopt;
      const double score = answer.other.score;
      if (answer.reference.decision.value == 1)
        gap.above = std::min(gap.above.value_or(score), score);
      else
        gap.below = std::max(gap.below.value_or(score), score);
    }
  if (!gap.below || !gap.above) return std::nullopt;  // where the other side lies nobody knows
  const double below = *gap.below, above = *gap.above;
  if (!(below < above)) return std::nullopt;
  double middle = std::isinf(below)   ? above
                  : std::isinf(above) ? below
                                      : rounded(below + (above - below) / 2, question.score_type);
  const bool strict = question.rule.strict;
  if (positive(below, middle, strict)) middle = above;
  if (!positive(above, middle, strict)) middle = below;
  if (!std::isfinite(middle) || positive(below, middle, strict) || !positive(above, middle, strict))
    return std::nullopt;
  Shift shift{.threshold = middle, .everywhere = true};
  for (const Answer& answer : answers.at(0))
    if (!answer.reference.decision.undefined() &&
        positive(answer.reference.score, middle, strict) != (answer.reference.decision.value == 1))
      shift.everywhere = false;
  return shift;
}

Standing standing_under(double threshold, const Answers& answers, std::span<const size_t> samples,
                        const Question& question) {
  Standing standing{.samples = samples.size()};
  for (const size_t s : samples) {
    const bool flips = std::ranges::any_of(answers, [&](const auto& variant) {
      const Answer& answer = variant[s];
      const Decision& wanted = answer.reference.decision;
      if (wanted.undefined() || answer.other.decision.undefined()) return !answer.outcome.same;
      return positive(answer.other.score, threshold, question.rule.strict) != (wanted.value == 1);
    });
    if (flips) ++standing.flips;
  }
  return standing;
}

}  // namespace assay::audit
