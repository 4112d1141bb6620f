// How a resolved graph relates to the model that it was resolved from: which of its operations stand for which, and
// what becomes of a value of the model until an operation reads it.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "num/format.h"

namespace assay::exec {

/// The operations of a resolved graph that stand for one of the model: [begin, end), roundings around `op` itself.
struct OpGroup {
  ir::OpId begin = 0, op = 0, end = 0;
};

/// One change of a value on its way to an operation.
struct Storing {
  std::optional<num::Rounding> rounding;
  ir::ElemType storage;
};

class Resolved {
 public:
  /// Errors: internal where `graph` is none of the model's.
  static Result<Resolved> of(const ir::Graph& model, const ir::Graph& graph);

  const OpGroup& group(ir::OpId model_op) const { return groups_[model_op]; }
  /// By operation of the resolved graph: a number that those of one group share.
  std::vector<uint32_t> group_numbers() const;
  /// The model's value that a value of the resolved graph is a form of.
  ir::ValueId origin(ir::ValueId v) const { return origins_[v]; }
  /// What an exact number becomes before an operation reads it as `v`, step by step.
  std::vector<Storing> path(ir::ValueId v) const;
  /// What the operation reads: its inputs, then what graphs nested in it capture.
  const std::vector<ir::ValueId>& operands(ir::OpId model_op) const { return operands_[model_op]; }

 private:
  bool is_added(ir::OpId op) const { return added_[op]; }

  const ir::Graph* graph_ = nullptr;
  size_t values_ = 0;  ///< of the model
  std::vector<OpGroup> groups_;
  std::vector<bool> added_;
  std::vector<ir::ValueId> origins_;
  std::vector<std::vector<ir::ValueId>> operands_;
};

}  // namespace assay::exec
