// What float16 makes of float32 numbers that it does not reach.
#pragma once
#include <cstdint>

#include "ir/tensor.h"

namespace assay::ops {

/// Finite numbers from here on are infinite in float16 (65504 is its largest), and those up to kHalfVanishes are 0.
inline constexpr float kHalfOverflows = 65520, kHalfVanishes = 0x1p-25F;

struct HalfRange {
  int64_t infinite = 0;   ///< finite elements that become infinite
  float largest = 0;      ///< the first of those that is largest by size
  int64_t vanishing = 0;  ///< elements that become 0 and are not
};
/// Of a float32 tensor, read piece by piece.
HalfRange half_range(const ir::Tensor& tensor);

}  // namespace assay::ops
