#include "ops/upgrade.h"

#include "onnx/importer.h"
#include "ops/def.h"

namespace assay::onnx {

Status upgrade(ops::UpgradeContext& c) {
  constexpr int kMaxRenames = 8;
  // Hints on memory to reuse: no operator set from 6 on has them.
  if (c.op.domain.empty() && c.version < 6) c.op.remove_attr("consumed_inputs");
  for (int renames = 0; renames <= kMaxRenames; ++renames) {
    const ops::OpDef* row = ops::find_op(c.op.domain, c.op.type);
    c.op.def = row;
    if (!row) return {};
    bool renamed = false;
    for (const ops::Upgrade& rule : row->upgrades) {
      if (rule.before <= c.version) continue;
      ASSAY_CHECK(rule.apply(c));
      renamed = c.op.type != row->name || c.op.domain != row->domain;
      if (renamed) break;
    }
    if (!renamed) return {};
  }
  return Error{Code::internal, "upgrade rules rename in a circle", c.graph.describe(c.op), ""};
}

}  // namespace assay::onnx
