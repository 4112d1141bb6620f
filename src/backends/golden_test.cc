// Published hardware numbers through the whole engine: a graph, resolve under a shipped profile, a session. The
// policies alone are tested in src/profiles/golden_test.cc. Sources: docs/hardware-numerics.md, by section.
#include "backends/golden_test.h"

#include <gtest/gtest.h>

#include <cmath>

namespace assay {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

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
