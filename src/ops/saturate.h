// Numbers as integers of a type.
#pragma once
#include <cstdint>

#include "ir/type.h"

namespace assay::ops {

/// x cut toward zero. What lies outside of the type becomes its nearest bound, NaN 0; types narrower than 8 bits take
/// the lowest bits.
int64_t saturated(double x, ir::ElemType type);

}  // namespace assay::ops
