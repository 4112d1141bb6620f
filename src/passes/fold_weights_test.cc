#include "passes/fold_weights.h"

#include <gtest/gtest.h>

#include "passes/infer_shapes.h"
#include "passes/testing.h"

namespace assay::passes {
namespace {
using ir::Dim;
using ir::ElemType;
using ir::ValueId;

/// x + Unsqueeze(Concat(w[2:3], w[0:2])): two rows change places on their way to where they are read.
TEST(FoldWeights, BytesThatMoveBecomeConstants) {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::tensor(ElemType::float32, std::vector<Dim>{1, 3}));
  const float numbers[] = {1, 2, 3};
  const ValueId w = g.add_constant("w", ir::Tensor::of<float>(ElemType::float32, {3}, numbers));
  const auto at = [&](int64_t i) { return g.add_constant(g.fresh_name("at"), ir::Tensor::of_ints({i})); };
  const ValueId last = add(g, "Slice", {w, at(2), at(3)}, "last");
  const ValueId first = add(g, "Slice", {w, at(0), at(2)}, "first");
  const ValueId turned = add(g, "Concat", {last, first}, "turned", {{"axis", int64_t{0}}});
  const ValueId row = add(g, "Unsqueeze", {turned, at(0)}, "row");
  g.inputs = {x};
  g.outputs = {add(g, "Add", {x, row}, "y")};
  ASSERT_TRUE(infer_shapes(g).ok());
  ASSERT_EQ(g.ops.size(), 5U);
  ASSERT_TRUE(fold_moved_weights(g).ok());
  ASSERT_EQ(g.ops.size(), 1U);
  const auto& folded = g.at(g.ops[0].inputs[1]).constant;
  ASSERT_TRUE(folded);
  EXPECT_EQ(folded->dims(), (ir::Dims{1, 3}));
  EXPECT_EQ(folded->float_at(0), 3);
  EXPECT_EQ(folded->float_at(2), 2);
}

TEST(FoldWeights, ArithmeticStays) {
  ir::Graph g;
  const float numbers[] = {1, 2};
  const ValueId w = g.add_constant("w", ir::Tensor::of<float>(ElemType::float32, {2}, numbers));
  g.outputs = {add(g, "Add", {w, w}, "y")};
  ASSERT_TRUE(infer_shapes(g).ok());
  ASSERT_TRUE(fold_moved_weights(g).ok());
  EXPECT_EQ(g.ops.size(), 1U);
}

}  // namespace
}  // namespace assay::passes
