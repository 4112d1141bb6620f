// Rounding intervals: which scores change their decision at a threshold merely by being rounded to a format.
#pragma once
#include "num/format.h"

namespace assay::num {

enum class Comparison : uint8_t {
  at_least,  ///< positive when score >= threshold
  above,     ///< positive when score > threshold
};

/// An interval of scores (real numbers); empty by default.
struct Interval {
  double low = 0, high = 0;
  bool low_included = false, high_included = false;

  bool empty() const { return low > high || (low == high && !(low_included && high_included)); }
  bool contains(double score) const {
    return (score > low || (score == low && low_included)) && (score < high || (score == high && high_included));
  }
  friend bool operator==(const Interval&, const Interval&) = default;
};

/// The scores whose decision changes when they are rounded: at most one of the two is not empty, because what matters
/// is where the scores around the threshold round to.
struct RoundingInterval {
  Interval becomes_positive;  ///< negative as it is, positive once rounded
  Interval becomes_negative;  ///< positive as it is, negative once rounded

  bool empty() const { return becomes_positive.empty() && becomes_negative.empty(); }
  bool contains(double score) const { return becomes_positive.contains(score) || becomes_negative.contains(score); }
};

/// `threshold` is any number (the one that scores are compared with, before and after rounding). For float16 (nearest
/// even), 0.5 and at_least: becomes_positive is [0.4998779296875, 0.5). Exact: found on the format's lattice and by
/// bisection over float64, so `low` and `high` are real boundaries for every mode.
RoundingInterval rounding_interval(double threshold, Comparison comparison, const Rounding& rounding);

/// The decision itself.
inline bool is_positive(double score, double threshold, Comparison comparison) {
  return comparison == Comparison::at_least ? score >= threshold : score > threshold;
}

}  // namespace assay::num
