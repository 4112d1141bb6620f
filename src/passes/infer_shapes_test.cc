#include "passes/infer_shapes.h"

#include <gtest/gtest.h>

#include "passes/testing.h"

namespace assay::passes {
namespace {
using ir::Dim;
using ir::ElemType;
using ir::ValueId;

ValueId ints(ir::Graph& g, const ir::Dims& values) {
  return g.add_constant(g.fresh_name("c"), ir::Tensor::of_ints(values));
}

/// x[n,3,h,w] -> Shape -> Gather 0, Gather 1 -> Concat(n, c, -1) -> Reshape: what exporters write for a flatten.
ir::Graph flatten() {
  ir::Graph g;
  const ValueId x =
      g.add_value("x", ir::Type::tensor(ElemType::float32, std::vector<Dim>{Dim("n"), 3, Dim("h"), Dim("w")}));
  g.inputs = {x};
  const ValueId shape = add(g, "Shape", {x}, "shape");
  const ValueId n = add(g, "Gather", {shape, ints(g, {0})}, "n");
  const ValueId c = add(g, "Gather", {shape, ints(g, {1})}, "c3");
  const ValueId target = add(g, "Concat", {n, c, ints(g, {-1})}, "target", {{"axis", int64_t{0}}});
  g.outputs = {add(g, "Reshape", {x, target}, "y")};
  return g;
}

TEST(InferShapes, FollowsPartlyKnownShapes) {
  ir::Graph g = flatten();
  ASSERT_TRUE(infer_shapes(g).ok());
  EXPECT_EQ(to_string(g.at(g.outputs[0]).type), "float32[n,3,?]");
  ASSERT_TRUE(g.at(*g.find("c3")).constant);
  EXPECT_EQ(g.at(*g.find("c3")).constant->ints(), ir::Dims{3});
  EXPECT_FALSE(g.at(*g.find("n")).constant);
  EXPECT_EQ(g.ops.size(), 4U);  // the gathered 3 is folded
}

TEST(InferShapes, FoldsTheChainOnceShapesAreKnown) {
  const auto g = specialise(flatten(), {{"x", {2, 3, 4, 5}}});
  ASSERT_TRUE(g.ok()) << g.error().message;
  EXPECT_EQ(to_string(g->at(g->outputs[0]).type), "float32[2,3,20]");
  ASSERT_EQ(g->ops.size(), 1U);
  EXPECT_EQ(g->ops[0].type, "Reshape");
  EXPECT_EQ(g->at(g->ops[0].inputs[1]).constant->ints(), (ir::Dims{2, 3, -1}));
}

/// A slice of known data up to an unknown end, as embeddings of positions are written: the end may lie inside.
TEST(InferShapes, KnowsNothingOfSlicesWithUnknownBounds) {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::tensor(ElemType::int64, std::vector<Dim>{Dim("n")}));
  g.inputs = {x};
  const ValueId data = ints(g, {0, 1, 2, 3, 4, 5, 6, 7});
  g.outputs = {add(g, "Slice", {data, ints(g, {0}), add(g, "Shape", {x}, "n")}, "y")};
  ASSERT_TRUE(infer_shapes(g).ok());
  EXPECT_EQ(to_string(g.at(g.outputs[0]).type), "int64[?]");
  EXPECT_EQ(g.at(g.outputs[0]).constant, nullptr);
  const auto known = specialise(g, {{"x", {3}}});
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(known->at(known->outputs[0]).constant->ints(), (ir::Dims{0, 1, 2}));
}

TEST(InferShapes, RefusesShapesThatTheModelDoesNotDeclare) {
  EXPECT_EQ(specialise(flatten(), {{"x", {2, 4, 4, 5}}}).error().code, Code::data_shape);
  EXPECT_EQ(specialise(flatten(), {{"z", {2, 4, 4, 5}}}).error().code, Code::data_missing);
}

TEST(InferShapes, ChecksElementTypesBeforeRulesRun) {
  ir::Graph g = flatten();
  g.at(g.ops[3].inputs[2]).type.elem = ElemType::float32;
  EXPECT_EQ(infer_shapes(g).error().code, Code::model_invalid);
}

TEST(InferShapes, RefusesAbsurdResults) {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::of(ElemType::float32, {1}));
  g.inputs = {x};
  g.outputs = {add(g, "Expand", {x, ints(g, {1 << 30, 1 << 30})}, "y")};
  EXPECT_EQ(infer_shapes(g).error().code, Code::limit_exceeded);
}

TEST(InferShapes, NestedGraphsSeeWhatTheyCapture) {
  ir::Graph g;
  const ValueId x = g.add_value("x", ir::Type::of(ElemType::float32, {2, 3}));
  g.inputs = {x};
  auto body = std::make_shared<ir::Graph>();
  const ValueId inner = body->add_value("x", {});
  body->captures = {{inner, x}};
  body->outputs = {add(*body, "Shape", {inner}, "s")};
  ir::Op op{.domain = "", .type = "If", .name = ""};
  op.outputs = {g.add_value("y", {})};
  op.attrs = {{"then_branch", body}};
  g.add_op(op);
  g.outputs = op.outputs;
  ASSERT_TRUE(infer_shapes(g).ok());
  const auto& done = *std::get<std::shared_ptr<ir::Graph>>(g.ops[0].attrs[0].value);
  EXPECT_EQ(done.at(done.outputs[0]).constant->ints(), (ir::Dims{2, 3}));
  EXPECT_FALSE(body->at(body->outputs[0]).constant) << "the shared graph must not change";
}

}  // namespace
}  // namespace assay::passes
