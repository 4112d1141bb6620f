// Runs of numbers side by side, as vectors: how far apart they are, and what they range over. The same bits on every
// code path. Callers pad to whole groups of kSpanLanes with zeros on both sides.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace assay::audit {

inline constexpr size_t kSpanLanes = 16;  ///< element i adds to sum i % kSpanLanes

struct SpanDistance {
  bool finite = true;  ///< false: an element is infinite or NaN, and nothing else here counts
  uint64_t equal = 0;
  uint64_t reference_zeros = 0;                      ///< of those that differ
  double most = 0;                                   ///< no |c - r| is larger
  uint32_t max_ulp = 0;                              ///< of float32
  bool relative = false;                             ///< some |c - r| is above `bound` times |r|
  std::array<double, kSpanLanes> signal{}, noise{};  ///< sums of r^2 and of (c - r)^2; in: those so far
};
void compare_span(const float* r, const float* c, size_t n, double bound, SpanDistance& out);
void compare_span(const double* r, const float* c, size_t n, double bound, SpanDistance& out);
/// The largest |c - r|.
double largest_span(const float* r, const float* c, size_t n);
double largest_span(const double* r, const float* c, size_t n);
/// The largest |c - r| / |r| over r that are not 0.
double relative_span(const float* r, const float* c, size_t n);
double relative_span(const double* r, const float* c, size_t n);

/// What is counted of magnitudes.
struct SpanLimits {
  uint32_t subnormal = 0;  ///< bits of the least normal magnitude
  uint32_t largest = 0;    ///< bits of the magnitude from which on numbers are saturated
  float low = std::numeric_limits<float>::quiet_NaN(), high = low;  ///< flat ends of an activation; NaN: it has none
};
struct SpanRange {
  uint64_t zeros = 0, subnormals = 0, saturated = 0, infinities = 0, nans = 0;
  uint32_t largest = 0;            ///< bits of a magnitude, of the finite ones
  uint32_t smallest = UINT32_MAX;  ///< of those that are not 0, less 1
};
void range_span(const float* x, size_t n, const SpanLimits& limits, SpanRange& range);

}  // namespace assay::audit
