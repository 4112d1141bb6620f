// Accumulators against published hardware vectors (sources in each test) and against plain arithmetic.
#include "num/accumulate.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace assay::num {
namespace {

using Kind = Accumulator::Kind;
using Vector = std::vector<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double dot(const Accumulator& accumulator, const Vector& a, const Vector& b, double c = 0) {
  return dot_reference(accumulator, FormatId::float32, a.data(), b.data(), a.size(), c);
}

// ---- NVIDIA tensor cores. Vectors: north-numerical-computing/tensor-cores-numerical-behavior, tc_test_numerics-*.cu
// (Fasi, Higham, Mikaitis, Pranesh, PeerJ CS 7:e330, 2021); the H100 column is the prediction of MMA-Sim's model.

enum Architecture { volta, ampere, hopper };

Accumulator tensor_core(Architecture architecture, FormatId factors = FormatId::float16) {
  Accumulator a;
  a.kind = Kind::aligned;
  a.factors = factors;
  const bool tf32 = factors == FormatId::tf32;
  a.fraction_bits = architecture == volta ? 23 : architecture == ampere ? 24 : 25;
  a.block = architecture == volta ? 4 : (architecture == ampere ? 8 : 16) / (tf32 ? 2 : 1);
  return a;
}

struct Golden {
  const char* id;
  double c;
  Vector a, b;
  double volta, ampere, hopper;
};

void check(const Golden& g) {
  const double want[] = {g.volta, g.ampere, g.hopper};
  for (Architecture architecture : {volta, ampere, hopper}) {
    if (std::isnan(want[architecture])) continue;
    EXPECT_EQ(dot(tensor_core(architecture), g.a, g.b, g.c), want[architecture]) << g.id << " on " << architecture;
  }
}

constexpr double e = 0x1p-24;  // half an ULP of float32 below 1

TEST(TensorCoreTest, PublishedVectors) {
  const double c13 = 1 + 0x1p-22 + 0x1p-23;
  const Golden golden[] = {
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
  for (const Golden& g : golden) check(g);
}

TEST(TensorCoreTest, PositionOfALargeProductDoesNotMatter) {
  for (size_t place = 0; place < 4; ++place) {
    Golden nv7{"nv7", e, {0.5, 0.5, 0.5, 0.5}, {e, e, e, e}, 1, 1, 1 + 0x1p-23};
    nv7.a[place] = nv7.b[place] = 1;
    check(nv7);
    Golden nv13{"nv13", 1 + 0x1p-22 + 0x1p-23, {1, 1, 1, 1}, {1, 1, 1, 1}, 4 + 0x1p-21, 4 + 0x1p-21, 4 + 0x1p-21};
    nv13.b[place] = 0x1p-23;
    check(nv13);
  }
}

TEST(TensorCoreTest, Tf32InputsAreTruncatedAndSubnormalsKept) {
  for (Architecture architecture : {ampere, hopper}) {
    Policy policy;
    policy.operand = Rounding{format(FormatId::tf32), Mode::toward_zero};
    policy.accumulator = tensor_core(architecture, FormatId::tf32);
    const auto product = [&](double c, double a, double b) { return dot_reference(policy, &a, &b, 1, c); };
    EXPECT_EQ(product(0, 0x1p-136, 0x1p10), 0x1p-126);           // nv2
    EXPECT_EQ(product(0, 0x1p-126, 0.5), 0x1p-127);              // nv3
    EXPECT_EQ(product(-0x1p-127, 0x1p-126, 1), 0x1p-127);        // nv4
    EXPECT_EQ(product(0, 1 - e, 1 - e), 1 - 0x1p-10 + 0x1p-22);  // nv5
  }
}

TEST(TensorCoreTest, Float16Results) {
  for (Architecture architecture : {volta, ampere, hopper}) {
    Accumulator a = tensor_core(architecture);
    a.block_format = FormatId::float16;
    a.block_mode = Mode::nearest_even;
    EXPECT_EQ(dot(a, {e, e}, {0.5, 0.25}), e);                                                     // nv18
    EXPECT_EQ(dot(a, {1 - 0x1p-11, 1 - 0x1p-11}, {1 - 0x1p-11, 0x1p-11}), 1 - 0x1p-10 + 0x1p-11);  // nv19
    EXPECT_EQ(dot(a, {60000, 60000}, {1, 1}), kInfinity);
  }
}

TEST(TensorCoreTest, Float8KeepsThirteenFractionBits) {
  Accumulator a = tensor_core(hopper, FormatId::float8e4m3fn);
  a.block = 32;
  a.fraction_bits = 13;
  a.block_result_fraction_bits = 13;
  EXPECT_EQ(dot(a, {1}, {1}, 0x1p13), 0x1p13 + 1);
  EXPECT_EQ(dot(a, {1}, {1}, 0x1p14), 0x1p14);
  EXPECT_EQ(dot(a, {1, 1}, {1, 1}, 0x1p14), 0x1p14);  // each is cut before the sum
}

TEST(TensorCoreTest, BlocksFollowEachOtherAndSplitKAddsParts) {
  // 1 + 16 * 2^-24: within a block of 8 (F = 24) the small products survive together; the second block starts at the
  // rounded result of the first.
  Vector a(16, 1.0), b(16, e);
  EXPECT_EQ(dot(tensor_core(ampere), a, b, 1), 1 + 0x1p-20);
  EXPECT_EQ(dot(tensor_core(volta), a, b, 1), 1);
  Accumulator split = tensor_core(volta);
  split.split_k = 2;
  EXPECT_EQ(dot(split, a, b, 1), 1 + 0x1p-21);  // the second half, 8 * 2^-24, is summed apart and added in float32
}

TEST(TensorCoreTest, SpecialValues) {
  const Accumulator a = tensor_core(ampere);
  EXPECT_TRUE(std::isnan(dot(a, {kInfinity, -kInfinity}, {1, 1})));
  EXPECT_TRUE(std::isnan(dot(a, {kInfinity}, {0})));
  EXPECT_EQ(dot(a, {kInfinity, 1}, {-1, 1}), -kInfinity);
  EXPECT_EQ(dot(a, {0x1p127, 0x1p127}, {1, 1}), kInfinity);
}

TEST(TensorCoreTest, Cdna3AlignsSumAndAccumulatorDownwards) {
  Accumulator a;
  a.kind = Kind::aligned;
  a.block = 4;
  a.fraction_bits = 24;
  a.block_mode = Mode::nearest_even;
  a.accumulator_apart = true;
  EXPECT_EQ(dot(a, {1, 2, 3, 4}, {1, 1, 1, 1}, 5), 15);
  EXPECT_EQ(dot(a, {1}, {1}, 0x1p-24), 1);                  // a tie, to even
  EXPECT_EQ(dot(a, {1}, {1}, 0x1.8p-24), 1);                // 24 bits of the accumulator: 0x1p-24, a tie
  EXPECT_EQ(dot(a, {1}, {1}, -0x1p-60), 1 - 0x1p-24);       // downwards: a whole unit of 2^-24
  EXPECT_EQ(dot(a, {-0x1p-30, -0x1p-31}, {1, 0.5}, 1), 1);  // 31 bits: vanishes in the final rounding
}

// ---- Apple's Neural Engine (M1): sums published in sbryngelson/ane-guide, part-1-machine/03-numerics.md.

Accumulator neural_engine() {
  Accumulator a;
  a.kind = Kind::tiles;
  a.block = 4;
  a.fraction_bits = 12;
  a.step = Rounding{format(FormatId::float16), Mode::nearest_even, true, Overflow::infinity, 32768};
  return a;
}

double sum_of(const Vector& terms) { return dot(neural_engine(), terms, Vector(terms.size(), 1.0)); }

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

TEST(NeuralEngineTest, PublishedSums) {
  EXPECT_EQ(sum_of(Vector(16000, 1.0)), 16000);
  EXPECT_EQ(sum_of(with_ones(4096, 1024)), 5116);
  EXPECT_EQ(sum_of(with_ones(8192, 16)), 8208);
  EXPECT_EQ(sum_of(repeated({4000, -4000, 1}, 16)), 16);
  for (double b : {1024.0, 3000.0, 4090.0}) EXPECT_EQ(sum_of(repeated({b, -b, 1}, 16)), 16) << b;
  for (double b : {4096.0, 8000.0, 16000.0, 30000.0}) EXPECT_EQ(sum_of(repeated({b, -b, 1}, 16)), 4) << b;
  for (double b : {1024.0, 3000.0, 4090.0}) EXPECT_EQ(sum_of(repeated({b, 1, -b}, 16)), 16) << b;
  for (double b : {4096.0, 8000.0, 16000.0, 30000.0}) EXPECT_EQ(sum_of(repeated({b, 1, -b}, 16)), 4) << b;
  EXPECT_EQ(sum_of(with_ones(2048, 1)), 2048);
}

TEST(NeuralEngineTest, CeilingAndSubnormals) {
  EXPECT_EQ(sum_of({32752}), 32752);
  EXPECT_EQ(sum_of({32768}), kInfinity);
  EXPECT_EQ(sum_of({-32768, 0}), -kInfinity);
  EXPECT_EQ(sum_of({30000, 30000, -30000, -30000}), kInfinity);  // an interior partial sum, cancelled later
  EXPECT_EQ(sum_of(Vector(32, 1000.0)), 32000);
  EXPECT_EQ(sum_of(Vector(33, 1000.0)), kInfinity);
  EXPECT_EQ(sum_of({0x1p-24, 0x1p-24}), 0);  // a subnormal total: flushed on M1
}

// ---- The article's 4-to-3 perceptron.

constexpr float kWeights[3][4] = {{0.0349225402f, -0.301196814f, 0.159211695f, 0.156890273f},
                                  {-0.267238438f, -0.0749385953f, -0.292913973f, 0.129736364f},
                                  {-0.134683847f, 0.351268351f, 0.354943156f, 0.0509352088f}};
constexpr float kInput[4] = {-2.695711135864258f, -0.6399051547050476f, 3.681105375289917f, -0.2332591712474823f};

Vector perceptron(const Accumulator& accumulator, std::optional<Rounding> operand, std::optional<Rounding> result) {
  Policy policy;
  policy.operand = operand;
  policy.accumulator = accumulator;
  Vector x(kInput, kInput + 4), y;
  for (const auto& row : kWeights) {
    const Vector w(row, row + 4);
    const double out = dot_reference(policy, x.data(), w.data(), 4);
    y.push_back(result ? round(out, *result) : out);
  }
  return y;
}

void expect_floats(const Vector& got, const std::vector<float>& want, const char* what) {
  for (size_t i = 0; i < want.size(); ++i) EXPECT_EQ(static_cast<float>(got[i]), want[i]) << what << " " << i;
}

TEST(PerceptronTest, NinePoliciesGiveThePublishedDigits) {
  const Rounding f16{format(FormatId::float16)}, bf16{format(FormatId::bfloat16)}, tf32{format(FormatId::tf32)};
  const Rounding truncated{format(FormatId::tf32), Mode::toward_zero};
  const Accumulator plain;
  expect_floats(perceptron(plain, {}, {}), {0.6480752f, -0.34015813f, 1.4329923f}, "float32");
  expect_floats(perceptron(plain, f16, f16), {0.6484375f, -0.34033203f, 1.4326172f}, "float16 storage");
  Accumulator narrow;
  narrow.step = f16;
  expect_floats(perceptron(narrow, f16, f16), {0.6479492f, -0.34033203f, 1.4335938f}, "float16 accumulation");
  narrow.fused = false;
  expect_floats(perceptron(narrow, f16, f16), {0.6479492f, -0.33984375f, 1.4326172f}, "product rounded, then added");
  expect_floats(perceptron(plain, tf32, {}), {0.6482052f, -0.34034812f, 1.4330435f}, "TF32, nearest");
  expect_floats(perceptron(plain, truncated, {}), {0.6476102f, -0.33956695f, 1.4317858f}, "TF32, truncated");
  expect_floats(perceptron(plain, bf16, {}), {0.64859486f, -0.3394804f, 1.4379504f}, "bfloat16 operands");
  expect_floats(perceptron(plain, bf16, bf16), {0.6484375f, -0.33984375f, 1.4375f}, "bfloat16");
  expect_floats(perceptron(neural_engine(), f16, f16), {0.6484375f, -0.34033203f, 1.4326172f}, "Neural Engine");
  Accumulator rounded_products = neural_engine();
  rounded_products.product = f16;
  EXPECT_EQ(perceptron(rounded_products, f16, f16)[1], -0.33984375);
  Accumulator exact;
  exact.kind = Kind::exact;
  expect_floats(perceptron(exact, f16, f16), {0.6484375f, -0.34033203f, 1.4326172f}, "float16 storage, exact sums");
}

// ---- Dot-product instructions of CPUs.

Accumulator pairs(Accumulator::PairRule rule) {
  Accumulator a;
  a.kind = Kind::pairs;
  a.pairs = rule;
  a.block = 32;
  return a;
}

TEST(PairsTest, Vdpbf16psVectors) {
  const auto lane = [](double c, double a0, double b0, double a1, double b1) {
    return dot(pairs(Accumulator::PairRule::odd_then_even), {a0, a1}, {b0, b1}, c);
  };
  EXPECT_EQ(lane(0, bfloat16_value(0x0001), bfloat16_value(0x7f00), 0, 0), 0);
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

TEST(PairsTest, AmxSumsEvensAndOddsApart) {
  const Accumulator a = pairs(Accumulator::PairRule::even_odd_sums);
  // Within an instruction 2^24 and the ones meet in separate chains: evens 2^24, odds 1 + 1.
  EXPECT_EQ(dot(a, {0x1p24, 1, 0, 1}, {1, 1, 1, 1}), 0x1p24 + 2);
  EXPECT_EQ(dot(a, {0x1p24, 0, 1, 0, 1, 0}, {1, 1, 1, 1, 1, 1}), 0x1p24);
  EXPECT_EQ(dot(pairs(Accumulator::PairRule::odd_then_even), {0x1p24, 1, 0, 1}, {1, 1, 1, 1}), 0x1p24 + 0);
  EXPECT_EQ(dot(a, Vector(33, 1.0), Vector(33, 1.0)), 33);
  EXPECT_EQ(dot(a, {0x1p-100}, {0x1p-30}), 0);
}

TEST(PairsTest, BfdotRoundsToOdd) {
  const Accumulator a = pairs(Accumulator::PairRule::round_to_odd);
  EXPECT_EQ(dot(a, {1, 0x1p-30}, {1, 1}), 1 + 0x1p-23);
  EXPECT_EQ(dot(a, {1, -0x1p-30}, {1, 1}), 1 - 0x1p-24);
  EXPECT_EQ(dot(a, {1, 0x1p-23}, {1, 1}), 1 + 0x1p-23);
  EXPECT_EQ(dot(a, {0x1p127, 0x1p127}, {2, 2}), kInfinity);
  EXPECT_EQ(dot(a, {0x1p-100}, {0x1p-30}), 0);
  EXPECT_EQ(dot(a, {3, 4}, {5, 6}, 7), 46);
}

// ---- Chains, lanes, exact sums.

TEST(ChainTest, Float32ChainsAreStdFma) {
  std::mt19937_64 random(9);
  std::normal_distribution<float> normal;
  for (int round_number = 0; round_number < 300; ++round_number) {
    const size_t k = random() % 50;
    Vector a(k), b(k);
    float fused = normal(random), apart = fused, halves = 0;
    const float c = fused;
    for (size_t i = 0; i < k; ++i) {
      const float x = normal(random), y = normal(random);
      a[i] = x, b[i] = y;
      fused = std::fma(x, y, fused);
      apart = apart + x * y;
      halves = fma_float16(x, y, halves);
    }
    Accumulator chain;
    EXPECT_EQ(dot(chain, a, b, c), fused);
    chain.fused = false;
    EXPECT_EQ(dot(chain, a, b, c), apart);
    chain.fused = true;
    chain.step = Rounding{format(FormatId::float16)};
    EXPECT_EQ(dot(chain, a, b), halves);
  }
}

TEST(ChainTest, Float64ComputesInFloat64) {
  const Vector a{1.0 / 3, 0.1, -7}, b{3, 1e-17, 1.0 / 7};
  double want = 0;
  for (size_t i = 0; i < 3; ++i) want = std::fma(a[i], b[i], want);
  EXPECT_EQ(dot_reference(Accumulator(), FormatId::float64, a.data(), b.data(), 3), want);
}

TEST(ChainTest, RoundingTwiceIsAnOptionOfXnnpack) {
  Accumulator chain;
  chain.step = Rounding{format(FormatId::float16)};
  const Vector a{float16_value(0x3b81)}, b{float16_value(0x3c52)};
  const double c = float16_value(0x056f);
  EXPECT_EQ(dot(chain, a, b, c), float16_value(0x3c0d));
  chain.step_via_float32 = true;
  EXPECT_EQ(dot(chain, a, b, c), float16_value(0x3c0e));
}

TEST(ChainTest, FlushingTakesInputsStepsAndTheStart) {
  Accumulator chain;
  EXPECT_EQ(dot(chain, {0x1p-127}, {1}), 0x1p-127);
  chain.flush_subnormals = true;
  EXPECT_EQ(dot(chain, {0x1p-127}, {0x1p10}), 0);
  EXPECT_EQ(dot(chain, {0x1p-100}, {0x1p-30}), 0);
  EXPECT_EQ(dot(chain, {1}, {0}, 0x1p-127), 0);
  EXPECT_EQ(dot(chain, {0x1p-100}, {0x1p-20}), 0x1p-120);
}

TEST(LanesTest, HalvesAreAdded) {
  Accumulator lanes;
  lanes.kind = Kind::lanes;
  lanes.lanes = 4;
  // Lanes {2^24, 1, 1, -2^24} + ...: (0 and 2), (1 and 3), then both.
  EXPECT_EQ(dot(lanes, {0x1p24, 1, 1, -0x1p24}, {1, 1, 1, 1}), (0x1p24 + 0) + (1 - 0x1p24));
  lanes.lanes = 16;
  std::mt19937_64 random(10);
  std::normal_distribution<float> normal;
  Vector x(100);
  float lane[16] = {};
  for (size_t i = 0; i < x.size(); ++i) {
    const float v = normal(random);
    x[i] = v;
    lane[i % 16] += v;
  }
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  EXPECT_EQ(sum_reference(lanes, FormatId::float32, x.data(), x.size()), lane[0]);
  EXPECT_EQ(sum_reference(Accumulator(), FormatId::float32, x.data(), 0), 0);
}

TEST(ExactTest, OneRounding) {
  Accumulator exact;
  exact.kind = Kind::exact;
  EXPECT_EQ(dot(exact, {0x1p100, 1, -0x1p100, 0x1p-24}, {0x1p20, 1, 0x1p20, 1}), 1);
  EXPECT_EQ(dot(exact, {0x1p100, 1, -0x1p100, 0x1p-24}, {0x1p20, 1, 0x1p20, 1.5}), 1 + 0x1p-23);
  EXPECT_EQ(dot(exact, {0x1p-100, 0x1p-100}, {0x1p-100, 0x1p-100}), 0);
  EXPECT_TRUE(std::isnan(dot(exact, {kInfinity, kInfinity}, {1, -1})));
  EXPECT_EQ(dot(exact, {}, {}, 3), 3);
  std::mt19937_64 random(11);
  Vector x;
  for (int i = 0; i < 2000; ++i) x.push_back(std::bit_cast<float>(static_cast<uint32_t>(random()) & 0xbfffffffu));
  const size_t n = x.size();
  for (size_t i = 0; i < n; ++i) x.push_back(-x[i]);
  std::shuffle(x.begin(), x.end(), random);
  x.push_back(0x1p-140);
  EXPECT_EQ(sum_reference(exact, FormatId::float32, x.data(), x.size()), 0x1p-140);
}

}  // namespace
}  // namespace assay::num
