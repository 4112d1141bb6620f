// Losses, and BatchNormalization in training mode.
#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using namespace testing;
using ir::ElemType;

/// Loss of each sample and its weight, from logarithms of probabilities [n][classes][inner].
struct Losses {
  std::vector<double> loss, weight;
};
Losses losses(const std::vector<double>& x, int64_t classes, int64_t inner, const std::vector<int64_t>& targets,
              const std::vector<double>& weights, std::optional<int64_t> ignored) {
  Losses out;
  for (size_t i = 0; i < targets.size(); ++i) {
    const int64_t t = targets[i], at = int64_t(i);
    const bool skip = ignored && t == *ignored;
    out.weight.push_back(skip ? 0 : weights.empty() ? 1 : weights[size_t(t)]);
    out.loss.push_back(skip ? 0 : -x[size_t((at / inner * classes + t) * inner + at % inner)] * out.weight.back());
  }
  return out;
}
double sum(const std::vector<double>& v) {
  double s = 0;
  for (const double e : v) s += e;
  return s;
}

TEST(LossTest, ReductionsWeightsAndIgnoredClasses) {
  const int64_t classes = 5, inner = 6, samples = 18;
  const auto x = f32({3, 5, 2, 3}, random_floats(90, -3, 3));
  std::vector<double> logs(90);
  for (int64_t n = 0; n < 3; ++n)
    for (int64_t j = 0; j < inner; ++j) {
      double total = 0;
      for (int64_t k = 0; k < classes; ++k) total += std::exp(x.float_at((n * classes + k) * inner + j));
      for (int64_t k = 0; k < classes; ++k) {
        const int64_t at = (n * classes + k) * inner + j;
        logs[size_t(at)] = x.float_at(at) - std::log(total);
      }
    }
  std::vector<int64_t> targets;
  for (int64_t i = 0; i < samples; ++i) targets.push_back(i * 7 % classes);
  const std::vector<double> weights = {0.5, 1, 2, 0.25, 3};
  for (const char* kind : {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}) {
    const bool softmax = std::string_view(kind) == "SoftmaxCrossEntropyLoss";
    for (const bool weighted : {false, true}) {
      for (const std::optional<int64_t> ignored : {std::optional<int64_t>{}, std::optional<int64_t>{2}}) {
        const Losses want = losses(softmax ? logs : doubles(x), classes, inner, targets,
                                   weighted ? weights : std::vector<double>{}, ignored);
        for (const char* reduction : {"none", "mean", "sum"}) {
          const auto make = [&] {
            OneOp op(kind);
            op.attr("reduction", std::string(reduction)).in(x).in(i64({3, 2, 3}, targets));
            if (weighted) op.in(floats(ElemType::float32, {5}, weights));
            if (ignored) op.attr("ignore_index", *ignored);
            if (softmax) op.outputs(2);
            return op;
          };
          const auto y = run_everywhere(make);
          if (std::string_view(reduction) == "none") {
            ASSERT_EQ(y.dims(), (ir::Dims{3, 2, 3}));
            for (int64_t i = 0; i < samples; ++i) EXPECT_NEAR(y.float_at(i), want.loss[size_t(i)], 3e-6);
          } else {
            const double divisor = std::string_view(reduction) == "mean" ? sum(want.weight) : 1;
            ASSERT_EQ(y.dims(), ir::Dims{});
            EXPECT_NEAR(y.float_at(0), sum(want.loss) / divisor, 1e-5);
          }
          if (!softmax) continue;
          const auto all = make().run_all();
          ASSERT_EQ(all[1].dims(), x.dims());
          for (int64_t i = 0; i < 90; ++i) EXPECT_NEAR(all[1].float_at(i), logs[size_t(i)], 2e-6);
        }
      }
    }
  }
}

TEST(LossTest, TypesAndErrors) {
  const auto x = f32({2, 3}, {0.1f, 0.2f, 0.7f, 0.5f, 0.25f, 0.25f});
  const auto make = [&](const ir::Tensor& targets) {
    return std::move(OneOp("NegativeLogLikelihoodLoss").in(x).in(targets));
  };
  EXPECT_EQ(make(ints(ElemType::int32, {2}, {2, 0})).run().data<float>()[0], (-0.7f + -0.5f) / 2);
  for (const ElemType type : {ElemType::float64, ElemType::float16, ElemType::bfloat16})
    EXPECT_EQ(OneOp("SoftmaxCrossEntropyLoss").in(floats(type, {1, 2}, {0, 0})).in(i64({1}, {0})).run().elem(), type);
  EXPECT_FALSE(make(i64({2}, {3, 0})).try_run().ok());
  EXPECT_FALSE(make(i64({2}, {-1, 0})).try_run().ok());
  EXPECT_TRUE(make(i64({2}, {-1, 0})).attr("ignore_index", int64_t{-1}).try_run().ok());
  EXPECT_FALSE(make(i64({3}, {0, 0, 0})).try_run().ok());
  EXPECT_FALSE(make(i64({2, 1}, {0, 0})).try_run().ok());
  EXPECT_FALSE(make(i64({2}, {0, 0})).in(f32({2}, {1, 1})).try_run().ok());
  EXPECT_FALSE(make(i64({2}, {0, 0})).attr("reduction", std::string("most")).try_run().ok());
}

/// Population statistics of channel k of [n][channels][inner].
std::pair<double, double> statistics(const ir::Tensor& x, int64_t channels, int64_t inner, int64_t k) {
  double mean = 0, square = 0;
  const double n = double(x.size() / channels);
  const auto each = [&](auto use) {
    for (int64_t i = 0; i < x.size(); ++i)
      if (i / inner % channels == k) use(x.float_at(i));
  };
  each([&](double v) { mean += v / n; });
  each([&](double v) { square += (v - mean) * (v - mean) / n; });
  return {mean, square};
}

TEST(BatchNormTest, TrainingTakesTheBatchsStatistics) {
  for (const ir::Dims& dims : {ir::Dims{4, 3, 5, 2}, ir::Dims{40, 3}, ir::Dims{6, 3, 1}, ir::Dims{12}}) {
    const int64_t channels = dims.size() < 2 ? 1 : 3, inner = dims.size() == 4 ? 10 : 1;
    size_t size = 1;
    for (const int64_t d : dims) size *= size_t(d);
    const auto x = f32(dims, random_floats(size, -2, 3));
    const auto parameter = [&](float low, uint64_t seed) {
      return f32({channels}, random_floats(size_t(channels), low, 2, seed));
    };
    const auto scale = parameter(0, 1), bias = parameter(-1, 2), mean = parameter(-1, 3), var = parameter(0.5F, 4);
    const auto make = [&] {
      return std::move(OneOp("BatchNormalization")
                           .attr("training_mode", int64_t{1})
                           .attr("momentum", 0.75F)
                           .in(x)
                           .in(scale)
                           .in(bias)
                           .in(mean)
                           .in(var)
                           .outputs(3));
    };
    run_everywhere(make);
    const auto out = make().run_all();
    for (int64_t k = 0; k < channels; ++k) {
      const auto [m, v] = statistics(x, channels, inner, k);
      EXPECT_NEAR(out[1].float_at(k), mean.float_at(k) * 0.75 + m * 0.25, 1e-6);
      EXPECT_NEAR(out[2].float_at(k), var.float_at(k) * 0.75 + v * 0.25, 1e-6);
      for (int64_t i = 0; i < x.size(); ++i) {
        if (i / inner % channels != k) continue;
        const double want = (x.float_at(i) - m) / std::sqrt(v + 1e-5) * scale.float_at(k) + bias.float_at(k);
        EXPECT_NEAR(out[0].float_at(i), want, 5e-6);
      }
    }
    EXPECT_TRUE(ir::same_bits(out[0], make().outputs(1).run()));
    // Before 14 it was further outputs that meant training.
    const auto old = OneOp("BatchNormalization").attr("momentum", 0.75F).opset(9).outputs(3);
    const auto older = OneOp(old).in(x).in(scale).in(bias).in(mean).in(var).run_all();
    for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(ir::same_bits(out[i], older[i]));
  }
}

TEST(BatchNormTest, StatisticsAreOutputsOfTrainingAlone) {
  const auto x = f32({2, 1}, {1, 2}), one = f32({1}, {1});
  const auto make = [&] { return std::move(OneOp("BatchNormalization").in(x).in(one).in(one).in(one).in(one)); };
  EXPECT_FALSE(make().outputs(2).try_run().ok());
  EXPECT_TRUE(make().try_run().ok());
  const auto half =
      make().attr("training_mode", int64_t{1}).policy(float16_throughout()).storage(ElemType::float16).run();
  EXPECT_EQ(half.elem(), ElemType::float16);
}

}  // namespace
}  // namespace assay::ops
