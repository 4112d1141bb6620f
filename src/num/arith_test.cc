// Arith against scalar transcripts of docs/semantics.md, on every instruction set.
#include "num/arith.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "num/accumulate.h"
#include "num/simd.h"

namespace assay::num {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::bit_cast<float>(0xffc00123u);  // negative, with a payload

template <class T>
std::vector<T> numbers(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<T> out(n);
  for (T& x : out) x = static_cast<T>(normal(random) * std::exp2(static_cast<int>(random() % 12) - 6));
  return out;
}

uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }
uint64_t bits(double x) { return std::bit_cast<uint64_t>(x); }

class ArithTest : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(force_isa(Isa::best).ok()); }
};

// The 16 lanes and the tree, as semantics.md words them.
template <class T, class Step>
T lanes16(const std::vector<T>& a, bool squares, Step step) {
  T lane[16] = {};
  for (size_t i = 0; i < a.size(); ++i) {
    T& l = lane[i % 16];
    l = squares ? step(std::fma(a[i], a[i], l)) : step(l + a[i]);
  }
  for (int half : {8, 4, 2, 1}) {
    for (int i = 0; i < half; ++i) lane[i] = step(lane[i] + lane[i + half]);
  }
  return lane[0];
}

template <class T>
void check_sums() {
  const Arith<T> arith{Policy{}};
  const auto exact = [](T x) { return x; };
  for (size_t n : {0u, 1u, 7u, 15u, 16u, 17u, 31u, 32u, 100u, 1000u, 1023u}) {
    const auto a = numbers<T>(n, n + 1);
    const T sum = lanes16(a, false, exact), squares = lanes16(a, true, exact);
    for (Isa isa : available_isas()) {
      ASSERT_TRUE(force_isa(isa).ok());
      EXPECT_EQ(bits(arith.sum(a.data(), n)), bits(sum)) << n << isa_name(isa);
      EXPECT_EQ(bits(arith.sum_of_squares(a.data(), n)), bits(squares)) << n << isa_name(isa);
    }
  }
}
TEST_F(ArithTest, SumsTakeSixteenLanesAndAFixedTree) {
  check_sums<float>();
  check_sums<double>();
}

TEST_F(ArithTest, SumsRoundEachStep) {
  for (FormatId id : {FormatId::float16, FormatId::bfloat16, FormatId::tf32}) {
    Policy policy;
    policy.step = Rounding{.format = format(id)};
    const auto a = numbers<float>(777, 3);
    const float want = lanes16<float>(a, false, [&](float x) { return round_float(x, *policy.step); });
    for (Isa isa : available_isas()) {
      ASSERT_TRUE(force_isa(isa).ok());
      EXPECT_EQ(bits(Arith<float>(policy).sum(a.data(), a.size())), bits(want)) << format(id).name;
    }
  }
}

TEST_F(ArithTest, PolicySumChoosesTheOrder) {
  const auto a = numbers<float>(1000, 5);
  Policy policy;
  policy.sum.emplace().step = Rounding{.format = format(FormatId::float16)};
  float want = 0;
  for (float x : a) want = round_float(want + x, *policy.sum->step);
  EXPECT_EQ(bits(Arith<float>(policy).sum(a.data(), a.size())), bits(want));
  policy.sum.emplace().kind = Accumulator::Kind::lanes;
  policy.sum->lanes = 4;
  float lane[4] = {};
  for (size_t i = 0; i < a.size(); ++i) lane[i % 4] += a[i];
  EXPECT_EQ(bits(Arith<float>(policy).sum(a.data(), a.size())), bits((lane[0] + lane[2]) + (lane[1] + lane[3])));
}

