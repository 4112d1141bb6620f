#include "ops/divisors.h"

namespace assay::ops {

Status check_divisors(const KernelContext& c) {
  const ir::Tensor& divisors = c.in(1);
  if (ir::is_float(divisors.elem()) || c.outputs[0].size() == 0) return {};
  for (int64_t i = 0; i < divisors.size(); ++i)
    if (divisors.int_at(i) == 0)
      return c.fail(Code::value_range,
                    "integer division by zero: element " + std::to_string(i) + " of the divisor is 0");
  return {};
}

}  // namespace assay::ops
