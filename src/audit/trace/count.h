// What one sample's elements of one value say; fast for float32 and what is stored narrower.
#pragma once
#include <cstdint>
#include <limits>

#include "audit/trace/trace.h"
#include "ir/tensor.h"

namespace assay::audit {

/// Adds elements [begin, begin + count) of two tensors of floating-point types, which are of sample `sample`; ties of
/// the worst go to the lowest sample, then to the lowest element. The same counts as Differences::add, no histograms.
void add_distance(Distance& into, const ir::Tensor& reference, const ir::Tensor& candidate, int64_t begin,
                  int64_t count, int64_t sample);

/// Between what the values of an operation's result lie.
struct Ends {
  double limit = std::numeric_limits<double>::infinity();  ///< largest finite value
  double subnormal = 0;                                    ///< least normal magnitude
  double low = std::numeric_limits<double>::quiet_NaN();   ///< flat ends of an activation; NaN: it has none
  double high = low;
};
/// What add_range found in the one sample.
struct SampleKind {
  bool nan = false, infinite = false, all_nan = false, all_zero = false;
};
SampleKind add_range(Range& into, const ir::Tensor& values, int64_t begin, int64_t count, int64_t sample,
                     const Ends& ends);
/// add_distance, and add_range of the candidate, reading it once.
SampleKind add_compared(Distance& into, Range& range, const ir::Tensor& reference, const ir::Tensor& candidate,
                        int64_t begin, int64_t count, int64_t sample, const Ends& ends);

}  // namespace assay::audit
