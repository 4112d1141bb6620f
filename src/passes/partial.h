// Integer tensors of which only some elements are known, such as the Shape of [n,3,h,w].
#pragma once
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::passes {

/// What is known of each integer vector or scalar, element by element, as dimensions: numbers, symbols or nothing.
class PartialValues {
 public:
  /// After `op` was inferred: derives what is known of its output and refines the shapes that its inputs decide
  /// (Reshape to [n,-1]).
  void follow(ir::Graph& graph, const ir::Op& op);

 private:
  const std::vector<ir::Dim>* find(ir::ValueId v) const;
  void shape_of(ir::Graph& graph, const ir::Op& op);
  void move(ir::Graph& graph, const ir::Op& op);
  void refine(ir::Graph& graph, const ir::Op& op);
  std::vector<ir::Value> substitute(const ir::Graph& graph, const ir::Op& op, int64_t base) const;

  std::unordered_map<ir::ValueId, std::vector<ir::Dim>> known_;
};

}  // namespace assay::passes
