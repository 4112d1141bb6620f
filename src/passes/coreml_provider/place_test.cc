// Partitions, and partitions as graphs of their own.
#include <gtest/gtest.h>

#include "ir/verify.h"
#include "passes/coreml_provider.h"
#include "passes/infer_shapes.h"
#include "passes/testing.h"

namespace assay::passes {
namespace {

using ir::ElemType;
using ir::Graph;
using ir::ValueId;

struct Built : Graph {
  Built() { metadata["onnx.opset"] = "17"; }
  ValueId input(const char* called, ir::Dims dims = {2, 3}) {
    inputs.push_back(add_value(called, ir::Type::of(ElemType::float32, dims)));
    return inputs.back();
  }
  ValueId weights(const char* called, const ir::Dims& dims) {
    ir::Tensor t = ir::Tensor::allocate(ElemType::float32, dims);
    for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, 1);
    return add_constant(called, std::move(t));
  }
  /// Of each operation its type and its partition: "Relu 0, Log -, Tanh 1".
  std::string placed(const ProviderOptions& options = {}) {
    EXPECT_TRUE(infer_shapes(*this).ok());
    placement = place_on_coreml(*this, options);
    std::string text;
    for (size_t i = 0; i < ops.size(); ++i)
      text += (i == 0 ? "" : ", ") + ops[i].type + " " +
              (placement.takes(i) ? std::to_string(placement.partition[i]) : "-");
    return text;
  }
  Placement placement;
};

TEST(CoreMlPartitions, ANodeThatIsNotTakenCutsAChain) {
  Built g;
  g.outputs = {add(g, "Tanh", {add(g, "Log", {add(g, "Relu", {g.input("x")}, "a")}, "b")}, "c")};
  EXPECT_EQ(g.placed(), "Relu 0, Log -, Tanh 1");
}

TEST(CoreMlPartitions, ANodeBesideTheGroupDoesNot) {
  Built g;
  const ValueId x = g.input("x"), a = add(g, "Relu", {x}, "a"), b = add(g, "Log", {x}, "b");
  g.outputs = {add(g, "Add", {add(g, "Tanh", {a}, "c"), b}, "d")};
  EXPECT_EQ(g.placed(), "Relu 0, Log -, Tanh 0, Add 0");
}

TEST(CoreMlPartitions, ADiamondThroughTheCpuWaits) {
  Built g;
  const ValueId a = add(g, "Relu", {g.input("x")}, "a");
  const ValueId b = add(g, "Log", {a}, "b"), c = add(g, "Tanh", {a}, "c");
  g.outputs = {add(g, "Add", {b, c}, "d")};
  EXPECT_EQ(g.placed(), "Relu 0, Log -, Tanh 0, Add 1");
}

TEST(CoreMlPartitions, MovingDataAloneIsNotWorthOne) {
  Built g;
  g.outputs = {add(g, "Transpose", {add(g, "Log", {g.input("x")}, "a")}, "b")};
  EXPECT_EQ(g.placed(), "Log -, Transpose -");
  EXPECT_EQ(g.placement.reasons[1], "a partition that moves data alone is left to the CPU");
}

TEST(CoreMlPartitions, WhatConstantsMakeIsConstant) {
  Built g;
  const ValueId w = add(g, "Transpose", {g.weights("w", {4, 3})}, "wt");
  g.outputs = {add(g, "MatMul", {g.input("x"), w}, "y")};
  EXPECT_EQ(g.placed(), "Transpose -, MatMul 0");
  const Graph part = extract_partition(g, g.placement, 0);
  EXPECT_EQ(part.ops.size(), 2U);
  ASSERT_EQ(part.inputs.size(), 1U);
  EXPECT_EQ(part.at(part.inputs[0]).name, "x");
}

TEST(CoreMlPartitions, ExtractedGraphsHaveWhatCrosses) {
  Built g;
  const ValueId x = g.input("x"), a = add(g, "Relu", {x}, "a"), l = add(g, "Log", {a}, "l");
  const ValueId c = add(g, "Tanh", {l}, "c");
  g.outputs = {add(g, "Mul", {c, a}, "y"), c};
  EXPECT_EQ(g.placed(), "Relu 0, Log -, Tanh 1, Mul 1");
  const Graph first = extract_partition(g, g.placement, 0), second = extract_partition(g, g.placement, 1);
  const auto names = [](const Graph& graph, const std::vector<ValueId>& ids) {
    std::string all;
    for (const ValueId id : ids) all += graph.at(id).name;
    return all;
  };
  EXPECT_EQ(names(first, first.inputs) + ">" + names(first, first.outputs), "x>a");
  EXPECT_EQ(names(second, second.inputs) + ">" + names(second, second.outputs), "la>cy");
  EXPECT_TRUE(ir::verify(second).ok());
}

TEST(CoreMlPartitions, GraphsInsideOperationsNeedTheOption) {
  Built g;
  auto branch = std::make_shared<Graph>();
  const ValueId outer = g.input("x");
  const ValueId local = branch->add_value("x", {});
  branch->captures = {{local, outer}};
  branch->outputs = {add(*branch, "Relu", {local}, "r")};
  const ValueId condition = g.add_value("c", ir::Type::of(ElemType::boolean, {}));
  g.inputs.push_back(condition);
  g.outputs = {add(g, "If", {condition}, "y", {{"then_branch", branch}, {"else_branch", branch}})};
  EXPECT_EQ(g.placed(), "If -");
  const auto inner = [&] {
    const Graph* nested = g.ops[0].attr_graph("then_branch");
    return g.placement.nested.at(nested);
  };
  EXPECT_FALSE(inner().takes(0));
  EXPECT_EQ(inner().reasons[0], "it stands in a graph inside an operation (EnableOnSubgraphs=0)");
  EXPECT_EQ(g.placed({.subgraphs = true}), "If -");
  EXPECT_TRUE(inner().takes(0));
}

}  // namespace
}  // namespace assay::passes