TEST_F(ArithTest, OtherAccumulatorsAreTheirDefinitions) {
  const auto a = numbers<float>(301, 6);
  const std::vector<double> terms(a.begin(), a.end());
  Policy policy;
  for (const auto kind : {Accumulator::Kind::exact, Accumulator::Kind::tiles, Accumulator::Kind::aligned}) {
    policy.sum.emplace().kind = kind;
    policy.sum->block = 4;
    policy.sum->fraction_bits = 12;
    EXPECT_EQ(static_cast<double>(Arith<float>(policy).sum(a.data(), a.size())),
              sum_reference(*policy.sum, FormatId::float32, terms.data(), terms.size()));
    EXPECT_FALSE(Arith<float>(policy).sums_ascending());
  }
}

TEST_F(ArithTest, MaximumPropagatesNanAndOrdersZeros) {
  const Arith<float> arith{Policy{}};
  const std::vector<float> values = {0.0f, -0.0f, 1.0f, -1.0f, kInf, -kInf, kNan, 1e-40f};
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    for (float a : values) {
      for (float b : values) {
        float larger, smaller;
        arith.max(&a, &b, &larger, 1);
        arith.min(&a, b, &smaller, 1);
        if (std::isnan(a) || std::isnan(b)) {
          EXPECT_EQ(bits(larger), 0x7fc00000u);
          EXPECT_EQ(bits(smaller), 0x7fc00000u);
        } else {
          const bool a_larger = a > b || (a == b && !std::signbit(a));
          EXPECT_EQ(bits(larger), bits(a_larger ? a : b));
          EXPECT_EQ(bits(smaller), bits(a_larger ? b : a));
        }
      }
    }
    auto many = numbers<float>(101, 9);
    EXPECT_EQ(arith.max_of(many.data(), 101), *std::max_element(many.begin(), many.end()));
    many[100] = kNan;
    EXPECT_EQ(bits(arith.max_of(many.data(), 101)), 0x7fc00000u);
    EXPECT_EQ(arith.max_of(many.data(), 0), -kInf);
    const float zeros[] = {-0.0f, 0.0f, -0.0f};
    EXPECT_EQ(bits(arith.max_of(zeros, 3)), 0u);
  }
}

TEST_F(ArithTest, ReluKeepsNegativeZeroAndNan) {
  const Arith<float> arith{Policy{}};
  const float in[] = {-1.0f, -0.0f, 0.0f, 2.0f, kNan, -kInf};
  const uint32_t want[] = {0, 0x80000000u, 0, bits(2.0f), 0x7fc00000u, 0};
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    float out[6];
    arith.relu(in, out, 6);
    for (int i = 0; i < 6; ++i) EXPECT_EQ(bits(out[i]), want[i]);
  }
}

TEST_F(ArithTest, RoundsToIntegersLikeTheStandardFunctions) {
  const Arith<float> arith{Policy{}};
  std::vector<float> in = {0.5f, 1.5f, 2.5f, -0.5f, -0.3f, -0.0f, 0.3f, 8388607.5f, 8388609.0f, 1e30f, kInf, -kInf};
  const auto more = numbers<float>(1000, 4);
  in.insert(in.end(), more.begin(), more.end());
  std::vector<float> floor(in.size()), ceil(in.size()), round(in.size());
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    arith.floor(in.data(), floor.data(), in.size());
    arith.ceil(in.data(), ceil.data(), in.size());
    arith.round(in.data(), round.data(), in.size());
    for (size_t i = 0; i < in.size(); ++i) {
      EXPECT_EQ(bits(floor[i]), bits(std::floor(in[i]))) << in[i];
      EXPECT_EQ(bits(ceil[i]), bits(std::ceil(in[i]))) << in[i];
      EXPECT_EQ(bits(round[i]), bits(std::nearbyint(in[i]))) << in[i];
    }
  }
}

