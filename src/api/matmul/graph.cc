#include "api/matmul/graph.h"

#include "ops/def.h"

namespace assay::api {

ir::Graph product_graph(const ir::Tensor& right) {
  ir::Graph graph;
  const ir::Type type = ir::Type::of(ir::ElemType::float32, right.dims());
  const ir::ValueId a = graph.add_value("a", type), b = graph.add_constant("b", right), c = graph.add_value("c", type);
  ir::Op op{.domain = "", .type = "MatMul", .name = "product"};
  op.inputs = {a, b};
  op.outputs = {c};
  op.def = ops::find_op("", "MatMul");
  graph.add_op(std::move(op));
  graph.inputs = {a};
  graph.outputs = {c};
  return graph;
}

}  // namespace assay::api
