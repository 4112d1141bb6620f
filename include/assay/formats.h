// Number formats: rounding to them, their neighbours, distances in units in the last place, and the scores that change
// sides of a threshold merely by being rounded. Meanings: docs/semantics.md, section 1.
//
//   auto half = assay::Format::named("float16");
//   half->rounding_interval(0.5)->becomes_positive;   // [0.4998779296875, 0.5)
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "assay/result.h"

namespace assay {

/// How a real number becomes a value of a format.
struct RoundingOptions {
  std::string mode = "nearest_even";  ///< nearest_even, nearest_away, toward_zero or to_odd (Boldo and Melquiond 2008)
  bool flush_subnormals = false;      ///< results below the smallest normal magnitude become a zero of the same sign
  std::string overflow = "infinity";  ///< infinity, or clamp: to the largest finite magnitude
  double limit = 0;                   ///< magnitudes that round to this or more overflow; 0: the format's own limit
};

/// Real numbers between two ends; empty where low > high, or low == high and an end is left out.
struct Interval {
  double low = 1, high = 0;
  bool low_included = false, high_included = false;
  /// True when no number lies between the ends.
  bool empty() const { return low > high || (low == high && !(low_included && high_included)); }
};

/// Scores whose decision at a threshold changes when they are rounded; at most one of the two is not empty.
struct ThresholdIntervals {
  Interval becomes_positive;  ///< negative as they are, positive once rounded
  Interval becomes_negative;  ///< positive as they are, negative once rounded
};

/// A binary floating-point format of at most 11 exponent and 52 stored significand bits. Every value of it is a
/// float64.
class Format {
 public:
  /// float64, float32, tf32, bfloat16, float16, float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, float8e8m0 or
  /// float4e2m1. Errors: A001 for other names.
  static Result<Format> named(const std::string& name);
  /// An IEEE-like one: bias 2^(e-1)-1, infinities, NaNs, subnormals. Errors: A001 unless exponent_bits is 2..11 and
  /// significand_bits (stored ones) 1..52.
  static Result<Format> ieee_like(int exponent_bits, int significand_bits);
  /// The names that named() takes.
  static std::vector<std::string> names();
  Format(const Format&);             ///< a copy
  Format& operator=(const Format&);  ///< a copy
  ~Format();

  std::string name() const;      ///< "e5m10" and the like for those of ieee_like()
  int exponent_bits() const;     ///< without the sign
  int significand_bits() const;  ///< stored ones
  double max_finite() const;     ///< the largest magnitude that is a number
  double min_normal() const;     ///< the smallest magnitude with all significand bits
  double min_subnormal() const;  ///< min_normal where there are none

  /// Rounds `count` numbers once, in place; NaN stays NaN. Errors: A001 for unknown words in `options`.
  Status round(double* values, size_t count, const RoundingOptions& options = {}) const;
  /// The same for float32 numbers, whose results are float32 where the format is no wider.
  Status round(float* values, size_t count, const RoundingOptions& options = {}) const;
  /// True where the value lies on the lattice: rounding would not change it.
  bool representable(double value) const;
  /// The neighbour on the format's lattice; of a value off the lattice the next one that is on it. From the largest
  /// finite value to infinity (or staying there where the format has none).
  double next_up(double value) const;
  double next_down(double value) const;  ///< as next_up, toward minus infinity
  /// Spacing of the lattice at |value|; 0 for NaN and infinities, which have none.
  double ulp(double value) const;
  /// Steps on the lattice between two of its values; 2^64 - 1 between a NaN and a number. Errors: A309 for values that
  /// are not on it.
  Result<uint64_t> ulp_distance(double a, double b) const;
  /// `strict`: a score is positive when it is above the threshold, not when it equals it.
  Result<ThresholdIntervals> rounding_interval(double threshold, bool strict = false,
                                               const RoundingOptions& options = {}) const;
  /// Bit pattern of a value, in the low bits. Errors: A309 for a value that is not on the lattice.
  Result<uint64_t> encode(double value) const;
  /// The value of a bit pattern, of which the low bits count.
  double decode(uint64_t bits) const;

 private:
  struct State;
  explicit Format(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay
