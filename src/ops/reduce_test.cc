// Reductions, softmax and normalisations: bit for bit against scalar transcripts of docs/semantics.md 1.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "ops/testing.h"

namespace assay::ops::testing {
namespace {

using num::Function;
constexpr float kInf = std::numeric_limits<float>::infinity();
using Step = float (*)(float);
float exact(float x) { return x; }
float half(float x) { return num::round_float(x, to_format(num::FormatId::float16)); }

float lanes(const std::vector<float>& a, bool squares, Step step) {
  float lane[16] = {};
  for (size_t i = 0; i < a.size(); ++i) {
    float& l = lane[i % 16];
    if (squares)
      l = step == exact ? std::fma(a[i], a[i], l) : num::fma_float16(a[i], a[i], l);
    else
      l = step(l + a[i]);
  }
  for (int half_width : {8, 4, 2, 1}) {
    for (int i = 0; i < half_width; ++i) lane[i] = step(lane[i] + lane[i + half_width]);
  }
  return lane[0];
}
float ascending(const std::vector<float>& a, Step step) {
  float acc = 0;
  for (const float x : a) acc = step(acc + x);
  return acc;
}
float call(Function f, float x, Step step) {
  return step == exact ? num::apply(f, x)
                       : static_cast<float>(num::round(num::apply(f, double(x)), to_format(num::FormatId::float16)));
}

// The terms of each result over `axes` of a 3-D tensor, in row-major order of the reduced axes.
std::vector<std::vector<float>> terms_of(const ir::Tensor& t, const std::vector<int64_t>& axes) {
  const auto& d = t.dims();
  const auto reduced = [&](int64_t k) { return std::find(axes.begin(), axes.end(), k) != axes.end(); };
  std::vector<std::vector<float>> out;
  int64_t kept_extent[3];
  for (int k = 0; k < 3; ++k) kept_extent[k] = reduced(k) ? 1 : d[static_cast<size_t>(k)];
  out.resize(static_cast<size_t>(kept_extent[0] * kept_extent[1] * kept_extent[2]));
  for (int64_t i = 0; i < d[0]; ++i)
    for (int64_t j = 0; j < d[1]; ++j)
      for (int64_t k = 0; k < d[2]; ++k) {
        const int64_t at[3] = {reduced(0) ? 0 : i, reduced(1) ? 0 : j, reduced(2) ? 0 : k};
        const auto result = static_cast<size_t>((at[0] * kept_extent[1] + at[1]) * kept_extent[2] + at[2]);
        out[result].push_back(static_cast<float>(t.float_at((i * d[1] + j) * d[2] + k)));
      }
  return out;
}

void check_sums(const ir::Tensor& x, const std::vector<int64_t>& axes, const num::Policy& policy, Step step) {
  const bool last = std::find(axes.begin(), axes.end(), 2) != axes.end();
  const auto run = [&](const char* op) {
    return run_everywhere(
        [&] { return OneOp(op).in(x, ir::ElemType::float32).in(i64({int64_t(axes.size())}, axes)).policy(policy); });
  };
  const auto sum = run("ReduceSum"), mean = run("ReduceMean"), max = run("ReduceMax"), lse = run("ReduceLogSumExp"),
             squares = run("ReduceSumSquare");
  const auto terms = terms_of(x, axes);
  ASSERT_EQ(static_cast<size_t>(sum.size()), terms.size());
  for (size_t i = 0; i < terms.size(); ++i) {
    const auto& t = terms[i];
    const float s = last ? lanes(t, false, step) : ascending(t, step);
    ASSERT_EQ(sum.data<float>()[i], s);
    ASSERT_EQ(mean.data<float>()[i], step(s / static_cast<float>(t.size())));
    const float m = *std::max_element(t.begin(), t.end());
    ASSERT_EQ(max.data<float>()[i], m);
    std::vector<float> e;
    for (const float v : t) e.push_back(call(Function::exp, step(v - m), step));
    const float se = last ? lanes(e, false, step) : ascending(e, step);
    ASSERT_EQ(lse.data<float>()[i], step(m + call(Function::log, se, step)));
    if (last) {
      ASSERT_EQ(squares.data<float>()[i], lanes(t, true, step));
    }
  }
}

TEST(ReduceTest, SumsInTheDocumentedOrder) {
  const ir::Dims shapes[] = {{3, 5, 37}, {2, 70, 1300}, {5, 3, 1}, {1, 1, 1}, {40, 1, 16}};
  for (const ir::Dims& shape : shapes) {
    const auto n = static_cast<size_t>(shape[0] * shape[1] * shape[2]);
    const auto x = f32(shape, random_floats(n, -3, 3, n));
    std::vector<double> rounded;
    for (const float v : x.values<float>()) rounded.push_back(half(v));
    const auto x16 = floats(ir::ElemType::float16, shape, rounded);
    num::Policy f16;
    f16.step = to_format(num::FormatId::float16);
    f16.elementary = num::Elementary::correctly_rounded;
    for (const auto& axes : std::vector<std::vector<int64_t>>{{2}, {1}, {0}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}}) {
      check_sums(x, axes, {}, exact);
      if (n < 1000) check_sums(x16, axes, f16, half);
    }
  }
}

TEST(ReduceTest, EmptySetsAxesAndKeepdims) {
  const auto none = f32({0, 2}, {});
  const auto run = [&](const char* op) { return doubles(OneOp(op).in(none).in(i64({1}, {0})).run()); };
  EXPECT_EQ(run("ReduceSum"), (std::vector<double>{0, 0}));
  EXPECT_EQ(run("ReduceProd"), (std::vector<double>{1, 1}));
  EXPECT_EQ(run("ReduceMax"), (std::vector<double>{-INFINITY, -INFINITY}));
  EXPECT_EQ(run("ReduceMin"), (std::vector<double>{INFINITY, INFINITY}));
  EXPECT_EQ(run("ReduceLogSum"), (std::vector<double>{-INFINITY, -INFINITY}));
  const auto x = f32({2, 3}, {1, -2, 3, 4, 5, -6});
  EXPECT_EQ(OneOp("ReduceSum").attr("keepdims", int64_t{0}).in(x).in(i64({1}, {-1})).run().dims(), (ir::Dims{2}));
  EXPECT_EQ(OneOp("ReduceSum").in(x).run().dims(), (ir::Dims{1, 1}));
  EXPECT_EQ(doubles(OneOp("ReduceSum").in(x).run()), (std::vector<double>{5}));
  const auto noop = [&](const char* op) {
    return doubles(OneOp(op).attr("noop_with_empty_axes", int64_t{1}).in(x).in(i64({0}, {})).run());
  };
  EXPECT_EQ(noop("ReduceSum"), doubles(x));
  EXPECT_EQ(noop("ReduceSumSquare"), (std::vector<double>{1, 4, 9, 16, 25, 36}));
  EXPECT_EQ(noop("ReduceL1"), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(doubles(OneOp("ReduceL2").in(f32({2}, {3, 4})).run()), (std::vector<double>{5}));
  EXPECT_EQ(doubles(OneOp("ReduceMax").attr("axes", std::vector<int64_t>{1}).in(x).opset(11).run()),
            (std::vector<double>{3, 5}));
  EXPECT_EQ(doubles(OneOp("ReduceProd").in(x).run()), (std::vector<double>{720}));
  EXPECT_FALSE(OneOp("ReduceSum").in(x).in(i64({1}, {2})).try_run().ok());
}

TEST(ReduceTest, IntegersAndNan) {
  const auto x = ints(ir::ElemType::int32, {2, 2}, {1, -2, 30, 4});
  const auto run = [&](const char* op) { return integers(OneOp(op).in(x).in(i64({1}, {1})).run()); };
  EXPECT_EQ(run("ReduceSum"), (std::vector<int64_t>{-1, 34}));
  EXPECT_EQ(run("ReduceMax"), (std::vector<int64_t>{1, 30}));
  EXPECT_EQ(run("ReduceL1"), (std::vector<int64_t>{3, 34}));
  EXPECT_EQ(run("ReduceMean"), (std::vector<int64_t>{0, 17}));
  EXPECT_EQ(run("ReduceL2"), (std::vector<int64_t>{2, 30}));
  const auto b = ints(ir::ElemType::boolean, {2}, {0, 1});
  EXPECT_EQ(OneOp("ReduceMin").in(b).run().int_at(0), 0);
  EXPECT_TRUE(std::isnan(OneOp("ReduceMax").in(f32({3}, {1, NAN, 3})).run().float_at(0)));
}

TEST(ReduceTest, PolicySumIsFollowedOnEveryAxis) {
  num::Policy policy;
  policy.sum.emplace().kind = num::Accumulator::Kind::exact;
  const auto x = f32({3, 2}, {1e8f, 1, 1, 1, -1e8f, 1});
  EXPECT_EQ(doubles(OneOp("ReduceSum").in(x).in(i64({1}, {0})).policy(policy).run()), (std::vector<double>{1, 3}));
}

TEST(SoftmaxTest, RowsTakeLanesAndColumnsAscend) {
  for (const ir::Dims& shape : {ir::Dims{3, 4, 50}, ir::Dims{2, 300, 7}, ir::Dims{1, 1000, 1}}) {
    const auto n = static_cast<size_t>(shape[0] * shape[1] * shape[2]);
    const auto x = f32(shape, random_floats(n, -5, 5, 3));
    for (const int64_t axis : {0, 1, 2}) {
      const auto soft = run_everywhere([&] { return OneOp("Softmax").attr("axis", axis).in(x); });
      const auto log = run_everywhere([&] { return OneOp("LogSoftmax").attr("axis", axis).in(x); });
      // The same with the axis moved last, by the transcript.
      int64_t inner = 1, extent = shape[static_cast<size_t>(axis)];
      for (size_t k = static_cast<size_t>(axis) + 1; k < 3; ++k) inner *= shape[k];
      for (int64_t r = 0; r < static_cast<int64_t>(n) / extent; ++r) {
        const int64_t base = r / inner * extent * inner + r % inner;
        std::vector<float> e, shifted;
        float m = -kInf;
        for (int64_t k = 0; k < extent; ++k) m = std::fmax(m, x.data<float>()[base + k * inner]);
        for (int64_t k = 0; k < extent; ++k) {
          shifted.push_back(x.data<float>()[base + k * inner] - m);
          e.push_back(num::apply(Function::exp, shifted.back()));
        }
        const float s = axis == 2 ? lanes(e, false, exact) : ascending(e, exact);
        for (int64_t k = 0; k < extent; ++k) {
          const auto at = static_cast<size_t>(k);
          ASSERT_EQ(soft.data<float>()[base + k * inner], e[at] / s);
          ASSERT_EQ(log.data<float>()[base + k * inner], shifted[at] - num::apply(Function::log, s));
        }
      }
    }
  }
}

TEST(SoftmaxTest, SpecialRows) {
  EXPECT_EQ(doubles(OneOp("Softmax").in(f32({4}, {1000, 1, 2, 3})).run()), (std::vector<double>{1, 0, 0, 0}));
  EXPECT_TRUE(std::isnan(OneOp("Softmax").in(f32({2}, {-kInf, -kInf})).run().float_at(0)));
  EXPECT_EQ(doubles(OneOp("Hardmax").in(f32({2, 3}, {1, 3, 3, 5, 0, 1})).run()),
            (std::vector<double>{0, 1, 0, 1, 0, 0}));
}

TEST(NormTest, LayerNormalizationStepByStep) {
  const size_t rows = 5, n = 77;
  const auto x = f32({5, 77}, random_floats(rows * n, -2, 3, 4)), scale = f32({77}, random_floats(n, 0.5f, 2, 5)),
             bias = f32({77}, random_floats(n, -1, 1, 6));
  const auto y = run_everywhere([&] { return OneOp("LayerNormalization").in(x).in(scale).in(bias); });
  for (size_t r = 0; r < rows; ++r) {
    std::vector<float> row(x.data<float>() + r * n, x.data<float>() + (r + 1) * n);
    const float mean = lanes(row, false, exact) / static_cast<float>(n);
    for (float& v : row) v -= mean;
    const float inverse = 1.0f / std::sqrt(lanes(row, true, exact) / static_cast<float>(n) + 1e-5f);
    for (size_t i = 0; i < n; ++i)
      ASSERT_EQ(y.data<float>()[r * n + i], row[i] * inverse * scale.data<float>()[i] + bias.data<float>()[i]);
  }
  const auto all = OneOp("LayerNormalization").in(x).in(scale).in(bias).outputs(3).run_all();
  EXPECT_EQ(all[1].dims(), (ir::Dims{5, 1}));
  EXPECT_NEAR(all[1].float_at(0), 0.5, 0.6);
  EXPECT_NEAR(all[2].float_at(0), 1 / 1.44, 0.2);
}

TEST(NormTest, OthersAreNearTheirDefinitions) {
  const auto x = f32({2, 4, 3}, random_floats(24, -2, 3, 8)), one = f32({4}, {1, 2, 3, 4}), b = f32({4}, {0, 1, 0, -1});
  const auto check = [&](const ir::Tensor& y, size_t group, bool centred, bool per_channel) {
    for (size_t g = 0; g < 24 / group; ++g) {
      double mean = 0, square = 0;
      for (size_t i = 0; i < group; ++i) mean += x.float_at(int64_t(g * group + i)) / double(group);
      if (!centred) mean = 0;
      for (size_t i = 0; i < group; ++i)
        square += std::pow(x.float_at(int64_t(g * group + i)) - mean, 2) / double(group);
      for (size_t i = 0; i < group; ++i) {
        const size_t at = g * group + i, channel = at / 3 % 4;
        const double d = (x.float_at(int64_t(at)) - mean) / std::sqrt(square + 1e-5);
        const double want = per_channel ? d * one.float_at(int64_t(channel)) + b.float_at(int64_t(channel)) : d;
        EXPECT_NEAR(y.float_at(int64_t(at)), want, 2e-5);
      }
    }
  };
  check(OneOp("InstanceNormalization").in(x).in(one).in(b).run(), 3, true, true);
  check(OneOp("GroupNormalization").attr("num_groups", int64_t{2}).in(x).in(one).in(b).run(), 6, true, true);
  check(OneOp("RMSNormalization").in(x).in(f32({3}, {1, 1, 1})).run(), 3, false, false);
}

TEST(NormTest, BatchNormalizationIsOneFusedStep) {
  const auto x = f32({2, 3, 5}, random_floats(30, -2, 2, 1)), scale = f32({3}, {1, 2, 3}),
             b = f32({3}, {0.1f, 0.2f, 0.3f}), mean = f32({3}, {0.3f, -0.7f, 0.9f}), var = f32({3}, {1, 0.5f, 2});
  const auto y = run_everywhere([&] { return OneOp("BatchNormalization").in(x).in(scale).in(b).in(mean).in(var); });
  for (size_t i = 0; i < 30; ++i) {
    const size_t c = i / 5 % 3;
    const float a = scale.data<float>()[c] / std::sqrt(var.data<float>()[c] + 1e-5f);
    const float shift = std::fma(-mean.data<float>()[c], a, b.data<float>()[c]);
    EXPECT_EQ(y.data<float>()[i], std::fma(x.data<float>()[i], a, shift));
  }
  EXPECT_FALSE(OneOp("BatchNormalization").in(x).in(scale).in(b).in(mean).in(f32({2}, {1, 1})).try_run().ok());
  const auto old = OneOp("BatchNormalization").attr("spatial", int64_t{1}).outputs(1).opset(7);
  EXPECT_TRUE(ir::same_bits(y, OneOp(old).in(x).in(scale).in(b).in(mean).in(var).run()));
}

TEST(NormTest, ParametersOfAnotherTypeThanTheInput) {
  using enum ir::ElemType;
  const std::vector<double> values = {0.5, -2, 1.25, 3};
  const auto rms = [&](ir::ElemType x, ir::ElemType scale) {
    return OneOp("RMSNormalization").in(floats(x, {2, 2}, values)).in(floats(scale, {2}, {1, 2})).run();
  };
  const auto plain = rms(float32, float32);
  EXPECT_TRUE(ir::same_bits(rms(float16, float32), plain));  // widening is exact; the result has the scale's type
  EXPECT_TRUE(ir::same_bits(rms(bfloat16, float32), plain));
  EXPECT_EQ(rms(float64, float32).elem(), float32);
  EXPECT_EQ(rms(float32, float64).elem(), float64);
  EXPECT_TRUE(ir::same_bits(rms(float32, float16), floats(float16, {2, 2}, doubles(plain))));
  const auto batch = [&](ir::ElemType x, ir::ElemType scale, ir::ElemType mean) {
    const auto two = [](ir::ElemType t, double v) { return floats(t, {2}, {v, 2 * v}); };
    return OneOp("BatchNormalization")
        .in(floats(x, {2, 2}, values))
        .in(two(scale, 2))
        .in(two(scale, 1))
        .in(two(mean, 0.5))
        .in(two(mean, 4))
        .run();
  };
  const auto whole = batch(float32, float32, float32);
  EXPECT_TRUE(ir::same_bits(batch(float32, float16, bfloat16), whole));
  EXPECT_TRUE(ir::same_bits(batch(float16, float32, float32), floats(float16, {2, 2}, doubles(whole))));
}

TEST(NormTest, LocalOnes) {
  EXPECT_EQ(doubles(OneOp("LpNormalization").in(f32({2, 2}, {3, 4, 0, 0})).run())[1], static_cast<double>(0.8f));
  EXPECT_EQ(doubles(OneOp("LpNormalization").in(f32({2, 2}, {3, 4, 0, 0})).run())[2], 0);
  EXPECT_EQ(
      doubles(OneOp("LpNormalization").attr("p", int64_t{1}).attr("axis", int64_t{0}).in(f32({2, 1}, {1, -3})).run()),
      (std::vector<double>{0.25, -0.75}));
  const auto m =
      OneOp("MeanVarianceNormalization").attr("axes", std::vector<int64_t>{0}).in(f32({4, 1}, {1, 3, 1, 3})).run();
  EXPECT_NEAR(m.float_at(0), -1, 1e-6);
  EXPECT_NEAR(m.float_at(1), 1, 1e-6);
  const auto l =
      OneOp("LRN").attr("size", int64_t{3}).attr("alpha", 3.0f).attr("beta", 0.5f).in(f32({1, 3, 1}, {1, 2, 2})).run();
  EXPECT_NEAR(l.float_at(0), 1 / std::sqrt(6.0), 1e-6);
  EXPECT_NEAR(l.float_at(1), 2 / std::sqrt(10.0), 1e-6);
}

TEST(ArgTest, TiesNanAndAxes) {
  const auto x = f32({2, 3}, {1, 3, 3, NAN, 5, NAN});
  EXPECT_EQ(integers(OneOp("ArgMax").attr("axis", int64_t{1}).in(x).run()), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(integers(OneOp("ArgMax").attr("axis", int64_t{1}).attr("select_last_index", int64_t{1}).in(x).run()),
            (std::vector<int64_t>{2, 2}));
  const auto min =
      OneOp("ArgMin").attr("axis", int64_t{0}).attr("keepdims", int64_t{0}).in(i64({2, 2}, {4, 1, 2, 7})).run();
  EXPECT_EQ(integers(min), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(min.dims(), (ir::Dims{2}));
}

TEST(CumulativeTest, DirectionsAndExclusion) {
  const auto x = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto run = [&](int64_t axis, int64_t reverse, int64_t exclusive) {
    return doubles(
        OneOp("CumSum").attr("reverse", reverse).attr("exclusive", exclusive).in(x).in(i64({}, {axis})).run());
  };
  EXPECT_EQ(run(1, 0, 0), (std::vector<double>{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(run(1, 1, 0), (std::vector<double>{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(run(-1, 0, 1), (std::vector<double>{0, 1, 3, 0, 4, 9}));
  EXPECT_EQ(run(0, 1, 1), (std::vector<double>{4, 5, 6, 0, 0, 0}));
  EXPECT_EQ(integers(OneOp("CumProd").in(i64({3}, {2, 3, 4})).in(i64({}, {0})).run()),
            (std::vector<int64_t>{2, 6, 24}));
}

}  // namespace
}  // namespace assay::ops::testing
