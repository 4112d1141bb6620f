#include "ops/compose.h"

#include <gtest/gtest.h>

#include "ir/verify.h"
#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::ElemType;
using ir::Type;

/// A node of an operator that is read as its steps.
struct Node {
  ir::Graph graph{};
  ir::Op op{};
  UpgradeContext context{graph, op, 1};

  Node(std::string_view type, const std::vector<Type>& inputs, size_t outputs = 1) {
    op.domain = "com.microsoft";
    op.type = type;
    op.name = "node";
    op.def = find_op(op.domain, op.type);
    EXPECT_NE(op.def, nullptr) << type;
    for (const Type& t : inputs) {
      op.inputs.push_back(graph.add_value("in" + std::to_string(op.inputs.size()), t));
      graph.inputs.push_back(op.inputs.back());
    }
    for (size_t i = 0; i < outputs; ++i) op.outputs.push_back(graph.add_value("out" + std::to_string(i), {}));
    graph.outputs = op.outputs;
  }
  Status read() { return op.def->upgrades[0].apply(context); }
  /// All operations that were built, in the graph.
  std::vector<std::string> types() {
    std::vector<std::string> all;
    for (ir::Op& o : context.before) graph.add_op(std::move(o));
    graph.add_op(op);
    for (const ir::Op& o : graph.ops) all.push_back(o.type);
    return all;
  }
};
const Type kMatrix = Type::of(ElemType::float32, {2, 4});
const Type kVector = Type::of(ElemType::float32, {4});

TEST(Compose, StepsStandInTheNodesPlace) {
  Node node("BiasGelu", {kMatrix, kVector});
  ASSERT_TRUE(node.read().ok());
  EXPECT_EQ(node.types(), (std::vector<std::string>{"Add", "Gelu"}));
  EXPECT_TRUE(ir::verify(node.graph).ok());
  for (const ir::Op& op : node.graph.ops) {
    EXPECT_EQ(op.domain, "");
    EXPECT_EQ(node.graph.describe(op), "com.microsoft.BiasGelu 'node'");
    EXPECT_EQ(op.def, find_op("", op.type));
  }
  // Nothing is left of what a step wrote before it became the node's result.
  EXPECT_EQ(node.graph.values.size(), 4U);
  EXPECT_EQ(to_string(node.graph.at(node.graph.outputs[0]).type), "float32[2,4]");
}

TEST(Compose, NumbersTakeTheTypeOfTheirData) {
  for (const ElemType elem : {ElemType::float32, ElemType::float16, ElemType::float64}) {
    Node node("FusedMatMul", {Type::of(elem, {2, 4}), Type::of(elem, {4, 3})});
    node.op.set_attr("alpha", 0.5f);
    ASSERT_TRUE(node.read().ok());
    ASSERT_EQ(node.types(), (std::vector<std::string>{"MatMul", "Mul"}));
    const ir::Value& alpha = node.graph.at(node.op.inputs[1]);
    EXPECT_EQ(alpha.constant->elem(), elem);
    EXPECT_EQ(alpha.constant->float_at(0), 0.5);
    EXPECT_EQ(node.context.parameters, std::vector{node.op.inputs[1]});  // no storage policy rounds it
  }
  Node unknown("FusedMatMul", {Type{}, Type{}});  // as inputs of functions are
  unknown.op.set_attr("alpha", 0.5f);
  ASSERT_TRUE(unknown.read().ok());
  EXPECT_EQ(unknown.types(), (std::vector<std::string>{"MatMul", "CastLike", "Mul"}));
}

TEST(Compose, ResultsThatAreStepsTooKeepTheirNames) {
  Node node("SkipLayerNormalization", {kMatrix, kMatrix, kVector}, 4);
  node.op.outputs[1] = node.op.outputs[2] = ir::kNoValue;
  node.graph.outputs = {node.op.outputs[0], node.op.outputs[3]};
  ASSERT_TRUE(node.read().ok());
  EXPECT_EQ(node.types(), (std::vector<std::string>{"Add", "LayerNormalization"}));
  EXPECT_TRUE(ir::verify(node.graph).ok());
}

TEST(Compose, WrongNodesAreNamed) {
  Node few("BiasGelu", {kMatrix});
  EXPECT_EQ(few.read().error().message, "input 1 (B) is missing");
  Node types("BiasGelu", {kMatrix, Type::of(ElemType::float16, {4})});
  EXPECT_FALSE(types.read().ok());
  Node opaque("EPContext", {kMatrix});
  const Status refused = opaque.read();
  EXPECT_EQ(refused.error().code, Code::op_unsupported);
  EXPECT_EQ(refused.error().where, "com.microsoft.EPContext 'node'");
  Node extra("SkipSimplifiedLayerNormalization", {kMatrix, kMatrix, kVector}, 2);
  EXPECT_NE(extra.read().error().message.find("output 1 is not computed"), std::string::npos);
}

}  // namespace
}  // namespace assay::ops
