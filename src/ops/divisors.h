// What integer divisions ask of their divisors.
#pragma once
#include "ops/kernel.h"

namespace assay::ops {

/// Input 1 of an integer division that computes something holds no 0: x / 0 has no value to give. Floats may divide by
/// 0. Errors: value_range, naming the element.
Status check_divisors(const KernelContext& c);

}  // namespace assay::ops
