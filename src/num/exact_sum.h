// A sum of float64 values and products without any rounding: a fixed-point number wide enough for all of them.
#pragma once
#include <array>
#include <cstdint>

#include "num/exact.h"
#include "num/format.h"

namespace assay::num {

class ExactSum {
 public:
  void add(double value);
  void add_product(double a, double b);
  /// The sum, rounded once. NaN if a NaN, both infinities or 0 * infinity came in. An empty sum is +0; an exact zero is
  /// -0 only if every term was -0.
  double rounded(const Rounding& rounding) const;

 private:
  // Bit 0 has the weight 2^-2148 (the square of the smallest float64); two's complement; 2^64 terms fit.
  static constexpr int kLowest = -2148;
  static constexpr size_t kLimbs = (2148 + 2048 + 64 + 63) / 64 + 1;

  void add_scaled(Uint128 significand, int exponent, bool negative);
  void note_zero(bool negative);

  std::array<uint64_t, kLimbs> limbs_{};
  bool nan_ = false, positive_infinity_ = false, negative_infinity_ = false;
  bool empty_ = true, all_negative_zero_ = true;
};

}  // namespace assay::num
