#include "audit/search/units.h"

#include <gtest/gtest.h>

#include "ops/def.h"

namespace assay::audit {
namespace {

ir::ValueId add(ir::Graph& g, const char* type, std::vector<ir::ValueId> inputs, const char* out,
                ir::ElemType elem = ir::ElemType::float32) {
  ir::Op op{.domain = "", .type = type, .name = out};
  op.def = ops::find_op("", type);
  op.inputs = std::move(inputs);
  op.outputs = {g.add_value(out, ir::Type::of(elem, {2}))};
  return g.ops[g.add_op(std::move(op))].outputs[0];
}

struct Chain {
  ir::Graph graph;
  ir::ValueId x = graph.add_value("x", ir::Type::of(ir::ElemType::float32, {2}));
};

std::vector<bool> flags(std::initializer_list<int> bits) { return std::vector<bool>(bits.begin(), bits.end()); }

Chain moved() {
  Chain c;
  c.graph.inputs = {c.x};
  const auto tanh = add(c.graph, "Tanh", {c.x}, "tanh");
  const auto moved = add(c.graph, "Transpose", {tanh}, "moved");
  c.graph.outputs = {add(c.graph, "Exp", {moved}, "exp")};
  return c;
}

TEST(Units, WhatMovesIsNoUnit) {
  const Chain c = moved();
  const Units units = Units::of(c.graph, nullptr);
  ASSERT_EQ(units.size(), 2U);
  EXPECT_EQ(units.main(0), 0U);
  EXPECT_EQ(units.main(1), 2U);
}

TEST(Units, WhatMovesStaysWhereItCarriesFloat32ToAReader) {
  const Chain c = moved();
  const Units units = Units::of(c.graph, nullptr);
  EXPECT_EQ(units.spread({false, false}), flags({0, 0, 0}));
  EXPECT_EQ(units.spread({true, true}), flags({1, 1, 1}));
  EXPECT_EQ(units.spread({true, false}), flags({1, 0, 0}));  // rounded first, then moved
  EXPECT_EQ(units.spread({false, true}), flags({0, 0, 1}));
}

TEST(Units, InputsOfTheGraphAreFloat32) {
  Chain c;
  c.graph.inputs = {c.x};
  const auto moved = add(c.graph, "Transpose", {c.x}, "moved");
  c.graph.outputs = {add(c.graph, "Exp", {moved}, "exp")};
  const Units units = Units::of(c.graph, nullptr);
  EXPECT_EQ(units.spread({true}), flags({1, 1}));
  EXPECT_EQ(units.spread({false}), flags({0, 0}));
}

TEST(Units, ConstantsThatAreMovedComeUnrounded) {
  Chain c;
  c.graph.inputs = {c.x};
  const auto bias = c.graph.add_constant("bias", ir::Tensor::allocate(ir::ElemType::float32, {2}));
  const auto moved = add(c.graph, "Transpose", {bias}, "moved");
  c.graph.outputs = {add(c.graph, "Add", {c.x, moved}, "sum")};
  const Units units = Units::of(c.graph, nullptr);
  EXPECT_EQ(units.spread({true}), flags({1, 1}));
  EXPECT_EQ(units.spread({false}), flags({0, 0}));
}

TEST(Units, WhatComparesReadsFloat32WhereThereIsSome) {
  Chain c;
  c.graph.inputs = {c.x};
  const auto exp = add(c.graph, "Exp", {c.x}, "exp");
  c.graph.outputs = {add(c.graph, "ArgMax", {exp}, "best", ir::ElemType::int64)};
  const Units units = Units::of(c.graph, nullptr);
  ASSERT_EQ(units.size(), 1U);
  EXPECT_EQ(units.spread({true}), flags({1, 1}));
  EXPECT_EQ(units.spread({false}), flags({0, 0}));
}

TEST(Units, FixedOperationsAreNoUnitsAndStay) {
  const Chain c = moved();
  const Units units = Units::of(c.graph, nullptr, {false, false, true});
  ASSERT_EQ(units.size(), 1U);
  EXPECT_TRUE(units.is_fixed(2));
  EXPECT_EQ(units.spread({false}), flags({0, 0, 1}));
  EXPECT_EQ(units.spread({true}), flags({1, 1, 1}));
}

}  // namespace
}  // namespace assay::audit
