#include "ops/nested.h"

#include <algorithm>

namespace assay::ops {

Result<const ir::Graph*> nested_graph(const InferContext& c, std::string_view attr, size_t inputs, size_t outputs) {
  const ir::Graph* graph = c.op().attr_graph(attr);
  const std::string name(attr);
  if (!graph) return c.fail("nested_c1", "attribute '" + name + "' is no graph");
  if (graph->inputs.size() != inputs)
    return c.fail("nested_c2", "graph '" + name + "' has " + std::to_string(graph->inputs.size()) + " inputs, not " +
                                   std::to_string(inputs));
  if (graph->outputs.size() != outputs)
    return c.fail("nested_c3", "graph '" + name + "' has " + std::to_string(graph->outputs.size()) + " outputs, not " +
                                   std::to_string(outputs));
  return graph;
}

Status only_tensors(const InferContext& c, const ir::Type& type, std::string_view what) {
  if (type.kind == ir::Type::Kind::tensor) return {};
  return Error{Code::type_unsupported,
               std::string(what) + " is " + to_string(type) + ": only tensors can pass into and out of nested graphs",
               c.where(), "export the model without sequences and optional values"};
}

Result<ir::Type> nested_output(const InferContext& c, std::string_view attr, const ir::Graph& graph, size_t i) {
  const ir::Value& value = graph.at(graph.outputs[i]);
  ASSAY_CHECK(only_tensors(c, value.type, "output '" + value.name + "' of graph '" + std::string(attr) + "'"));
  return value.type;
}

Status one_element(const InferContext& c, const ir::Type& type, ir::ElemType elem, std::string_view what) {
  const bool right_type =
      type.kind == ir::Type::Kind::tensor && (type.elem == elem || type.elem == ir::ElemType::undefined);
  const bool one =
      !type.ranked() || std::ranges::all_of(*type.shape, [](const ir::Dim& d) { return !d.known() || d.value == 1; });
  if (right_type && one) return {};
  return c.fail("nested_c4",
                std::string(what) + " is " + to_string(type) + ", not one " + std::string(ir::elem_name(elem)));
}

}  // namespace assay::ops
