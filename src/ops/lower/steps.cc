#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

std::vector<float> as_floats(const ir::Dims& values) { return {values.begin(), values.end()}; }

}  // namespace

ir::Dims axes_between(int64_t first, int64_t last) {
  ir::Dims axes;
  for (int64_t k = first; k < last; ++k) axes.push_back(k);
  return axes;
}

MilValue MilSteps::in(size_t i) {
  if (inside_ == Inside::declared || c.elem(i) != ir::ElemType::float16) return c.in(i);
  const ir::Tensor* known = c.constant(i);
  if (known == nullptr) return c.cast(c.in(i), mil::DataType::float32);
  std::vector<float> values(static_cast<size_t>(known->size()));
  for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(known->float_at(static_cast<int64_t>(k)));
  mil::Value held = mil::of_floats(values, mil::DataType::float32);
  held.type.dims = known->dims();
  return c.constant_value(std::move(held));
}

Status MilSteps::result(const Value& value, size_t output) {
  const bool narrows = inside_ == Inside::single && c.wants(output) &&
                       c.graph.at(c.op.outputs[output]).type.elem == ir::ElemType::float16;
  return c.result(narrows ? c.cast(value, mil::DataType::float16) : value, output);
}

MilValue MilSteps::div(double a, const Value& b) {
  return c.binary("real_div", c.constant_value(mil::of_float(static_cast<float>(a), b.data())), b);
}

MilValue MilSteps::zero_where_zero(const Value& a, const Value& otherwise) {
  const Value zero = c.constant_value(mil::of_float(0, a.data()));
  return c.select(c.compare("equal", a, zero), zero, otherwise);
}

MilValue MilSteps::reduce(std::string_view type, const Value& x, const ir::Dims& axes) {
  mil::Dims dims = x.dims();
  for (const int64_t axis : axes) dims[static_cast<size_t>(axis)] = 1;
  return c.make(type, {{"x", x}, {"axes", MilContext::ints(axes)}, {"keep_dims", mil::of_bool(true)}},
                mil::Type::tensor(x.data(), std::move(dims)));
}

MilValue MilSteps::matmul(const Value& a, const Value& b) {
  const auto batch = [](const Value& v) {
    return mil::Type::tensor(v.data(), mil::Dims(v.dims().begin(), v.dims().end() - 2));
  };
  mil::Dims dims = broadcast_dims(*batch(a).dims, *batch(b).dims);
  dims.push_back(a.dims()[a.dims().size() - 2]);
  dims.push_back(b.dims().back());
  return c.make("matmul",
                {{"x", a}, {"y", b}, {"transpose_x", mil::of_bool(false)}, {"transpose_y", mil::of_bool(false)}},
                mil::Type::tensor(a.data(), std::move(dims)));
}

MilValue MilSteps::concat(const std::vector<Value>& values, int64_t axis) {
  if (values.size() == 1) return values.front();
  mil::Dims dims = values.front().dims();
  int64_t& extent = dims[static_cast<size_t>(axis)];
  for (size_t i = 1; i < values.size(); ++i) {
    const int64_t more = values[i].dims()[static_cast<size_t>(axis)];
    extent = extent < 0 || more < 0 ? mil::kUnknownDim : extent + more;
  }
  return c.make(
      "concat",
      {{"values", values}, {"axis", mil::of_int(static_cast<int32_t>(axis))}, {"interleave", mil::of_bool(false)}},
      mil::Type::tensor(values.front().data(), std::move(dims)));
}

MilValue MilSteps::slice(const Value& x, int64_t axis, int64_t begin, int64_t end, size_t rank) {
  ir::Dims from(rank, 0), to(rank, 0);
  std::vector<bool> open(rank, true);
  const auto at = static_cast<size_t>(axis);
  from[at] = begin;
  to[at] = end;
  open[at] = false;
  mil::Dims dims = x.dims();
  dims[at] = end - begin;
  return c.make("slice_by_index",
                {{"x", x},
                 {"begin", MilContext::ints(from)},
                 {"end", MilContext::ints(to)},
                 {"stride", MilContext::ints(ir::Dims(rank, 1))},
                 {"begin_mask", mil::of_bools(open)},
                 {"end_mask", mil::of_bools(open)},
                 {"squeeze_mask", mil::of_bools(std::vector<bool>(rank, false))}},
                mil::Type::tensor(x.data(), std::move(dims)));
}

