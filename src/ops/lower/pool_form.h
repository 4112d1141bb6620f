// Windows of poolings as Core ML writes them.
#pragma once
#include "ops/lower/window_form.h"

namespace assay::ops {

struct PoolForm {
  WindowForm window;
  bool ceil = false;  ///< ceil_mode over extents that are not known; elsewhere its windows have pads of their own
};

/// `counts_pads`: the divisor of an average includes pads, so that what ceil_mode adds must not become one.
Result<PoolForm> pool_form(const ir::Op& op, const ir::Dims& spatial, bool counts_pads);

/// For operators that average something else than their operand itself (what its codes stand for).
Result<PoolForm> average_form(const LowerContext& c);
Result<MilValue> mil_average(MilContext& c, const MilValue& x, const PoolForm& form);
Result<std::string> nn_average(NnContext& c, const std::string& x, const PoolForm& form);

}  // namespace assay::ops
