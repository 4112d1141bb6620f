#include "coreml/lift/builder.h"

#include <algorithm>

#include "coreml/file/limits.h"
#include "ops/def.h"
#include "ops/propagate.h"

namespace assay::coreml {

void GraphBuilder::begin(std::string kind, std::string name) {
  kind_ = std::move(kind);
  name_ = std::move(name);
}

void GraphBuilder::fail(Error error) {
  if (error_) return;
  if (error.where.empty()) error.where = kind_ + (name_.empty() ? "" : " '" + name_ + "'");
  error_ = std::move(error);
}

Status GraphBuilder::status() const { return error_ ? Status(*error_) : Status(); }

std::vector<ValueId> GraphBuilder::ops(std::string_view type, std::vector<ValueId> inputs, size_t outputs,
                                       std::vector<ir::Attr> attrs) {
  ir::Op op;
  const size_t dot = type.rfind('.');
  op.domain = dot == std::string_view::npos ? "" : type.substr(0, dot);
  op.type = dot == std::string_view::npos ? type : type.substr(dot + 1);
  op.name = name_;
  op.origin = kind_;
  op.inputs = std::move(inputs);
  while (!op.inputs.empty() && op.inputs.back() == ir::kNoValue) op.inputs.pop_back();
  op.attrs = std::move(attrs);
  op.def = ::assay::ops::find_op(op.domain, op.type);
  for (size_t i = 0; i < outputs; ++i) {
    op.outputs.push_back(graph.add_value(graph.fresh_name(name_.empty() ? op.type : name_ + "/" + op.type), {}));
    graph.at(op.outputs.back()).inside = true;
  }
  const std::vector<ValueId> results = op.outputs;
  if (error_) return results;
  if (op.def == nullptr) {
    fail({Code::internal, "no operator '" + std::string(type) + "' to lift to", "", "please report this"});
    return results;
  }
  const auto known = ::assay::ops::propagate(graph, op, graph.values);
  if (!known.ok()) {
    fail(known.error());
    return results;
  }
  if (!*known) graph.add_op(std::move(op));
  return results;
}

std::vector<ValueId> GraphBuilder::unread(const std::vector<ValueId>& inputs, std::vector<ir::Type> results) {
  ir::Op op{.domain = "", .type = kind_, .name = name_, .origin = kind_};
  op.inputs = inputs;
  for (ir::Type& type : results) op.outputs.push_back(graph.add_value(graph.fresh_name(kind_), std::move(type)));
  const std::vector<ValueId> values = op.outputs;
  graph.add_op(std::move(op));
  return values;
}

ValueId GraphBuilder::op(std::string_view type, std::vector<ValueId> inputs, std::vector<ir::Attr> attrs) {
  return ops(type, std::move(inputs), 1, std::move(attrs)).front();
}

ValueId GraphBuilder::weight(ir::Tensor tensor, std::string_view stem) {
  return graph.add_constant(graph.fresh_name(name_.empty() ? stem : name_ + "/" + std::string(stem)),
                            std::move(tensor));
}

ValueId GraphBuilder::parameter(ir::Tensor tensor, std::string_view stem) {
  const ValueId id = weight(std::move(tensor), stem);
  graph.at(id).parameter = true;
  return id;
}

ValueId GraphBuilder::filled(double value, int64_t n, ValueId like) {
  if (n > kMaxImplied) {
    fail({Code::limit_exceeded, "a constant of " + std::to_string(n) + " equal numbers is implied", "",
          "check the shapes of the model"});
    n = 0;
  }
  ir::Tensor tensor = ir::Tensor::allocate(elem(like), {n});
  for (int64_t i = 0; i < n; ++i) tensor.set_float(i, value);
  return parameter(std::move(tensor), value == 0 ? "zeros" : "ones");
}

ValueId GraphBuilder::ints(const ir::Dims& values) { return parameter(ir::Tensor::of_ints(values), "ints"); }
ValueId GraphBuilder::integer(int64_t value) { return parameter(ir::Tensor::scalar(value), "integer"); }

ValueId GraphBuilder::number(double value, ValueId like) {
  ir::Tensor tensor = ir::Tensor::allocate(elem(like), {});
  if (ir::is_float(elem(like)))
    tensor.set_float(0, value);
  else
    tensor.set_int(0, static_cast<int64_t>(value));
  return parameter(std::move(tensor), "number");
}

ValueId GraphBuilder::cast(ValueId x, ir::ElemType to) {
  if (elem(x) == to) return x;
  return op("Cast", {x}, {{"to", static_cast<int64_t>(to)}});
}

ValueId GraphBuilder::reshape(ValueId x, const ir::Dims& dims) {
  if (type(x).is_static() && type(x).dims() == dims) return x;
  return op("Reshape", {x, ints(dims)}, {{"allowzero", int64_t{1}}});
}

ValueId GraphBuilder::transpose(ValueId x, const ir::Dims& perm) {
  if (std::ranges::is_sorted(perm)) return x;
  return op("Transpose", {x}, {{"perm", perm}});
}

ValueId GraphBuilder::unsqueeze(ValueId x, const ir::Dims& axes) {
  return axes.empty() ? x : op("Unsqueeze", {x, ints(axes)});
}

ValueId GraphBuilder::squeeze(ValueId x, const ir::Dims& axes) {
  if (axes.empty()) return x;
  // Axes that were only just added.
  if (const ir::OpId id = graph.at(x).producer; id != ir::kNoOp && graph.ops[id].type == "Unsqueeze") {
    const ir::Op& added = graph.ops[id];
    if (const ir::Tensor* known = constant(added.inputs[1]); known != nullptr && known->ints() == axes)
      return added.inputs[0];
  }
  return op("Squeeze", {x, ints(axes)});
}

void settle_insides(ir::Graph& graph) {
  const std::vector<bool> seen = ir::seen_outside_layer(graph);
  for (ValueId id = 0; id < seen.size(); ++id) graph.at(id).inside = graph.at(id).inside && !seen[id];
  for (const ir::Op& op : graph.ops)
    for (const ir::Attr& attr : op.attrs)
      if (const auto* nested = std::get_if<std::shared_ptr<ir::Graph>>(&attr.value)) settle_insides(**nested);
}

void GraphBuilder::name_value(ValueId x, const std::string& name) {
  if (graph.at(x).name != name) graph.at(x).name = graph.fresh_name(name);
}

void GraphBuilder::rename_output(ValueId x, const std::string& name) {
  if (graph.at(x).name == name) return;
  if (const auto holder = graph.find(name)) graph.at(*holder).name = graph.fresh_name(name);
  graph.at(x).name = name;
}

int64_t GraphBuilder::rank(ValueId x) const {
  return type(x).ranked() ? static_cast<int64_t>(type(x).shape->size()) : -1;
}

int64_t GraphBuilder::dim(ValueId x, int64_t axis) const {
  const int64_t r = rank(x);
  if (axis < 0) axis += r;
  return axis < 0 || axis >= r ? -1 : (*type(x).shape)[static_cast<size_t>(axis)].value;
}

}  // namespace assay::coreml
