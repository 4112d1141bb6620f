// Whether steps of a policy are those of the machine, so that kernels may take several of them at once.
#pragma once
#include "num/policy.h"

namespace assay::ops {

/// Nothing is rounded after a step, flushed or rewritten.
inline bool plain_steps(const num::Policy& policy) {
  return !policy.step && !policy.flush_subnormals && policy.special_values == num::SpecialValues::ieee;
}

}  // namespace assay::ops
