// The article's perceptron and the TF32 norms through resolve and the engine (docs/hardware-numerics.md 10.1, 10.7).
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "backends/golden_test.h"

namespace assay {
namespace {

const Floats kWeights{0.0349225402f, -0.301196814f, 0.159211695f,  0.156890273f, -0.267238438f, -0.0749385953f,
                      -0.292913973f, 0.129736364f,  -0.134683847f, 0.351268351f, 0.354943156f,  0.0509352088f};
const Floats kInput{-2.695711135864258f, -0.6399051547050476f, 3.681105375289917f, -0.2332591712474823f};

/// x W^T + 0 with W constant, as the article's export has it.
Floats perceptron(const char* profile, const std::string& variant = "") {
  Floats transposed(12);
  for (size_t o = 0; o < 3; ++o)
    for (size_t k = 0; k < 4; ++k) transposed[k * 3 + o] = kWeights[o * 4 + k];
  return run("MatMul", {{{1, 4}, kInput}, {{4, 3}, transposed, true}}, profile, variant);
}

TEST(EnginePerceptron, EveryRowToTheLastDigit) {
  const Floats float32{0.6480752f, -0.34015813f, 1.4329923f}, gpu{0.6484375f, -0.34033203f, 1.4326172f};
  for (const char* name : {"strict-f32", "cpu-f32", "coreml-nn-cpu", "coreml-mlprogram-f32-gpu"})
    EXPECT_EQ(perceptron(name), float32) << name;
  for (const char* name : {"f16-storage", "coreml-nn-gpu", "coreml-nn-ane", "coreml-mlprogram-f16-gpu"})
    EXPECT_EQ(perceptron(name), gpu) << name;
  for (const char* name : {"f16-throughout", "coreml-nn-gpu-lowacc", "xnnpack-f16"})
    EXPECT_EQ(perceptron(name), (Floats{0.6479492f, -0.34033203f, 1.4335938f})) << name;
  EXPECT_EQ(perceptron("coreml-nn-gpu-lowacc", "multiply-then-add"), (Floats{0.6479492f, -0.33984375f, 1.4326172f}));
  EXPECT_EQ(perceptron("coreml-nn-gpu", "exact-sum"), gpu);
  EXPECT_EQ(perceptron("coreml-nn-ane", "float16-products")[1], -0.33984375f);
  EXPECT_EQ(perceptron("tpu-bf16"), (Floats{0.64859486f, -0.3394804f, 1.4379504f}));
  EXPECT_EQ(perceptron("bf16-storage"), (Floats{0.6484375f, -0.33984375f, 1.4375f}));
}

/// One row only: MLX would take its accurate path, so the TF32 row needs a second one.
TEST(EnginePerceptron, TruncatedOperands) {
  Floats two = kInput, weights(12);
  two.insert(two.end(), kInput.begin(), kInput.end());
  for (size_t o = 0; o < 3; ++o)
    for (size_t k = 0; k < 4; ++k) weights[k * 3 + o] = kWeights[o * 4 + k];
  Floats y = run("MatMul", {{{2, 4}, two}, {{4, 3}, weights, true}}, "mlx-m5-tf32");
  y.resize(3);
  EXPECT_EQ(y, (Floats{0.6476102f, -0.33956695f, 1.4317858f}));
  EXPECT_EQ(perceptron("mlx-m5-tf32"), (Floats{0.6480752f, -0.34015813f, 1.4329923f}));
}

/// Relative Frobenius error of a 64 x 512 x 64 product of standard normals against exact products in float64.
double relative_error(const char* profile) {
  constexpr int64_t kRows = 64, kDepth = 512;
  std::mt19937_64 random(10);
  std::normal_distribution<float> normal;
  Floats a(kRows * kDepth), b(kDepth * kRows);
  for (float& v : a) v = normal(random);
  for (float& v : b) v = normal(random);
  const Floats y = run("MatMul", {{{kRows, kDepth}, a}, {{kDepth, kRows}, b}}, profile);
  double error = 0, size = 0;
  for (size_t i = 0; i < kRows; ++i)
    for (size_t j = 0; j < kRows; ++j) {
      double truth = 0;
      for (size_t k = 0; k < kDepth; ++k)
        truth += static_cast<double>(a[i * kDepth + k]) * static_cast<double>(b[k * kRows + j]);
      const double difference = static_cast<double>(y.at(i * kRows + j)) - truth;
      error += difference * difference;
      size += truth * truth;
    }
  return std::sqrt(error / size);
}

/// Published at 512 x 512 x 512: 2.9e-4 by rounding to nearest, 7.70e-4 by truncation, 2.88e-7 in float32. 4096 outputs
/// estimate the norm to about 1.1 %.
TEST(EngineNorms, Tf32ByRoundingAndByTruncation) {
  EXPECT_NEAR(relative_error("cuda-tf32-ampere"), 2.93e-4, 0.04 * 2.93e-4);
  EXPECT_NEAR(relative_error("cuda-tf32-hopper"), 2.93e-4, 0.04 * 2.93e-4);
  EXPECT_NEAR(relative_error("cuda-tf32-raw"), 7.70e-4, 0.04 * 7.70e-4);
  EXPECT_NEAR(relative_error("mlx-m5-tf32"), 7.70e-4, 0.04 * 7.70e-4);
  EXPECT_LT(relative_error("strict-f32"), 1e-6);
}

}  // namespace
}  // namespace assay
