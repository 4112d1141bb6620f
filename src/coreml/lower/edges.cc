#include "coreml/lower/edges.h"

#include <algorithm>

#include "ops/def.h"

namespace assay::coreml {

bool is_called(const ir::Value& value, std::string_view name) { return value.name == name || value.file_name == name; }

bool reads(const ir::Op& op, ir::ValueId id) {
  return std::ranges::count(op.inputs, id) > 0 || std::ranges::count(ir::captured_by(op), id) > 0;
}

void make_identity(ir::Op& op) {
  op.type = "Identity";
  op.attrs.clear();
  op.inputs.resize(1);
  op.def = ops::find_op("", op.type);
}

}  // namespace assay::coreml
