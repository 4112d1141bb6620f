#include "ops/legacy_broadcast.h"

namespace assay::ops {
namespace {

ir::Type int64_vector() { return ir::Type::tensor(ir::ElemType::int64); }

ir::ValueId shape_of(UpgradeContext& c, ir::ValueId value, int64_t start) {
  ir::Op shape{.domain = {}, .type = "Shape", .name = {}, .inputs = {value}};
  if (start != 0) shape.set_attr("start", start);
  return c.insert_before(std::move(shape), int64_vector());
}

}  // namespace

Status upgrade_broadcast(UpgradeContext& c) {
  const bool broadcasts = c.op.attr_int("broadcast", 0) != 0;
  const bool has_axis = c.op.has_attr("axis");
  int64_t axis = c.op.attr_int("axis", 0);
  c.op.remove_attr("broadcast");
  c.op.remove_attr("axis");
  c.op.remove_attr("consumed_inputs");
  if (!broadcasts || !has_axis || !c.op.has_input(0) || !c.op.has_input(1)) return {};
  const ir::Type a = c.type(0);
  const ir::Type b = c.type(1);
  if (!b.ranked()) return c.fail("the rank of a broadcast operand is not known");
  const auto rank = static_cast<int64_t>(b.shape->size());
  if (axis < 0) {
    if (!a.ranked()) return c.fail("a negative broadcast axis of an operand of unknown rank");
    axis += static_cast<int64_t>(a.shape->size());
  }
  // The new shape is B's, then one 1 for each axis of A behind axis + rank.
  const ir::ValueId tail = shape_of(c, c.op.inputs[0], axis + rank);
  const ir::ValueId count = shape_of(c, tail, 0);
  ir::Op ones{.domain = {}, .type = "ConstantOfShape", .name = {}, .inputs = {count}};
  ones.set_attr("value", ir::Tensor::of_ints({1}));
  const ir::ValueId trailing = c.insert_before(std::move(ones), int64_vector());
  ir::Op concat{.domain = {}, .type = "Concat", .name = {}, .inputs = {shape_of(c, c.op.inputs[1], 0), trailing}};
  concat.set_attr("axis", int64_t{0});
  const ir::ValueId shape = c.insert_before(std::move(concat), int64_vector());
  ir::Op reshape{.domain = {}, .type = "Reshape", .name = {}, .inputs = {c.op.inputs[1], shape}};
  c.op.inputs[1] = c.insert_before(std::move(reshape), ir::Type::tensor(b.elem));
  return {};
}

}  // namespace assay::ops
