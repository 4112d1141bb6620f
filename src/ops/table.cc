// The operator table. One line an operator, sorted by name; the rows stand in the files named after them.
#include <algorithm>

#include "ops/def.h"

namespace assay::ops {

#define ASSAY_OP(row) extern const OpDef row;
#include "ops/table.inc"
#undef ASSAY_OP

namespace {
const OpDef* const kTable[] = {
#define ASSAY_OP(row) &row,
#include "ops/table.inc"
#undef ASSAY_OP
};
}  // namespace

std::span<const OpDef* const> op_table() { return kTable; }

const OpDef* find_op(std::string_view domain, std::string_view name) {
  if (domain == "ai.onnx") domain = {};
  const std::pair key(domain, name);
  const auto found = std::ranges::lower_bound(
      kTable, key, [](const auto& a, const auto& b) { return a < b; },
      [](const OpDef* row) { return std::pair(row->domain, row->name); });
  if (found == std::end(kTable) || std::pair((*found)->domain, (*found)->name) != key) return nullptr;
  return *found;
}

void set_rows(ir::Graph& graph) {
  for (ir::Op& op : graph.ops) {
    op.def = find_op(op.domain, op.type);
    for (ir::Attr& a : op.attrs) {
      if (auto* one = std::get_if<std::shared_ptr<ir::Graph>>(&a.value)) set_rows(**one);
      if (auto* many = std::get_if<std::vector<std::shared_ptr<ir::Graph>>>(&a.value))
        for (auto& each : *many) set_rows(*each);
    }
  }
}

}  // namespace assay::ops
