// Lists of tensors of one shape: a list is a tensor whose first axis counts its elements, so that it passes through
// loops and branches as any value does. A list grows, by zeros, when something is written behind its end: types do not
// tell those of a fixed length apart.
#include <algorithm>

#include "coreml/lift/extents.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

void lift_make_list(MilLift& c) {
  const mil::DataTypeRow* dtype = mil::data_type_named(c.text("dtype", "fp32"));
  if (dtype == nullptr) return c.bad("dtype '" + c.text("dtype", "") + "'");
  auto elem = ir_type(mil::Type::scalar(dtype->type));
  if (!elem.ok()) return c.fail(elem.error());
  if (!c.has("elem_shape")) return c.unsupported("the shape of the list's elements is not declared");
  Extents dims = {c.has("init_length") ? elements(c, as_int64_vector(c, c.in("init_length"))).front() : Extent(1)};
  for (const ValueId v : c.all("elem_shape")) {
    const ir::Tensor* t = c.constant(v);
    if (t == nullptr || t->elem() == ir::ElemType::string || t->size() != 1)
      return c.unsupported("the shape of the list's elements is known at run time alone");
    dims.emplace_back(t->int_at(0));
  }
  ir::Tensor zero = ir::Tensor::allocate(elem->elem, {1});
  ir::is_float(elem->elem) ? zero.set_float(0, 0) : zero.set_int(0, 0);
  c.result(c.op("ConstantOfShape", {as_vector(c, dims)}, {{"value", std::move(zero)}}));
}

/// The list, at least as long as the highest index needs.
ValueId grown(MilLift& c, ValueId list, ValueId indices) {
  const int64_t length = c.dim(list, 0);
  const ir::Tensor* known = c.constant(indices);
  if (known != nullptr && std::ranges::all_of(known->ints(), [&](int64_t i) { return i < length; })) return list;
  const ValueId highest = c.op("ReduceMax", {indices}, {{"keepdims", int64_t{0}}});
  const ValueId wanted = c.unsqueeze(c.op("Add", {highest, c.integer(1)}), {0});
  const ValueId missing = c.op("Sub", {wanted, as_value(c, extent(c, list, 0))});
  const ValueId pads = c.op("Concat", {c.ints({0}), c.op("Max", {missing, c.ints({0})})}, {{"axis", int64_t{0}}});
  return c.op("Pad", {list, pads, ir::kNoValue, c.ints({0})});
}

void scatter(MilLift& c, ValueId indices, ValueId values) {
  const ValueId list = grown(c, c.in("ls"), indices);
  c.result(c.op("ScatterND", {list, c.unsqueeze(indices, {1}), values}));
}
void lift_list_write(MilLift& c) {
  scatter(c, c.reshape(c.as_int64(c.in("index")), {1}), c.unsqueeze(c.in("value"), {0}));
}
void lift_list_scatter(MilLift& c) { scatter(c, as_int64_vector(c, c.in("indices")), c.in("value")); }

void lift_list_read(MilLift& c) {
  const ValueId index = c.as_int64(c.in("index"));
  c.result(c.op("Gather", {c.in("ls"), c.rank(index) == 0 ? index : c.squeeze(index, {0})}, {{"axis", int64_t{0}}}));
}
void lift_list_gather(MilLift& c) {
  c.result(c.op("Gather", {c.in("ls"), as_int64_vector(c, c.in("indices"))}, {{"axis", int64_t{0}}}));
}

void lift_list_length(MilLift& c) { c.result(c.squeeze(as_value(c, extent(c, c.in("ls"), 0)), {0})); }

constexpr MilRow kRows[] = {
    {"list_gather", lift_list_gather},   {"list_length", lift_list_length}, {"list_read", lift_list_read},
    {"list_scatter", lift_list_scatter}, {"list_write", lift_list_write},   {"make_list", lift_make_list},
};

}  // namespace

std::span<const MilRow> mil_list_rows() { return kRows; }

}  // namespace assay::coreml
