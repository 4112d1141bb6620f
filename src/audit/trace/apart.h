// How far two models' values are apart, where a few numbers may be of another size than the rest.
#pragma once
#include <limits>

#include "ir/tensor.h"

namespace assay::audit {

/// Float64 rounds at 2^-53; long sums and divisions of differences leave that much.
inline constexpr double kSame = 0x1p-30;

/// How far the candidate's elements are from the reference's, over the largest magnitude of those; what a mask fills in
/// or adds itself to says nothing of the size of the others.
struct Apart {
  double max_abs = 0, relative = 0;
  bool told = false;  ///< some element is no NaN in both: those say nothing
  /// What is judged: `relative`, and where numbers jump the share of elements that differ.
  double judged = 0;
};

/// Of values of different sizes or kinds.
inline constexpr Apart kNothingAlike = {std::numeric_limits<double>::infinity(),
                                        std::numeric_limits<double>::infinity(), true,
                                        std::numeric_limits<double>::infinity()};

/// Of floating-point tensors of as many elements.
Apart apart(const ir::Tensor& reference, const ir::Tensor& candidate);
/// Of outputs, which need be no floating-point numbers: those are the same, or infinitely far apart. One label that
/// rounding tips over is not as bad as a thousand: judged is how many differ.
Apart outputs_apart(const ir::Tensor& reference, const ir::Tensor& candidate);

}  // namespace assay::audit
