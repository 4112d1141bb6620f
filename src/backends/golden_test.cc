// Published hardware numbers through the whole engine: a graph, resolve under a shipped profile, a session. The
// policies alone are tested in src/profiles/golden_test.cc. Sources: docs/hardware-numerics.md, by section.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "exec/session.h"
#include "ops/def.h"
#include "passes/infer_shapes.h"
#include "passes/resolve.h"
#include "profiles/profile.h"

namespace assay {
namespace {

using ir::ElemType;
using ir::Tensor;
using Floats = std::vector<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct Operand {
  ir::Dims dims;
  Floats values;
  bool weight = false;
};

/// One node's float32 output under a profile's variant (empty: the primary).
Floats run(const char* type, const std::vector<Operand>& operands, const char* profile,
           const std::string& variant = "") {
  ir::Graph graph;
  std::vector<Tensor> inputs;
  ir::Op op;
  op.type = type;
  op.def = ops::find_op("", type);
  if (op.def == nullptr) {
    ADD_FAILURE() << "no operator " << type;
    return {};
  }
  for (const Operand& operand : operands) {
    Tensor tensor = Tensor::of<float>(ElemType::float32, operand.dims, operand.values);
    const std::string name = "x" + std::to_string(op.inputs.size());
    if (operand.weight) {
      op.inputs.push_back(graph.add_constant(name, std::move(tensor)));
      continue;
    }
    op.inputs.push_back(graph.add_value(name, ir::Type::of(ElemType::float32, operand.dims)));
    graph.inputs.push_back(op.inputs.back());
    inputs.push_back(std::move(tensor));
  }
  op.outputs = {graph.add_value("y", {})};
  graph.outputs = op.outputs;
  graph.add_op(std::move(op));
  const Status inferred = passes::infer_shapes(graph);
  EXPECT_TRUE(inferred.ok()) << inferred.error().message;
  const profiles::Profile& p = *profiles::built_in_profile(profile);
  size_t index = 0;
  while (!variant.empty() && p.variants[index].name != variant) ++index;
  auto resolved = passes::resolve(graph, p, index);
  EXPECT_TRUE(resolved.ok());
  auto session = exec::Session::create(std::make_shared<const ir::Graph>(*std::move(resolved)),
                                       std::make_shared<const Threads>(1));
  if (!session.ok()) {
    ADD_FAILURE() << session.error().message;
    return {};
  }
  auto outputs = session->run(inputs);
  if (!outputs.ok()) {
    ADD_FAILURE() << outputs.error().message;
    return {};
  }
  const Tensor& y = outputs->front();
  EXPECT_EQ(y.elem(), ElemType::float32);
  return {y.values<float>().begin(), y.values<float>().end()};
}

float engine(const char* type, float x, const char* profile = "coreml-nn-ane") {
  return run(type, {{{1}, {x}}}, profile).at(0);
}
float engine(const char* type, float x, float y, const char* profile = "coreml-nn-ane") {
  return run(type, {{{1}, {x}}, {{1}, {y}}}, profile).at(0);
}
bool is_plus_zero(float x) { return x == 0 && !std::signbit(x); }

// ---- 3.3: the Neural Engine's edge values.

TEST(NeuralEngineEdges, NanIsInfinity) {
  EXPECT_EQ(engine("Add", kNan, 0.0f), kInfinity);
  EXPECT_EQ(engine("Relu", kNan), kInfinity);
  EXPECT_EQ(engine("Sigmoid", kNan), 1);
  EXPECT_EQ(engine("Tanh", kNan), 1);
  EXPECT_EQ(engine("Erf", kNan), 1);
  EXPECT_EQ(engine("Exp", kNan), kInfinity);
  EXPECT_EQ(engine("Max", kNan, 3), kInfinity);
  EXPECT_TRUE(std::isnan(engine("Exp", kNan, "coreml-nn-gpu")));  // not so elsewhere
}

TEST(NeuralEngineEdges, InvalidOperationsAreZero) {
  EXPECT_TRUE(is_plus_zero(engine("Sub", kInfinity, kInfinity)));
  EXPECT_TRUE(is_plus_zero(engine("Mul", 0, kInfinity)));
  EXPECT_TRUE(is_plus_zero(engine("Sqrt", -1)));
  EXPECT_TRUE(is_plus_zero(engine("Log", -1)));
  EXPECT_EQ(engine("Log", 0), -45440);
  EXPECT_EQ(engine("Log", 0, "coreml-nn-gpu"), -kInfinity);
}

TEST(NeuralEngineEdges, MinusZeroIsZero) {
  EXPECT_EQ(engine("Reciprocal", -0.0f), kInfinity);
  EXPECT_TRUE(is_plus_zero(engine("Sqrt", -0.0f)));
  EXPECT_TRUE(is_plus_zero(engine("Add", -0.0f, 0.0f)));
}

TEST(NeuralEngineEdges, Softmax) {
  const auto softmax = [](const Floats& x) { return run("Softmax", {{{1, 4}, x}}, "coreml-nn-ane"); };
  EXPECT_EQ(softmax({1000, 1, 2, 3}), (Floats{1, 0, 0, 0}));
  EXPECT_EQ(softmax({1, kNan, 2, 3}), (Floats{0, 1, 0, 0}));
}

TEST(NeuralEngineEdges, FirstInfinities) {
  EXPECT_EQ(engine("Exp", 11.09375f), kInfinity);
  EXPECT_EQ(engine("Exp", 11.0859375f), 65248);
  EXPECT_EQ(engine("Mul", 256, 256), kInfinity);
  EXPECT_EQ(engine("Mul", 255.875f, 255.875f), 65472);
  EXPECT_EQ(engine("Mul", 0x1p-24f, 1), 0x1p-24f);
  EXPECT_EQ(engine("Softplus", kInfinity), 0);
  EXPECT_EQ(engine("Softsign", kInfinity), 0);
}

/// 3.5: apple/coremltools issue 2687. The exponential meets the ceiling of 32768.
TEST(NeuralEngineEdges, SoftplusCliff) {
  EXPECT_EQ(engine("Softplus", 10.394f), 10.390625f);
  EXPECT_EQ(engine("Softplus", 10.395f), 0);
  EXPECT_EQ(engine("Mish", 10.395f), 0);
  EXPECT_NEAR(engine("Softplus", 10.395f, "coreml-nn-gpu"), 10.395f, 0.01f);
}

}  // namespace
}  // namespace assay