MilValue MilSteps::reversed(const Value& x, int64_t axis, size_t) {
  return c.make("reverse", {{"x", x}, {"axes", MilContext::ints({axis})}}, x.type);
}

MilValue MilSteps::floats(const std::vector<float>& data, const ir::Dims& dims) {
  mil::Value value = c.numbers(data);
  value.type.dims = dims;
  return c.constant_value(std::move(value));
}

MilValue MilSteps::gather(const Value& x, const ir::Dims& indices, int64_t axis) {
  mil::Dims dims = x.dims();
  dims[static_cast<size_t>(axis)] = static_cast<int64_t>(indices.size());
  return c.make("gather",
                {{"x", x}, {"indices", MilContext::ints(indices)}, {"axis", mil::of_int(static_cast<int32_t>(axis))}},
                mil::Type::tensor(x.data(), std::move(dims)));
}

std::string NnSteps::unary(const Value& a, int64_t function) {
  return c.make("unary", {a}, c.params("unary").set("type", function).set("scale", 1.0));
}

std::string NnSteps::activation(const Value& a, std::string_view function) {
  mil::Message params = c.params("activation");
  params.set(function, params.make(function));
  return c.make("activation", {a}, std::move(params));
}

std::string NnSteps::zero_where_zero(const Value& a, const Value& otherwise) {
  const std::string zero = c.make("equal", {a, c.number(0)});
  return c.make("whereBroadcastable", {zero, c.number(0), otherwise});
}

std::string NnSteps::reduce(std::string_view kind, const Value& x, const ir::Dims& axes) {
  return c.make(kind, {x}, c.params(kind).set("axes", axes).set("keepDims", int64_t{1}));
}

std::string NnSteps::reshape(const Value& x, const ir::Dims& dims) {
  return c.make("reshapeStatic", {x}, c.params("reshapeStatic").set("targetShape", dims));
}

std::string NnSteps::transpose(const Value& x, const ir::Dims& perm) {
  return c.make("transpose", {x}, c.params("transpose").set("axes", perm));
}

std::string NnSteps::expand(const Value& x, const ir::Dims& axes) {
  return c.make("expandDims", {x}, c.params("expandDims").set("axes", axes));
}

std::string NnSteps::squeeze(const Value& x, const ir::Dims& axes) {
  return c.make("squeeze", {x}, c.params("squeeze").set("axes", axes));
}

std::string NnSteps::concat(const std::vector<Value>& values, int64_t axis) {
  if (values.size() == 1) return values.front();
  return c.make("concatND", values, c.params("concatND").set("axis", axis));
}

std::string NnSteps::slice(const Value& x, int64_t axis, int64_t begin, int64_t end, size_t rank) {
  ir::Dims from(rank, 0), to(rank, 0), open(rank, 1);
  const auto at = static_cast<size_t>(axis);
  from[at] = begin;
  to[at] = end;
  open[at] = 0;
  mil::Message params = c.params("sliceStatic");
  params.set("beginIds", from).set("beginMasks", open).set("endIds", to).set("endMasks", open);
  params.set("strides", ir::Dims(rank, 1)).set("squeezeMasks", ir::Dims(rank, 0));
  return c.make("sliceStatic", {x}, std::move(params));
}

std::string NnSteps::reversed(const Value& x, int64_t axis, size_t rank) {
  ir::Dims turned(rank, 0);
  turned[static_cast<size_t>(axis)] = 1;
  return c.make("reverse", {x}, c.params("reverse").set("reverseDim", turned));
}

std::string NnSteps::floats(const std::vector<float>& data, const ir::Dims& dims) {
  return c.make("loadConstantND", {}, c.params("loadConstantND").set("shape", dims).set("data", c.weights(data)));
}

std::string NnSteps::gather(const Value& x, const ir::Dims& indices, int64_t axis) {
  const Value at = floats(as_floats(indices), {static_cast<int64_t>(indices.size())});
  return c.make("gather", {x, at}, c.params("gather").set("axis", axis));
}

}  // namespace assay::ops
