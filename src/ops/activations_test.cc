// Activations and functions: near a float64 reference, exact compositions of rounded steps under float16 throughout,
// the same bits on every instruction set and number of threads.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "ops/testing.h"

namespace assay::ops::testing {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::bit_cast<float>(0xffc00123u);

struct Case {
  const char* op;
  double (*reference)(double);
  float low, high;
  double absolute;  ///< allowed beside 4e-6 relative
};
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::log(std::exp(x) + 1); }
const Case kCases[] = {
    {"Abs", [](double x) { return std::fabs(x); }, -9, 9, 0},
    {"Acos", std::acos, -1, 1, 0},
    {"Acosh", std::acosh, 1.1f, 90, 0},
    {"Asin", std::asin, -1, 1, 0},
    {"Asinh", std::asinh, -9, 9, 0},
    {"Atan", std::atan, -9, 9, 0},
    {"Atanh", std::atanh, -0.99f, 0.99f, 0},
    {"Ceil", std::ceil, -9, 9, 0},
    {"Celu", [](double x) { return x < 0 ? std::exp(x) - 1 : x; }, -9, 9, 2e-7},
    {"Cos", std::cos, -9, 9, 1e-7},
    {"Cosh", std::cosh, -9, 9, 0},
    {"Elu", [](double x) { return x < 0 ? std::exp(x) - 1 : x; }, -9, 9, 2e-7},
    {"Erf", std::erf, -3, 3, 0},
    {"Exp", std::exp, -80, 80, 0},
    {"Floor", std::floor, -9, 9, 0},
    {"Gelu", [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }, -5, 5, 5e-7},
    {"HardSigmoid", [](double x) { return std::fmax(0, std::fmin(1, 0.2 * x + 0.5)); }, -9, 9, 2e-7},
    {"HardSwish", [](double x) { return x * std::fmax(0, std::fmin(1, x / 6 + 0.5)); }, -9, 9, 2e-6},
    {"LeakyRelu", [](double x) { return x < 0 ? 0.01 * x : x; }, -9, 9, 0},
    {"Log", std::log, 0.1f, 90, 1e-7},
    {"Mish", [](double x) { return x * std::tanh(softplus(x)); }, -9, 9, 1e-6},
    {"Neg", [](double x) { return -x; }, -9, 9, 0},
    {"Reciprocal", [](double x) { return 1 / x; }, 0.1f, 9, 0},
    {"Relu", [](double x) { return x < 0 ? 0 : x; }, -9, 9, 0},
    {"Round", std::nearbyint, -9, 9, 0},
    {"Selu", [](double x) { return 1.0507009873554805 * (x < 0 ? 1.6732632423543772 * (std::exp(x) - 1) : x); }, -9, 9,
     5e-7},
    {"Shrink", [](double x) { return x < -0.5 || x > 0.5 ? x : 0; }, -2, 2, 0},
    {"Sigmoid", sigmoid, -40, 40, 0},
    {"Sign", [](double x) { return double((x > 0) - (x < 0)); }, -9, 9, 0},
    {"Sin", std::sin, -9, 9, 1e-7},
    {"Sinh", std::sinh, -9, 9, 0},
    {"Softplus", softplus, -9, 40, 2e-7},
    {"Softsign", [](double x) { return x / (1 + std::fabs(x)); }, -9, 9, 0},
    {"Sqrt", std::sqrt, 0, 90, 0},
    {"Swish", [](double x) { return x * sigmoid(x); }, -9, 9, 0},
    {"Tan", std::tan, -1.5f, 1.5f, 1e-6},
    {"Tanh", std::tanh, -5, 5, 0},
    {"ThresholdedRelu", [](double x) { return x > 1 ? x : 0; }, -9, 9, 0},
};

TEST(ActivationsTest, AreNearTheirDefinitions) {
  for (const Case& k : kCases) {
    const auto values = random_floats(20011, k.low, k.high, 5);
    const auto x = f32({20011}, values);
    const auto y = run_everywhere([&] { return OneOp(k.op).in(x); });
    const auto wide = OneOp(k.op).in(x).policy(float64_policy()).storage(ir::ElemType::float64).run();
    for (size_t i = 0; i < values.size(); ++i) {
      const double want = k.reference(static_cast<double>(values[i]));
      const auto at = static_cast<int64_t>(i);
      ASSERT_NEAR(y.float_at(at), want, 4e-6 * std::fabs(want) + k.absolute) << k.op << " of " << values[i];
      // The float64 form differs from libm's by its own ULPs, and where attributes are float32 numbers.
      ASSERT_NEAR(wide.float_at(at), want, 4e-6 * std::fabs(want) + k.absolute) << k.op << " of " << values[i];
    }
  }
}

