#include "ops/inner_op.h"

#include "ops/infer.h"
#include "ops/move.h"

namespace assay::ops {

InnerOp::InnerOp(const KernelContext& context, std::string_view type) : context_(context) {
  op_.type = std::string(type);
  op_.name = context.op.name;
  op_.def = find_op("", type);
  op_.policy = context.policy();
  op_.policy.result.reset();
}

InnerOp& InnerOp::attr(std::string_view name, ir::AttrValue value) {
  op_.set_attr(name, std::move(value));
  return *this;
}

InnerOp& InnerOp::in(ir::Tensor tensor) {
  const ir::ValueId id =
      graph_.add_value("in" + std::to_string(op_.inputs.size()), ir::Type::of(tensor.elem(), tensor.dims()));
  // Axes and shapes: inference reads them.
  if (!ir::is_float(tensor.elem())) graph_.at(id).constant = std::make_shared<ir::Tensor>(tensor);
  op_.inputs.push_back(id);
  inputs_.push_back(std::move(tensor));
  return *this;
}

InnerOp& InnerOp::absent() {
  op_.inputs.push_back(ir::kNoValue);
  inputs_.emplace_back();
  return *this;
}

Result<ir::Tensor> InnerOp::run() {
  const auto placed = [this](Error e) {
    e.where = context_.graph.describe(context_.op);
    return e;
  };
  op_.outputs = {graph_.add_value("out", {})};
  std::vector<const ir::Value*> values;
  for (const ir::ValueId id : op_.inputs) values.push_back(id == ir::kNoValue ? nullptr : &graph_.at(id));
  InferContext infer(graph_, op_, values);
  if (Status status = op_.def->infer(infer); !status.ok()) return placed(std::move(status).error());
  graph_.at(op_.outputs[0]).type = infer.outputs()[0].value_or(ir::Type{});
  KernelContext inner(graph_, op_, context_.threads);
  for (size_t i = 0; i < inputs_.size(); ++i)
    inner.inputs.push_back(op_.inputs[i] == ir::kNoValue ? nullptr : &inputs_[i]);
  inner.outputs.emplace_back();
  if (const ir::Type& type = graph_.at(op_.outputs[0]).type; type.is_static()) {
    if (Status status = check_size(inner, type.dims()); !status.ok()) return placed(std::move(status).error());
    inner.allocate(0, type.dims());
  }
  if (Status status = op_.def->eval(inner); !status.ok()) return placed(std::move(status).error());
  return std::move(inner.outputs[0]);
}

Result<ir::Type> infer_as(const InferContext& context, std::string_view type, std::span<const size_t> inputs,
                          const ir::Tensor* extra) {
  ir::Graph graph;
  ir::Op op{.domain = {}, .type = std::string(type), .name = context.op().name};
  op.attrs = context.op().attrs;
  op.def = find_op("", type);
  for (const size_t i : inputs) {
    ir::Type t = context.type(i);
    if (t.elem != ir::ElemType::boolean) t.elem = ir::ElemType::float32;
    op.inputs.push_back(graph.add_value("in" + std::to_string(i), std::move(t)));
  }
  if (extra) op.inputs.push_back(graph.add_constant("extra", *extra));
  op.outputs = {graph.add_value("out", {})};
  std::vector<const ir::Value*> values;
  for (const ir::ValueId id : op.inputs) values.push_back(&graph.at(id));
  InferContext inner(graph, op, values);
  if (Status status = op.def->infer(inner); !status.ok()) {
    Error e = std::move(status).error();
    e.where = context.where();
    return e;
  }
  return inner.outputs()[0].value_or(ir::Type{});
}

ir::ElemType compute_type(const KernelContext& context) {
  return computes_float64(context) ? ir::ElemType::float64 : ir::ElemType::float32;
}

ir::Tensor widened(const KernelContext& context, size_t i) {
  const ir::Tensor& from = context.in(i);
  const ir::ElemType type = compute_type(context);
  if (from.elem() == type) return from;
  ir::Tensor to = ir::Tensor::allocate(type, from.dims());
  for (int64_t k = 0; k < from.size(); ++k) to.set_float(k, from.float_at(k));
  return to;
}

}  // namespace assay::ops
