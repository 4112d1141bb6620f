// What a row's upgrade rules see: a node of an older operator set, to be rewritten in place.
#pragma once
#include <functional>
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::ops {

class UpgradeContext {
 public:
  UpgradeContext(ir::Graph& g, ir::Op& o, int v) : graph(g), op(o), version(v) {}
  ir::Graph& graph;
  ir::Op& op;   ///< not yet in the graph; may be renamed (then the new name's row applies its rules from `version` on)
  int version;  ///< operator-set version of the domain that the model imports

  /// A new constant that the op can read. It is a parameter that was an attribute: storage policies never round it.
  ir::ValueId constant(ir::Tensor tensor) {
    const ir::ValueId id = graph.add_constant(graph.fresh_name(op.name.empty() ? op.type : op.name), std::move(tensor));
    parameters.push_back(id);
    return id;
  }
  /// Inserts `before_op` in front of the node; returns its first output. Its `def` is set by the driver.
  ir::ValueId insert_before(ir::Op before_op, ir::Type type) {
    const ir::ValueId out = graph.add_value(graph.fresh_name(before_op.type), std::move(type));
    before_op.outputs = {out};
    before.push_back(std::move(before_op));
    return out;
  }
  /// Makes input `i` the given value, extending the list with absent inputs.
  void set_input(size_t i, ir::ValueId value) {
    if (op.inputs.size() <= i) op.inputs.resize(i + 1, ir::kNoValue);
    op.inputs[i] = value;
  }
  /// What is known of input `i`'s type (maybe nothing). A copy: values move when ops are inserted.
  ir::Type type(size_t i) const { return op.has_input(i) ? graph.at(op.inputs[i]).type : ir::Type{}; }
  Error fail(std::string message) const {
    return Error{Code::model_invalid, std::move(message), graph.describe(op), "check the export"};
  }

  std::vector<ir::Op> before, after;    ///< ops to put in front of and behind the node
  std::vector<ir::ValueId> parameters;  ///< constants made from attributes
};

/// Moves integer-list attribute `name` to input `i` as an int64 vector.
Status ints_attr_to_input(UpgradeContext& c, std::string_view name, size_t i);

}  // namespace assay::ops
