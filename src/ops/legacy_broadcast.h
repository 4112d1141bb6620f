// Before operator set 7, arithmetic and comparison took `broadcast` and `axis` attributes instead of NumPy's rule.
#pragma once
#include "ops/def.h"
#include "ops/upgrade.h"

namespace assay::ops {

/// Gives the second operand trailing axes of extent 1, so that NumPy's rule means what `broadcast` and `axis` meant.
Status upgrade_broadcast(UpgradeContext& c);
inline constexpr Upgrade kBroadcastUpgrades[] = {{7, upgrade_broadcast}};

}  // namespace assay::ops
