#include "ops/upgrade.h"

#include "onnx/importer.h"
#include "ops/def.h"

namespace assay::onnx {
namespace {

/// Rules rely on there being inputs, and a first output. Where they are missing none applies, and the signature says
/// so.
bool is_whole(const ir::Op& op, const ops::OpDef& row) {
  const bool reads = row.in.empty() || (row.in[0].flags & ops::kOptional) != 0 || !op.inputs.empty();
  const bool may_write_nothing = row.out.empty() || (row.out[0].flags & ops::kOptional) != 0;
  return reads && (may_write_nothing || (!op.outputs.empty() && op.outputs[0] != ir::kNoValue));
}

}  // namespace

Status upgrade(ops::UpgradeContext& c) {
  constexpr int kMaxRenames = 8;
  // Hints on memory to reuse: no operator set from 6 on has them.
  if (c.op.domain.empty() && c.version < 6) c.op.remove_attr("consumed_inputs");
  for (int renames = 0; renames <= kMaxRenames; ++renames) {
    const ops::OpDef* row = ops::find_op(c.op.domain, c.op.type);
    c.op.def = row;
    if (!row || !is_whole(c.op, *row)) return {};
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
