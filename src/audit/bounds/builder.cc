#include "audit/bounds/builder.h"

#include <limits>

#include "ops/def.h"

namespace assay::audit {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

ir::Type float64() { return ir::Type::tensor(ir::ElemType::float64); }
}  // namespace

using ir::kNoValue;
using ir::ValueId;

ValueId Builder::op(const char* type, std::vector<ValueId> inputs, std::vector<ir::Attr> attrs) {
  ir::Op op;
  op.type = type;
  op.attrs = std::move(attrs);
  op.def = ops::find_op("", type);
  return clone(op, std::move(inputs))[0];
}

std::vector<ValueId> Builder::clone(const ir::Op& like, std::vector<ValueId> inputs) {
  ir::Op op;
  op.domain = like.domain;
  op.type = like.type;
  op.attrs = like.attrs;
  op.def = like.def;
  op.policy.attribute = like.policy.attribute;
  op.policy.compute = num::FormatId::float64;
  op.inputs = std::move(inputs);
  for (size_t i = 0; i < std::max<size_t>(like.outputs.size(), 1); ++i) {
    if (i < like.outputs.size() && like.outputs[i] == kNoValue) {
      op.outputs.push_back(kNoValue);
      continue;
    }
    op.outputs.push_back(graph.add_value(graph.fresh_name("b"), float64()));
    graph.at(op.outputs.back()).storage = ir::ElemType::float64;
  }
  std::vector<ValueId> outputs = op.outputs;
  graph.add_op(std::move(op));
  return outputs;
}

ValueId Builder::constant(double value) {
  ir::Tensor t = ir::Tensor::allocate(ir::ElemType::float64, {});
  t.mutable_data<double>()[0] = value;
  return constant(std::move(t));
}

ValueId Builder::constant(const ir::Dims& ints) {
  const ValueId id = graph.add_constant(graph.fresh_name("c"), ir::Tensor::of_ints(ints));
  graph.at(id).storage = ir::ElemType::int64;
  return id;
}

ValueId Builder::constant(ir::Tensor float64) {
  const ValueId id = graph.add_constant(graph.fresh_name("c"), std::move(float64));
  graph.at(id).storage = ir::ElemType::float64;
  return id;
}

ValueId Builder::times(ValueId x, double factor) { return x == kNoValue ? x : mul(x, constant(factor)); }

ValueId Builder::plus(ValueId x, double term) { return op("Add", {x, constant(term)}); }

ValueId Builder::add(ValueId x, ValueId y) {
  if (x == kNoValue || y == kNoValue) return x == kNoValue ? y : x;
  return op("Add", {x, y});
}

ValueId Builder::sub(ValueId x, ValueId y) { return y == kNoValue ? x : op("Sub", {x, y}); }

ValueId Builder::unless_over(ValueId x, double limit, ValueId radius) {
  if (limit == kInfinity) return radius;
  const ValueId over = op("GreaterOrEqual", {x, constant(limit)});
  graph.at(over).type.elem = graph.at(over).storage = ir::ElemType::boolean;
  return op("Where", {over, constant(kInfinity), radius});
}

ValueId Builder::where_positive(ValueId x, ValueId radius) {
  const ValueId positive = op("Greater", {x, constant(0.0)});
  graph.at(positive).type.elem = graph.at(positive).storage = ir::ElemType::boolean;
  return op("Where", {positive, radius, constant(kInfinity)});
}

ValueId Builder::to_float64(ValueId x) {
  return op("Cast", {x}, {{"to", static_cast<int64_t>(ir::ElemType::float64)}});
}

}  // namespace assay::audit
