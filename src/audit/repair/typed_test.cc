#include "audit/repair/typed.h"

#include <gtest/gtest.h>

#include "ops/def.h"
#include "passes/infer_shapes.h"

namespace assay::audit {
namespace {

using ir::ElemType;
using ir::ValueId;

std::vector<ValueId> add(ir::Graph& g, const char* type, std::vector<ValueId> inputs, size_t outputs = 1) {
  ir::Op op{.domain = "", .type = type, .name = ""};
  op.def = ops::find_op("", type);
  op.inputs = std::move(inputs);
  for (size_t i = 0; i < outputs; ++i) op.outputs.push_back(g.add_value(g.fresh_name("v"), {}));
  return g.ops[g.add_op(std::move(op))].outputs;
}

ir::Graph with_input() {
  ir::Graph g;
  g.inputs = {g.add_value("x", ir::Type::of(ElemType::float32, {2, 4}))};
  return g;
}

ValueId constant(ir::Graph& g, const char* name, ir::Dims dims, float value) {
  ir::Tensor t = ir::Tensor::allocate(ElemType::float32, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.set_float(i, value);
  return g.add_constant(name, std::move(t));
}

TEST(TypedClip, BoundsAreOfTheInputsType) {
  ir::Graph g = with_input();
  const ValueId low = constant(g, "low", {}, 0), high = constant(g, "high", {}, 0.3F);
  g.outputs = add(g, "Clip", {g.inputs[0], low, high});
  ASSERT_TRUE(passes::infer_shapes(g).ok());
  const auto typed = typed_graph(g, {true}, ElemType::float16);
  ASSERT_TRUE(typed.ok()) << typed.error().message;
  for (const ir::Op& op : typed->ops) {
    if (op.type != "Clip") continue;
    for (const ValueId v : op.inputs) EXPECT_EQ(typed->at(v).type.elem, ElemType::float16);
  }
}

// The mean of LayerNormalization is float32: that is no error of the Add that reads it.
TEST(Lowerable, IsNothingWithAResultOfItsOwnType) {
  ir::Graph g = with_input();
  const auto results = add(g, "LayerNormalization", {g.inputs[0], constant(g, "scale", {4}, 1)}, 2);
  g.outputs = add(g, "Add", {results[0], results[1]});
  ASSERT_TRUE(passes::infer_shapes(g).ok());
  const auto can = lowerable(g, ElemType::float16);
  ASSERT_TRUE(can.ok()) << can.error().message;
  EXPECT_EQ(*can, std::vector<bool>({false, true}));
}

TEST(Lowerable, IsNothingWithSequences) {
  ir::Graph g = with_input();
  const auto sequence = add(g, "SequenceConstruct", {g.inputs[0]});
  g.outputs = add(g, "SequenceLength", sequence);
  ASSERT_TRUE(passes::infer_shapes(g).ok());
  EXPECT_EQ(*lowerable(g, ElemType::float16), std::vector<bool>({false, false}));
}

TEST(Lowerable, IsWhatOnnxTakesInTheType) {
  ir::Graph g = with_input();
  g.outputs = add(g, "Shrink", {g.inputs[0]});
  ASSERT_TRUE(passes::infer_shapes(g).ok());
  EXPECT_EQ(*lowerable(g, ElemType::float16), std::vector<bool>({true}));
  EXPECT_EQ(*lowerable(g, ElemType::bfloat16), std::vector<bool>({false}));
}

}  // namespace
}  // namespace assay::audit
