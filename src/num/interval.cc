#include "num/interval.h"

#include <cmath>
#include <limits>

#include "num/ulp.h"

namespace assay::num {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double rounded(double score, const Rounding& rounding) {
  const double y = round(score, rounding);
  return std::isnan(y) ? std::copysign(kInfinity, score) : y;  // formats without infinity overflow to NaN
}

/// Key of the smallest float64 for which `positive` holds; one past infinity's if there is none. Roundings and
/// comparisons are monotone, so bisection finds it.
template <class Predicate>
uint64_t first_positive(Predicate positive) {
  uint64_t low = ordered_key(-kInfinity), high = ordered_key(kInfinity) + 1;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (positive(from_ordered_key(middle))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

/// A place where rounded values step up. On the real line that is a lattice value or a midpoint, a float64 with its
/// last bit clear: when the first float64 above the step has its last bit set, the step is the one before it.
struct Boundary {
  double at;
  bool belongs_above;  ///< `at` itself is rounded to the upper side
};

Boundary boundary(uint64_t key, const Format& f) {
  if (key > ordered_key(kInfinity)) return {kInfinity, false};
  const double value = from_ordered_key(key);
  // Parity of the magnitude: keys of negative values are inverted.
  const bool odd = ((key & 1) != 0) == (key >> 63 != 0);
  if (!odd || std::isinf(value) || f.significand_bits > 50) return {value, true};
  return {from_ordered_key(key - 1), false};
}

double unsigned_zero(double x) { return x == 0 ? 0 : x; }

}  // namespace

RoundingInterval rounding_interval(double threshold, Comparison comparison, const Rounding& rounding) {
  RoundingInterval result;
  if (std::isnan(threshold)) return result;
  const uint64_t before = first_positive([&](double x) { return is_positive(x, threshold, comparison); });
  const uint64_t after =
      first_positive([&](double x) { return is_positive(rounded(x, rounding), threshold, comparison); });
  const Boundary step = boundary(after, rounding.format);
  const bool at_least = comparison == Comparison::at_least;
  if (after < before) {
    result.becomes_positive = {unsigned_zero(step.at), threshold, step.belongs_above, !at_least};
  } else if (after > before) {
    result.becomes_negative = {threshold, unsigned_zero(step.at), at_least, !step.belongs_above};
  }
  return result;
}

}  // namespace assay::num