TEST(ActivationsTest, Float64FunctionsHaveFloat64Accuracy) {
  const std::vector<double> values = {-3.25, -0.75, -1e-3, 0.0, 1e-3, 0.6, 2.5};
  for (const char* op : {"Sigmoid", "Tanh", "Exp", "Gelu", "Erf", "Softsign", "Swish"}) {
    const auto y = OneOp(op).in(f64({7}, values)).run();
    for (const Case& k : kCases) {
      if (std::string_view(k.op) != op) continue;
      for (size_t i = 0; i < values.size(); ++i)
        EXPECT_NEAR(y.float_at(static_cast<int64_t>(i)), k.reference(values[i]), 2e-15) << op << values[i];
    }
  }
}

float half(double x) { return static_cast<float>(num::round(x, to_format(num::FormatId::float16))); }
float call(num::Function f, float x) { return half(num::apply(f, static_cast<double>(x))); }

// Compositions of documented steps, each rounded to float16.
struct Steps {
  const char* op;
  std::function<float(float)> value;
};
TEST(ActivationsTest, Float16ThroughoutRoundsEachStep) {
  using num::Function;
  const auto sigmoid16 = [](float x) {
    const float e = call(Function::exp, -std::fabs(x));
    return half((x < 0 ? e : 1.0f) / half(1.0f + e));
  };
  const Steps steps[] = {
      {"Sigmoid", sigmoid16},
      {"Swish", [&](float x) { return half(x * sigmoid16(x)); }},
      {"Softplus", [](float x) { return call(Function::log, half(call(Function::exp, x) + 1.0f)); }},
      {"Mish",
       [](float x) {
         return half(x * call(Function::tanh, call(Function::log, half(call(Function::exp, x) + 1.0f))));
       }},
      {"HardSwish",
       [](float x) {
         const float t = half(half(x * (1.0f / 6.0f)) + 0.5f);
         return half(x * std::fmax(std::fmin(t, 1.0f), 0.0f));
       }},
      {"Elu", [](float x) { return x < 0 ? half(call(Function::exp, x) - 1.0f) : x; }},
      {"Softsign", [](float x) { return half(x / half(std::fabs(x) + 1.0f)); }},
      {"Gelu",
       [](float x) {
         const float t = half(x * 0.70710678118654752440f);
         return half(half(x * 0.5f) * half(call(Function::erf, t) + 1.0f));
       }},
      {"Reciprocal", [](float x) { return half(1.0f / x); }},
      {"Tanh", [](float x) { return call(Function::tanh, x); }},
  };
  auto values = random_floats(3000, -8, 8, 7);
  for (float& x : values) x = half(x);
  const auto x = floats(ir::ElemType::float16, {3000}, std::vector<double>(values.begin(), values.end()));
  for (const Steps& s : steps) {
    const auto y = run_everywhere([&] {
      return OneOp(s.op).in(x, ir::ElemType::float32).policy(float16_throughout()).storage(ir::ElemType::float16);
    });
    for (size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(static_cast<float>(y.float_at(static_cast<int64_t>(i))), s.value(values[i])) << s.op << values[i];
  }
}

TEST(ActivationsTest, SpecialValues) {
  const auto x = f32({5}, {kNan, kInf, -kInf, -0.0f, 0.0f});
  const auto bits = [&](const char* op, int64_t i) {
    return std::bit_cast<uint32_t>(OneOp(op).in(x).run().data<float>()[i]);
  };
  for (const char* op : {"Relu", "Sigmoid", "Tanh", "Exp", "Gelu", "Neg", "Abs", "Sign", "Swish", "Elu", "Clip"})
    EXPECT_EQ(bits(op, 0), 0x7fc00000u) << op;
  EXPECT_EQ(bits("Relu", 3), 0x80000000u);
  EXPECT_EQ(bits("Sigmoid", 2), 0u);
  EXPECT_EQ(bits("Sigmoid", 1), 0x3f800000u);
  EXPECT_EQ(bits("Sign", 1), 0x3f800000u);
  EXPECT_EQ(bits("Identity", 0), 0xffc00123u);  // data movement keeps bits
}

TEST(ActivationsTest, TanhGeluFollowsItsBody) {
  const auto values = random_floats(1000, -4, 4, 9);
  const auto y = OneOp("Gelu").attr("approximate", std::string("tanh")).in(f32({1000}, values)).run();
  for (size_t i = 0; i < values.size(); ++i) {
    const double x = values[i];
    const double want = 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    EXPECT_NEAR(y.float_at(static_cast<int64_t>(i)), want, 1e-6);
  }
}

TEST(ClipTest, BoundsAndTheirOrder) {
  const auto x = f32({5}, {-3, -0.0f, 1, 5, kInf});
  const auto run = [&](float low, float high) {
    return doubles(OneOp("Clip").in(x).in(ir::Tensor::scalar(low)).in(ir::Tensor::scalar(high)).run());
  };
  EXPECT_EQ(run(-1, 2), (std::vector<double>{-1, 0, 1, 2, 2}));
  EXPECT_EQ(run(4, 2), (std::vector<double>(5, 2)));  // max wins
  EXPECT_EQ(doubles(OneOp("Clip").in(x).absent().in(ir::Tensor::scalar(1.5f)).run()),
            (std::vector<double>{-3, 0, 1, 1.5, 1.5}));
  EXPECT_EQ(doubles(OneOp("Clip").in(x).run())[4], INFINITY);
  const auto old = OneOp("Clip").attr("min", -1.0f).in(x).opset(6).run();  // the default maximum is the largest float
  EXPECT_EQ(doubles(old), (std::vector<double>{-1, 0, 1, 5, std::numeric_limits<float>::max()}));
  const auto i = OneOp("Clip").in(i64({3}, {-9, 0, 9})).in(i64({}, {-2})).in(i64({}, {3})).run();
  EXPECT_EQ(integers(i), (std::vector<int64_t>{-2, 0, 3}));
}

TEST(VariadicTest, FoldsFromTheLeft) {
  const auto a = f32({2, 1}, {1, 2}), b = f32({3}, {10, 20, 30}), c = f32({1}, {0.5f});
  EXPECT_EQ(doubles(OneOp("Sum").in(a).in(b).in(c).run()), (std::vector<double>{11.5, 21.5, 31.5, 12.5, 22.5, 32.5}));
  EXPECT_EQ(doubles(OneOp("Max").in(a).in(f32({2, 1}, {kNan, 1})).run())[1], 2);
  EXPECT_TRUE(std::isnan(doubles(OneOp("Max").in(a).in(f32({2, 1}, {kNan, 1})).run())[0]));
  EXPECT_EQ(doubles(OneOp("Mean").in(b).in(f32({3}, {0, 0, 1})).run()), (std::vector<double>{5, 10, 15.5}));
  EXPECT_EQ(doubles(OneOp("Min").in(b).run()), (std::vector<double>{10, 20, 30}));
  const auto u = ints(ir::ElemType::uint64, {2}, {-1, 5});
  EXPECT_EQ(integers(OneOp("Max").in(u).in(ints(ir::ElemType::uint64, {2}, {7, 7})).run()),
            (std::vector<int64_t>{-1, 7}));
}

TEST(PowModTest, Values) {
  const auto p = OneOp("Pow").in(f32({4}, {2, 9, -2, 0})).in(f32({4}, {3, 0.5f, 3, 0})).run();
  EXPECT_EQ(doubles(p), (std::vector<double>{8, 3, -8, 1}));
  EXPECT_EQ(integers(OneOp("Pow").in(i64({2}, {3, -2})).in(f32({2}, {4, 3})).run()), (std::vector<int64_t>{81, -8}));
  EXPECT_EQ(doubles(OneOp("Pow").in(f32({1}, {1.5f})).in(i64({1}, {2})).run()), (std::vector<double>{2.25}));
  const auto a = i64({4}, {-7, 7, -7, 7}), b = i64({4}, {3, -3, -3, 3});
  EXPECT_EQ(integers(OneOp("Mod").in(a).in(b).run()), (std::vector<int64_t>{2, -2, -1, 1}));
  EXPECT_EQ(integers(OneOp("Mod").attr("fmod", int64_t{1}).in(a).in(b).run()), (std::vector<int64_t>{-1, 1, -1, 1}));
  EXPECT_EQ(doubles(OneOp("Mod").attr("fmod", int64_t{1}).in(f32({2}, {-4.3f, 5})).in(f32({2}, {2, -3})).run())[1], 2);
  // With the divisor's sign, zeros too; an infinite divisor of the other sign is the result.
  const float inf = std::numeric_limits<float>::infinity();
  const auto floored =
      doubles(OneOp("Mod").in(f32({6}, {-4.5f, 4.5f, 4, -0.0f, 5, -5})).in(f32({6}, {2, -2, -2, 2, -inf, -inf})).run());
  EXPECT_EQ(floored, (std::vector<double>{1.5, -1.5, -0.0, 0, -inf, -5}));
  EXPECT_TRUE(std::signbit(floored[2]) && !std::signbit(floored[3]));
  EXPECT_FALSE(OneOp("Mod").attr("fmod", int64_t{2}).in(f32({1}, {1})).in(f32({1}, {1})).try_run().ok());
}

TEST(ReluFamilyTest, SlopesAndIntegers) {
  const auto x = f32({1, 2, 2}, {-1, 2, -3, 4});
  EXPECT_EQ(doubles(OneOp("PRelu").in(x).in(f32({2, 1}, {0.5f, 2})).run()), (std::vector<double>{-0.5, 2, -6, 4}));
  EXPECT_EQ(doubles(OneOp("LeakyRelu").attr("alpha", 0.5f).in(x).run()), (std::vector<double>{-0.5, 2, -1.5, 4}));
  EXPECT_EQ(integers(OneOp("Relu").in(ints(ir::ElemType::int8, {3}, {-5, 0, 5})).run()),
            (std::vector<int64_t>{0, 0, 5}));
  EXPECT_EQ(integers(OneOp("Abs").in(ints(ir::ElemType::int8, {2}, {-5, -128})).run()),
            (std::vector<int64_t>{5, -128}));
}

TEST(LogicTest, Values) {
  using enum ir::ElemType;
  const auto a = ints(boolean, {4}, {0, 0, 1, 1}), b = ints(boolean, {4}, {0, 1, 0, 1});
  EXPECT_EQ(integers(OneOp("And").in(a).in(b).run()), (std::vector<int64_t>{0, 0, 0, 1}));
  EXPECT_EQ(integers(OneOp("Or").in(a).in(b).run()), (std::vector<int64_t>{0, 1, 1, 1}));
  EXPECT_EQ(integers(OneOp("Xor").in(a).in(b).run()), (std::vector<int64_t>{0, 1, 1, 0}));
  EXPECT_EQ(integers(OneOp("Not").in(a).run()), (std::vector<int64_t>{1, 1, 0, 0}));
  const auto shift = [&](const char* direction) {
    const auto x = ints(uint8, {3}, {16, 4, 255}), y = ints(uint8, {3}, {1, 2, 9});
    return integers(OneOp("BitShift").attr("direction", std::string(direction)).in(x).in(y).run());
  };
  EXPECT_EQ(shift("LEFT"), (std::vector<int64_t>{32, 16, 0}));
  EXPECT_EQ(shift("RIGHT"), (std::vector<int64_t>{8, 1, 0}));
  EXPECT_EQ(integers(OneOp("BitwiseNot").in(ints(uint8, {1}, {5})).run()), (std::vector<int64_t>{250}));
  EXPECT_EQ(integers(OneOp("BitwiseXor").in(ints(int32, {1}, {-1})).in(ints(int32, {1}, {5})).run()),
            (std::vector<int64_t>{-6}));
}

TEST(CompareTest, NanZerosAndBroadcast) {
  const auto a = f32({2, 2}, {kNan, -0.0f, 3, 1}), b = f32({2}, {1, 0});
  EXPECT_EQ(integers(OneOp("Equal").in(a).in(b).run()), (std::vector<int64_t>{0, 1, 0, 0}));
  EXPECT_EQ(integers(OneOp("Less").in(a).in(b).run()), (std::vector<int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(integers(OneOp("GreaterOrEqual").in(a).in(b).run()), (std::vector<int64_t>{0, 1, 1, 1}));
  const auto big = ints(ir::ElemType::uint64, {1}, {-1});
  EXPECT_EQ(integers(OneOp("Greater").in(big).in(ints(ir::ElemType::uint64, {1}, {1})).run()),
            (std::vector<int64_t>{1}));
  const auto s = ir::Tensor::of_strings({2}, {"a", "b"}), t = ir::Tensor::of_strings({}, {"b"});
  EXPECT_EQ(integers(OneOp("Equal").in(s).in(t).run()), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(integers(OneOp("IsNaN").in(a).run()), (std::vector<int64_t>{1, 0, 0, 0}));
  EXPECT_EQ(integers(OneOp("IsInf").attr("detect_negative", int64_t{0}).in(f32({2}, {kInf, -kInf})).run()),
            (std::vector<int64_t>{1, 0}));
}

TEST(WhereTest, KeepsBits) {
  const auto c = ints(ir::ElemType::boolean, {2, 1}, {1, 0});
  const auto x = f32({2}, {kNan, 1}), y = f32({2, 2}, {5, 6, -0.0f, 8});
  const auto z = OneOp("Where").in(c).in(x).in(y).run();
  EXPECT_EQ(std::bit_cast<uint32_t>(z.data<float>()[0]), 0xffc00123u);
  EXPECT_EQ(z.data<float>()[1], 1);
  EXPECT_TRUE(std::signbit(z.data<float>()[2]));
  const auto s = OneOp("Where").in(c).in(ir::Tensor::of_strings({}, {"yes"})).in(ir::Tensor::of_strings({}, {"no"}));
  EXPECT_EQ(OneOp(s).run().strings(), (std::vector<std::string>{"yes", "no"}));
}

}  // namespace
}  // namespace assay::ops::testing
