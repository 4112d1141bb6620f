#include "passes/kept.h"

#include <gtest/gtest.h>

#include <memory>

#include "passes/testing.h"

namespace assay::passes {
namespace {

ir::Graph two_operations() {
  ir::Graph graph;
  const ir::ValueId x = graph.add_value("x", ir::Type::of(ir::ElemType::float32, {2}));
  add(graph, "Exp", {add(graph, "Tanh", {x}, "a")}, "b");
  return graph;
}

/// A graph that holds two_operations() in each of its two operations.
ir::Graph nested_operations() {
  ir::Graph graph = two_operations();
  for (ir::Op& op : graph.ops) op.set_attr("body", std::make_shared<ir::Graph>(two_operations()));
  return graph;
}

TEST(Kept, OperationsGoOutsideWithAllThatIsNestedInThem) {
  const ir::Graph graph = nested_operations();
  const Placement placement = keep_outside(graph, {false, true});
  EXPECT_EQ(placement.partition, (std::vector<int>{0, kOutside}));
  const auto lowered = placement.nested.find(graph.ops[0].attr_graph("body"));
  ASSERT_NE(lowered, placement.nested.end());
  EXPECT_EQ(lowered->second.partition, (std::vector<int>{0, 0}));
  EXPECT_FALSE(placement.nested.contains(graph.ops[1].attr_graph("body")));  // absent: all of it outside
}

TEST(Kept, WhatAProviderLeavesOutStaysOutside) {
  const ir::Graph graph = two_operations();
  const Placement around = keep_outside(graph, {true, false});
  EXPECT_EQ(keep_outside(graph, {false, false}, &around).partition, (std::vector<int>{kOutside, 0}));
}

}  // namespace
}  // namespace assay::passes