// Every step under a rounding policy is the exact step, rounded.
template <class T>
void check_steps(const Policy& policy) {
  const Arith<T> arith{policy}, exact{Policy{}};
  const size_t n = 600;
  auto a = numbers<T>(n, 1), b = numbers<T>(n, 2), c = numbers<T>(n, 3);
  for (auto* v : {&a, &b, &c}) round_in_place(v->data(), n, *policy.step);
  std::vector<T> got(n), want(n);
  const auto same = [&](const char* what) {
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(bits(got[i]), bits(static_cast<T>(round(want[i], *policy.step)))) << what;
  };
  arith.add(a.data(), b.data(), got.data(), n), exact.add(a.data(), b.data(), want.data(), n), same("add");
  arith.sub(a.data(), T(1.5), got.data(), n), exact.sub(a.data(), T(1.5), want.data(), n), same("sub");
  arith.mul(a.data(), b.data(), got.data(), n), exact.mul(a.data(), b.data(), want.data(), n), same("mul");
  arith.div(T(1), b.data(), got.data(), n), exact.div(T(1), b.data(), want.data(), n), same("div");
  got = a, arith.add(got.data(), got.data(), got.data(), n), exact.add(a.data(), a.data(), want.data(), n);
  same("in place");
  arith.fma(a.data(), b.data(), c.data(), got.data(), n);
  for (size_t i = 0; i < n; ++i) {
    ASSERT_EQ(static_cast<double>(got[i]), fma_round(a[i], b[i], c[i], *policy.step)) << "fma";
  }
}
TEST_F(ArithTest, EachStepIsRoundedOnce) {
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    for (FormatId id : {FormatId::float16, FormatId::bfloat16}) {
      Policy policy;
      policy.step = Rounding{.format = format(id)};
      check_steps<float>(policy);
      check_steps<double>(policy);
    }
  }
}

// Operands of 24 bits (settings, scales) may make results that float32 puts in the middle between two 16-bit numbers.
TEST_F(ArithTest, StepsOfWideOperandsAreRoundedOnce) {
  Policy policy;
  policy.step = Rounding{.format = format(FormatId::float16)};
  const Arith<float> arith(policy);
  EXPECT_EQ(arith.mul(0x1.707b48p+0f, 0x1.94839ep+0f), 0x1.234p+1f);
  EXPECT_EQ(arith.div(0x1.30f2e2p+0f, 0x1.7688a6p+0f), 0x1.a0cp-1f);
  EXPECT_EQ(arith.sqrt(0x1.0a5a46p+0f), 0x1.054p+0f);
  EXPECT_EQ(arith.add(1024.0f, 0.5f + 0x1p-24f), 1025.0f);  // float32 has 1024.5, whose tie goes to 1024
  EXPECT_EQ(arith.sub(-1024.0f, 0.5f + 0x1p-24f), -1025.0f);
  const float many[300] = {0x1.707b48p+0f}, by = 0x1.94839ep+0f;
  float y[300];
  arith.mul(many, by, y, 300);
  EXPECT_EQ(y[0], 0x1.234p+1f);
  EXPECT_EQ(y[299], 0.0f);
  float total = 1024.0f;
  const float more[] = {0.5f + 0x1p-24f}, terms[] = {1024.0f, 0.5f + 0x1p-24f};
  arith.accumulate(more, &total, 1);
  EXPECT_EQ(total, 1025.0f);
  policy.sum.emplace().step = policy.step;
  EXPECT_EQ(Arith<float>(policy).sum(terms, 2), 1025.0f);
  EXPECT_EQ(bits(arith.div(0.1f, 0.0f)), bits(kInf));
  EXPECT_EQ(bits(arith.mul(0.1f, kNan)), 0x7fc00000u);
}

TEST_F(ArithTest, CorrectlyRoundedFunctionsGoThroughFloat64) {
  Policy policy;
  policy.elementary = Elementary::correctly_rounded;
  policy.step = Rounding{.format = format(FormatId::float16)};
  const auto x = numbers<float>(700, 8);
  std::vector<float> y(x.size());
  Arith<float>(policy).apply(Function::exp, x.data(), y.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double wide = apply(Function::exp, static_cast<double>(x[i]));
    EXPECT_EQ(static_cast<double>(y[i]), round(wide, *policy.step)) << x[i];
  }
}

