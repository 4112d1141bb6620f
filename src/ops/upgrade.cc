#include "ops/upgrade.h"

namespace assay::ops {

Status ints_attr_to_input(UpgradeContext& c, std::string_view name, size_t i) {
  if (!c.op.has_attr(name)) return {};
  c.set_input(i, c.constant(ir::Tensor::of_ints(c.op.attr_ints(name))));
  c.op.remove_attr(name);
  return {};
}

}  // namespace assay::ops
