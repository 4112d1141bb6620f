// What the rows whose attributes are graphs (If, Loop, Scan, SequenceMap) share.
#pragma once
#include <string_view>
#include <vector>

#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

/// The graph of that name, which must have so many inputs and outputs.
Result<const ir::Graph*> nested_graph(const InferContext& c, std::string_view attr, size_t inputs, size_t outputs);
/// Type of output `i` of a nested graph.
inline const ir::Type& nested_output(const ir::Graph& graph, size_t i) { return graph.at(graph.outputs[i]).type; }
/// An input that is one element of type `elem`, of rank 0 or not.
Status one_element(const InferContext& c, const ir::Type& type, ir::ElemType elem, std::string_view what);

/// Adds what an iteration gave for scan output `k`; value_range when its shape is another than before.
Status add_scanned(const KernelContext& c, size_t k, ir::Tensor scanned, std::vector<ir::Tensor>& parts);

/// How the parts of a scan output become one tensor.
struct Stack {
  ir::ElemType elem;
  const ir::Type& part;    ///< what is known of a part without running, for when there is none
  int64_t axis = 0;        ///< the new axis, in [-rank, rank) of the result
  bool backwards = false;  ///< the last part comes first
};
/// The parts one behind the other on a new axis. Of no parts what is unknown of their shape counts as 0.
Result<ir::Tensor> stack(const KernelContext& c, const std::vector<ir::Tensor>& parts, const Stack& how);

}  // namespace assay::ops