TEST_F(ArithTest, FlushesSubnormalsOnTheWayInAndOut) {
  Policy policy;
  policy.flush_subnormals = true;
  const Arith<float> arith{policy};
  EXPECT_EQ(bits(arith.add(1e-40f, 0.0f)), 0u);
  EXPECT_EQ(bits(arith.mul(1e-30f, -1e-10f)), 0x80000000u);
  EXPECT_EQ(arith.mul(1e-40f, 1e10f), 0.0f);
  EXPECT_EQ(arith.add(1.0f, 2.0f), 3.0f);
  const Arith<double> wide{policy};
  EXPECT_EQ(wide.mul(1e-40, 1e10), 1e-40 * 1e10);
}

TEST_F(ArithTest, NeuralEngineEdgeValues) {
  Policy policy;
  policy.special_values = SpecialValues::neural_engine;
  const Arith<float> arith{policy};
  float y;
  EXPECT_EQ(arith.add(kNan, 0.0f), kInf);
  EXPECT_EQ(bits(arith.sub(kInf, kInf)), 0u);
  EXPECT_EQ(bits(arith.mul(0.0f, kInf)), 0u);
  EXPECT_EQ(bits(arith.sqrt(-1.0f)), 0u);
  EXPECT_EQ(bits(arith.sqrt(-0.0f)), 0u);
  EXPECT_EQ(arith.div(1.0f, -0.0f), kInf);
  EXPECT_EQ(bits(arith.add(-0.0f, 0.0f)), 0u);
  EXPECT_EQ(arith.apply(Function::log, 0.0f), -45440.0f);
  EXPECT_EQ(bits(arith.apply(Function::log, -1.0f)), 0u);
  EXPECT_EQ(arith.apply(Function::tanh, kNan), 1.0f);
  EXPECT_EQ(arith.apply(Function::erf, kNan), 1.0f);
  EXPECT_EQ(arith.apply(Function::exp, kNan), kInf);
  arith.relu(&kNan, &y, 1);
  EXPECT_EQ(y, kInf);
  const float one = 1.0f;
  arith.max(&kNan, &one, &y, 1);
  EXPECT_EQ(y, kInf);
  const float row[] = {1.0f, kNan, 3.0f};
  EXPECT_EQ(arith.max_of(row, 3), kInf);
}

TEST_F(ArithTest, ResultsOfInvalidOperationsAreOneNan) {
  const Arith<float> arith{Policy{}};
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    for (const float y : {arith.add(kNan, 1.0f), arith.sub(kInf, kInf), arith.mul(0.0f, kInf), arith.div(0.0f, 0.0f),
                          arith.sqrt(-1.0f), arith.apply(Function::log, -1.0f)}) {
      EXPECT_EQ(bits(y), 0x7fc00000u);
    }
  }
}

TEST_F(ArithTest, AscendingSumsOverAnOuterAxis) {
  const auto a = numbers<float>(300, 1), b = numbers<float>(300, 2);
  Policy f16;
  f16.step = Rounding{.format = format(FormatId::float16)};
  for (const Policy& policy : {Policy{}, f16}) {
    const Arith<float> arith{policy};
    std::vector<float> acc(300, 0.0f), squares(300, 0.0f);
    for (const auto* v : {&a, &b}) {
      arith.accumulate(v->data(), acc.data(), 300);
      arith.accumulate_squares(v->data(), squares.data(), 300);
    }
    for (size_t i = 0; i < 300; ++i) {
      const auto step = [&](float x) { return policy.step ? round_float(x, *policy.step) : x; };
      EXPECT_EQ(bits(acc[i]), bits(step(step(0.0f + a[i]) + b[i])));
      const float first = policy.step ? fma_float16(a[i], a[i], 0.0f) : a[i] * a[i];
      EXPECT_EQ(bits(squares[i]), bits(policy.step ? fma_float16(b[i], b[i], first) : std::fma(b[i], b[i], first)));
    }
  }
}

}  // namespace
}  // namespace assay::num
