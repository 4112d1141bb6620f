// For tests of passes: graphs by hand.
#pragma once
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "ops/def.h"

namespace assay::passes {

/// An operation of the table with one result.
inline ir::ValueId add(ir::Graph& g, const char* type, std::vector<ir::ValueId> inputs, const char* out,
                       std::vector<ir::Attr> attrs = {}) {
  ir::Op op{.domain = "", .type = type, .name = ""};
  op.def = ops::find_op("", type);
  op.inputs = std::move(inputs);
  op.outputs = {g.add_value(out, {})};
  op.attrs = std::move(attrs);
  g.add_op(op);
  return op.outputs[0];
}

}  // namespace assay::passes
