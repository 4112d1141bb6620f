// Elementwise operations one behind the other as one pass over memory: each chunk goes through all of them while it is
// in the first-level cache.
#pragma once
#include "ops/kernel.h"

namespace assay::ops {

/// eval of an elementwise operation on floats with elementwise operations behind it (KernelContext::epilogue), whose
/// operands broadcast to the result. Same bits as separate operations: each rounds its own result as it would store it.
Status eval_elementwise_run(KernelContext& c);

}  // namespace assay::ops
