// Published hardware numbers against the policies that the profiles give (not hand-made ones): the shipped data is what
// is tested. Sources: docs/hardware-numerics.md, by the section named at each test.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "num/accumulate.h"
#include "profiles/profile.h"

namespace assay::profiles {
namespace {

using Vector = std::vector<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kHalfUlp = 0x1p-24;

size_t variant_index(const Profile& profile, const std::string& name) {
  for (size_t i = 0; i < profile.variants.size(); ++i)
    if (profile.variants[i].name == name) return i;
  ADD_FAILURE() << profile.name << " has no variant " << name;
  return 0;
}

/// The policy of a matrix product; `variant` empty: the primary.
num::Policy policy(const char* profile, const std::string& variant = "", const char* op = "MatMul",
                   const char* numeric = "contraction") {
  const Profile& p = *built_in_profile(profile);
  return policy_for(p, variant.empty() ? 0 : variant_index(p, variant), {"", op, numeric, ir::ElemType::float32});
}

/// The accumulator's value, before the result is rounded.
double sum(const num::Policy& p, const Vector& a, const Vector& b, double c = 0) {
  return num::dot_reference(p, a.data(), b.data(), a.size(), c);
}

double dot(const num::Policy& p, const Vector& a, const Vector& b, double c = 0) {
  const double value = sum(p, a, b, c);
  return p.result ? num::round(value, *p.result) : value;
}

// ---- 5: NVIDIA tensor cores, nv1 to nv19.

struct TensorCore {
  const char* id;
  double c;
  Vector a, b;
  double volta, ampere, hopper;
};

void check(const TensorCore& g, const char* profile, double want) {
  EXPECT_EQ(sum(policy(profile), g.a, g.b, g.c), want) << g.id << " under " << profile;
}

void check_float16(const TensorCore& g) {
  check(g, "cuda-f16-volta", g.volta);
  check(g, "cuda-f16-ampere", g.ampere);
  check(g, "cuda-f16-hopper", g.hopper);
  check(g, "trt-fp16", g.ampere);
}

TEST(TensorCores, Float16Vectors) {
  constexpr double e = kHalfUlp, c13 = 1 + 0x1p-22 + 0x1p-23;
  const TensorCore vectors[] = {
      {"nv1", 0x1p-149, {0}, {0}, 0x1p-149, 0x1p-149, 0x1p-149},
      {"nv6", 1, {0.5, 0.5, 0.5, 0.5}, {e, e, e, e}, 1, 1, 1 + 0x1p-23},
      {"nv8", 0, {1, 1, 1, 1}, {2, 0x1p-23 + e, 0, 0}, 2, 2, 2},
      {"nv9", 0, {1, 1, 1, 1}, {-2, -(0x1p-23 + e), 0, 0}, -2, -2, -2},
      {"nv10", -(1 - e), {1}, {1}, 0x1p-23, e, e},
      {"nv11", 1 - e, {1, 1, 1, 1}, {e, e, e, e}, 1 + 0x1p-23, 1 + 0x1p-23, 1 + 0x1p-23},
      {"nv12", -1 + e, {1, 1}, {1, -e}, 0x1p-23, 0, 0},
      {"nv14", 1.875, {1, 1, 1, 1}, {1, 1.5, 1.75, 1.875}, 8, 8, 8},
      {"nv15", c13, {1, 1, 1, 1}, {1, 1, 1, 1}, 5, 5, 5},
      {"nv16", -c13, {1, 1, 1, 1}, {-1, -1, -1, -1}, -5, -5, -5},
      {"nv17, smaller c", 1 - e, {1, 1, 1, 1}, {e, e, e, e}, 1 + 0x1p-23, 1 + 0x1p-23, 1 + 0x1p-23},
      {"nv17, larger c", 1, {1, 1, 1, 1}, {e, e, e, e}, 1, 1 + 0x1p-22, 1 + 0x1p-22},
      {"nv17b, smaller c", 1 - e, {0.5, 0.5, 0.5, 0.5}, {e, e, e, 0x1p-23 + e}, 1, 1 + 0x1p-23, 1 + 0x1p-23},
      {"nv17b, larger c", 1, {0.5, 0.5, 0.5, 0.5}, {e, e, e, 0x1p-23 + e}, 1, 1, 1 + 0x1p-23},
  };
  for (const TensorCore& g : vectors) check_float16(g);
  for (size_t place = 0; place < 4; ++place) {
    TensorCore nv7{"nv7", e, {0.5, 0.5, 0.5, 0.5}, {e, e, e, e}, 1, 1, 1 + 0x1p-23};
    nv7.a[place] = nv7.b[place] = 1;
    check_float16(nv7);
    TensorCore nv13{"nv13", c13, {1, 1, 1, 1}, {1, 1, 1, 1}, 4 + 0x1p-21, 4 + 0x1p-21, 4 + 0x1p-21};
    nv13.b[place] = 0x1p-23;
    check_float16(nv13);
  }
}

/// The bfloat16 profiles have the same adders.
TEST(TensorCores, Bfloat16SharesTheAdders) {
  const double e = kHalfUlp;
  const Vector halves(4, 0.5), small(4, e);
  EXPECT_EQ(sum(policy("cuda-bf16-ampere"), halves, small, 1), 1);
  EXPECT_EQ(sum(policy("cuda-bf16-hopper"), halves, small, 1), 1 + 0x1p-23);
}

TEST(TensorCores, Tf32Vectors) {
  const TensorCore vectors[] = {
      {"nv2", 0, {0x1p-136}, {0x1p10}, 0, 0x1p-126, 0x1p-126},
      {"nv3", 0, {0x1p-126}, {0.5}, 0, 0x1p-127, 0x1p-127},
      {"nv4", -0x1p-127, {0x1p-126}, {1}, 0, 0x1p-127, 0x1p-127},
  };
  for (const TensorCore& g : vectors) {
    for (const char* profile : {"cuda-tf32-ampere", "cuda-tf32-raw"}) check(g, profile, g.ampere);
    check(g, "cuda-tf32-hopper", g.hopper);
  }
  // nv5: raw float32 bits are truncated, 1 - 2^-24 becomes 1 - 2^-11. Libraries round them first: to 1.
  const double near_one = 1 - kHalfUlp;
  EXPECT_EQ(sum(policy("cuda-tf32-raw"), {near_one}, {near_one}), 1 - 0x1p-10 + 0x1p-22);
  EXPECT_EQ(sum(policy("cuda-tf32-ampere"), {near_one}, {near_one}), 1);
  // What would tell nearest even from nearest away (12 of the fact sheet): the tie 1 + 2^-11.
  EXPECT_EQ(sum(policy("cuda-tf32-ampere", "nearest-even"), {1 + 0x1p-11}, {1}), 1);
  EXPECT_EQ(sum(policy("cuda-tf32-ampere", "nearest-away"), {1 + 0x1p-11}, {1}), 1 + 0x1p-10);
}

TEST(TensorCores, Float16Accumulators) {
  for (const char* variant : {"ampere", "hopper", "volta"}) {
    const num::Policy p = policy("cuda-f16-facc16", variant);
    EXPECT_EQ(dot(p, {kHalfUlp, kHalfUlp}, {0.5, 0.25}), kHalfUlp) << "nv18 " << variant;
    EXPECT_EQ(dot(p, {1 - 0x1p-11, 1 - 0x1p-11}, {1 - 0x1p-11, 0x1p-11}), 1 - 0x1p-10 + 0x1p-11) << "nv19 " << variant;
  }
}

TEST(TensorCores, SplitKAddsPartsInFloat32) {
  const Vector a(32, 1.0), b(32, kHalfUlp);
  EXPECT_EQ(sum(policy("cuda-f16-volta"), a, b, 1), 1);  // blocks of four vanish one by one
  EXPECT_EQ(sum(policy("cuda-f16-volta", "split-k-2"), a, b, 1), 1 + 0x1p-20);
}

// ---- 3.2 to 3.4: the Neural Engine of the M1.

double engine_sum(const Vector& terms, const std::string& variant = "m1-tiles") {
  return dot(policy("coreml-nn-ane", variant), terms, Vector(terms.size(), 1.0));
}

Vector repeated(const Vector& pattern, size_t times) {
  Vector all;
  for (size_t i = 0; i < times; ++i) all.insert(all.end(), pattern.begin(), pattern.end());
  return all;
}

Vector with_ones(double first, size_t ones) {
  Vector all(ones + 1, 1.0);
  all[0] = first;
  return all;
}

TEST(NeuralEngine, PublishedSums) {
  EXPECT_EQ(engine_sum(Vector(16000, 1.0)), 16000);
  EXPECT_EQ(engine_sum(with_ones(4096, 1024)), 5116);
  EXPECT_EQ(engine_sum(with_ones(4096, 1024), "wide-sum"), 5120);
  EXPECT_EQ(engine_sum(with_ones(8192, 16)), 8208);
  EXPECT_EQ(engine_sum(repeated({4000, -4000, 1}, 16)), 16);
  for (const double b : {1024.0, 3000.0, 4090.0}) {
    EXPECT_EQ(engine_sum(repeated({b, -b, 1}, 16)), 16) << b;
    EXPECT_EQ(engine_sum(repeated({b, 1, -b}, 16)), 16) << b;
  }
  for (const double b : {4096.0, 8000.0, 16000.0, 30000.0}) {
    EXPECT_EQ(engine_sum(repeated({b, -b, 1}, 16)), 4) << b;
    EXPECT_EQ(engine_sum(repeated({b, 1, -b}, 16)), 4) << b;
    EXPECT_EQ(engine_sum(repeated({b, -b, 1}, 16), "wide-sum"), 16) << b;
  }
  EXPECT_EQ(engine_sum(with_ones(2048, 1)), 2048);
}

TEST(NeuralEngine, Ceilings) {
  for (const char* variant : {"m1-tiles", "wide-sum", "float16-products"}) {
    EXPECT_EQ(engine_sum({32752}, variant), 32752) << variant;
    EXPECT_EQ(engine_sum({32768}, variant), kInfinity) << variant;
    EXPECT_EQ(engine_sum({-32768}, variant), -kInfinity) << variant;
    EXPECT_EQ(engine_sum({32752, 7}, variant), 32752) << variant;          // 32759 rounds down (M2 Pro: 32758.8) ...
    EXPECT_EQ(engine_sum({32752, 8}, variant), kInfinity) << variant;      // ... and 32760 up
    EXPECT_EQ(engine_sum(Vector(32, 1000.0), variant), 32000) << variant;  // M5, ANEForge issue 115
    EXPECT_EQ(engine_sum(Vector(33, 1000.0), variant), kInfinity) << variant;
  }
  EXPECT_EQ(engine_sum({30000, 30000, -30000, -30000}), kInfinity);  // M1: an interior partial sum
  // Elementwise: float16's own limit.
  const num::Policy mul = policy("coreml-nn-ane", "m1-tiles", "Mul", "elementwise");
  EXPECT_EQ(num::round(65519, *mul.result), 65504);
  EXPECT_EQ(num::round(65520, *mul.result), kInfinity);
  EXPECT_EQ(num::round(0x1p-24, *mul.result), 0x1p-24);  // subnormals kept
  EXPECT_EQ(mul.special_values, num::SpecialValues::neural_engine);
  // A reduction rounds at 65504, then is infinite.
  const num::Policy reduce = policy("coreml-nn-ane", "m1-tiles", "ReduceSum", "reduction");
  ASSERT_TRUE(reduce.sum.has_value());
  const Vector terms(2, 32752.0);
  EXPECT_EQ(num::sum_reference(*reduce.sum, num::FormatId::float32, terms.data(), 2), 65504);
}

TEST(NeuralEngine, SubnormalTotals) {
  EXPECT_EQ(engine_sum({0x1p-24, 0x1p-24}), 0);                    // M1
  EXPECT_EQ(engine_sum({0x1p-24, 0x1p-24}, "wide-sum"), 0x1p-23);  // M5
}

// ---- 1.3: VDPBF16PS, measured.

TEST(CpuDots, Vdpbf16ps) {
  const num::Policy p = policy("openvino-bf16", "avx512-bf16");
  const auto lane = [&](double c, double a0, double b0, double a1, double b1) { return sum(p, {a0, a1}, {b0, b1}, c); };
  EXPECT_EQ(lane(0, num::bfloat16_value(0x0001), num::bfloat16_value(0x7f00), 0, 0), 0);
  EXPECT_EQ(lane(0x1p-130, 0, 0, 0, 0), 0);
  EXPECT_EQ(lane(0, 0x1p-100, 0x1p-30, 0, 0), 0);
  EXPECT_EQ(lane(0, 0x1p-100, 0x1p-20, 0, 0), 0x1p-120);
  EXPECT_EQ(lane(0x1.8p-126, 0x1p-100, 0x1p-26, -0x1p-100, 0x1p-26), 0x1p-126);
  EXPECT_EQ(lane(0x1.8p-126, -0x1p-100, 0x1p-26, 0x1p-100, 0x1p-26), 0x1.8p-126);
  EXPECT_EQ(lane(1, 0x1p127, 2, -0x1p127, 2), -kInfinity);
  EXPECT_EQ(lane(1, 0x1.8p-24, 1, 0, 0), 1 + 0x1p-23);
  EXPECT_EQ(lane(1, 0x1p-24, 1, 0, 0), 1);
  EXPECT_EQ(lane(1 + 0x1p-23, 0x1p-24, 1, 0, 0), 1 + 0x1p-22);
  EXPECT_TRUE(std::isnan(lane(0, kInfinity, 0, 0, 0)));
}

/// 1.2: VCVTNE2PS2BF16, measured: the storage rounding of the profile.
TEST(CpuDots, Vcvtne2ps2bf16) {
  const auto stored = [](uint32_t bits) {
    const float value = std::bit_cast<float>(bits);
    return num::bfloat16_bits(num::round_float(value, *built_in_profile("openvino-bf16")->variants[0].storage.results));
  };
  EXPECT_EQ(stored(0x3f808000), 0x3f80);
  EXPECT_EQ(stored(0x3f818000), 0x3f82);
  EXPECT_EQ(stored(0x00080000), 0x0000);
  EXPECT_EQ(stored(0x00600000), 0x0000);
  EXPECT_EQ(stored(0x7f7fffff), 0x7f80);
  EXPECT_EQ(stored(0x80000200), 0x8000);
  EXPECT_EQ(stored(0x7f800001), 0x7fc0);
}

TEST(CpuDots, BfdotRoundsToOdd) {
  const num::Policy p = policy("arm-bf16");
  EXPECT_EQ(sum(p, {1, 0x1p-30}, {1, 1}), 1 + 0x1p-23);
  EXPECT_EQ(sum(policy("arm-bf16", "extended-bf16"), {1, 0x1p-30}, {1, 1}), 1);
}

// ---- 1.3: float16 fused multiply-add, one rounding against two (all confirmed on AVX512-FP16).

TEST(Float16Steps, OneRoundingAgainstTwo) {
  const uint16_t witnesses[][5] = {{0x3b81, 0x3c52, 0x056f, 0x3c0d, 0x3c0e},
                                   {0x3bc1, 0x40e5, 0x05b1, 0x40bf, 0x40be},
                                   {0x3d18, 0x3b99, 0x0541, 0x3cd7, 0x3cd6}};
  for (const auto& w : witnesses) {
    const auto result = [&](const num::Policy& p) {
      return num::float16_bits(
          sum(p, {num::float16_value(w[0])}, {num::float16_value(w[1])}, num::float16_value(w[2])));
    };
    for (const auto& [profile, variant] :
         {std::pair("xnnpack-f16", "single-rounding"), std::pair("f16-throughout", "only"),
          std::pair("coreml-nn-gpu-lowacc", "fused"), std::pair("ncnn-f16", "float16-arithmetic")})
      EXPECT_EQ(result(policy(profile, variant)), w[3]) << profile;
    EXPECT_EQ(result(policy("xnnpack-f16", "avx2")), w[4]);
  }
}

// ---- 10.7: the article's perceptron.

constexpr float kWeights[3][4] = {{0.0349225402f, -0.301196814f, 0.159211695f, 0.156890273f},
                                  {-0.267238438f, -0.0749385953f, -0.292913973f, 0.129736364f},
                                  {-0.134683847f, 0.351268351f, 0.354943156f, 0.0509352088f}};
constexpr float kInput[4] = {-2.695711135864258f, -0.6399051547050476f, 3.681105375289917f, -0.2332591712474823f};

/// Inputs and weights as the profile stores them, its product, its result.
std::vector<float> perceptron(const char* name, const std::string& variant = "") {
  const Profile& profile = *built_in_profile(name);
  const Storage& storage = profile.variants[variant.empty() ? 0 : variant_index(profile, variant)].storage;
  const auto stored = [](const float* values, const std::optional<num::Rounding>& rounding) {
    Vector v(values, values + 4);
    for (double& x : v) x = rounding ? num::round(x, *rounding) : x;
    return v;
  };
  std::vector<float> outputs;
  for (const auto& row : kWeights)
    outputs.push_back(
        static_cast<float>(dot(policy(name, variant), stored(kInput, storage.inputs), stored(row, storage.weights))));
  return outputs;
}

TEST(Perceptron, EveryRowToTheLastDigit) {
  using Row = std::vector<float>;
  const Row float32{0.6480752f, -0.34015813f, 1.4329923f}, gpu{0.6484375f, -0.34033203f, 1.4326172f};
  for (const char* name : {"strict-f32", "cpu-f32", "coreml-nn-cpu", "coreml-mlprogram-f32-cpu",
                           "coreml-mlprogram-f32-gpu", "coreml-mlprogram-f32-ane", "pytorch-mps-f32"})
    EXPECT_EQ(perceptron(name), float32) << name;  // published: CPU
  for (const char* name : {"f16-storage", "coreml-nn-gpu", "coreml-mlprogram-f16-gpu", "coreml-nn-ane",
                           "coreml-mlprogram-f16-ane", "mlx-m5-f16"})
    EXPECT_EQ(perceptron(name), gpu) << name;  // published: GPU
  const Row fused{0.6479492f, -0.34033203f, 1.4335938f};
  for (const char* name : {"f16-throughout", "coreml-nn-gpu-lowacc", "xnnpack-f16"}) EXPECT_EQ(perceptron(name), fused);
  EXPECT_EQ(perceptron("coreml-nn-gpu-lowacc", "multiply-then-add"), (Row{0.6479492f, -0.33984375f, 1.4326172f}));
  EXPECT_EQ(perceptron("coreml-nn-ane", "float16-products")[1], -0.33984375f);
  EXPECT_EQ(perceptron("mlx-m5-tf32"), (Row{0.6476102f, -0.33956695f, 1.4317858f}));
  EXPECT_EQ(perceptron("tpu-bf16"), (Row{0.64859486f, -0.3394804f, 1.4379504f}));
  EXPECT_EQ(perceptron("bf16-storage"), (Row{0.6484375f, -0.33984375f, 1.4375f}));
}

/// The TF32 rows of the table are for fused float32 sums; NVIDIA's adders may differ from them in the last digit.
TEST(Perceptron, Tf32ByRounding) {
  num::Policy p = policy("cuda-tf32-ampere");
  p.accumulator = policy("strict-f32").accumulator;
  std::vector<float> outputs;
  for (const auto& row : kWeights)
    outputs.push_back(static_cast<float>(dot(p, Vector(kInput, kInput + 4), Vector(row, row + 4))));
  EXPECT_EQ(outputs, (std::vector<float>{0.6482052f, -0.34034812f, 1.4330435f}));
}

// ---- 10.6: TensorFlow's documentation, ones * 1.0001 over k = 1024: TF32 gives 1024, float32 about 1024.1.

TEST(Tf32, TensorFlowsExample) {
  const Vector a(1024, static_cast<double>(1.0001f)), ones(1024, 1.0);
  for (const char* name : {"cuda-tf32-ampere", "cuda-tf32-hopper", "cuda-tf32-raw", "mlx-m5-tf32"})
    EXPECT_EQ(sum(policy(name), a, ones), 1024) << name;
  EXPECT_NEAR(sum(policy("strict-f32"), a, ones), 1024.1, 0.02);
}

/// A product with a vector goes another way on M5 (ml-explore/mlx issue 4411).
TEST(Tf32, VectorsAreAccurateOnM5) {
  const Profile& p = *built_in_profile("mlx-m5-tf32");
  EXPECT_FALSE(policy_for(p, 0, {"", "MatMul", "contraction", ir::ElemType::float32, false}).operand.has_value());
  EXPECT_TRUE(policy_for(p, 0, {"", "MatMul", "contraction", ir::ElemType::float32, true}).operand.has_value());
}

}  // namespace
}  // namespace assay::profiles
