#include <gtest/gtest.h>

#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using testing::f32;
using testing::f64;
using testing::i64;

testing::OneOp optimiser(std::string_view type) {
  testing::OneOp op(type, "ai.onnx.preview.training");
  return op;
}

TEST(Optimisers, AdagradStepByStep) {
  const float r = 0.1f, decay = 0.1f, norm = 0.001f, epsilon = 1e-5f, x = 1.2f, g = -0.94f, h = 2;
  const auto out = optimiser("Adagrad")
                       .attr("decay_factor", decay)
                       .attr("norm_coefficient", norm)
                       .attr("epsilon", epsilon)
                       .in(f32({}, {r}))
                       .in(i64({}, {2}))
                       .in(f32({1}, {x}))
                       .in(f32({1}, {g}))
                       .in(f32({1}, {h}))
                       .outputs(2)
                       .run_all();
  const float rate = r / (1 + 2 * decay), regular = norm * x + g, sum = h + regular * regular;
  EXPECT_EQ(out[0].data<float>()[0], x - regular * rate / (std::sqrt(sum) + epsilon));
  EXPECT_EQ(out[1].data<float>()[0], sum);
}

TEST(Optimisers, AdamOfTwoTensorsOfTwoTypes) {
  const double alpha = 0.95f, beta = 0.1f, epsilon = 1e-2f, norm = 0.01f, r = 0.1f;
  auto op =
      optimiser("Adam").attr("alpha", 0.95f).attr("beta", 0.1f).attr("epsilon", 1e-2f).attr("norm_coefficient", 0.01f);
  op.in(f32({}, {0.1f}))
      .in(i64({1}, {3}))
      .in(f32({1}, {1.5f}))
      .in(f64({2}, {2, -3}))
      .in(f32({1}, {0.5f}))
      .in(f64({2}, {1, 2}));
  op.in(f32({1}, {0.25f})).in(f64({2}, {0.5, 0.75})).in(f32({1}, {4})).in(f64({2}, {1, 9})).outputs(6);
  const auto out = op.run_all();
  const double rate = r * std::sqrt(1 - std::pow(beta, 3)) / (1 - std::pow(alpha, 3));
  const auto expect = [&](double x, double g, double v, double h, size_t tensor, int64_t i, double near) {
    g += norm * x;
    v = alpha * v + (1 - alpha) * g;
    h = beta * h + (1 - beta) * g * g;
    EXPECT_NEAR(out[tensor].float_at(i), x - rate * v / (std::sqrt(h) + epsilon), near);
    EXPECT_NEAR(out[2 + tensor].float_at(i), v, near);
    EXPECT_NEAR(out[4 + tensor].float_at(i), h, near);
  };
  expect(1.5, 0.5, 0.25, 4, 0, 0, 1e-6);
  expect(2, 1, 0.5, 1, 1, 0, 1e-14);
  expect(-3, 2, 0.75, 9, 1, 1, 1e-14);
  EXPECT_EQ(out[3].elem(), ir::ElemType::float64);
}

TEST(Optimisers, MomentumAndNesterov) {
  const auto run = [](std::string mode, int64_t count) {
    auto op = optimiser("Momentum")
                  .attr("alpha", 0.5f)
                  .attr("beta", 0.25f)
                  .attr("norm_coefficient", 0.5f)
                  .attr("mode", std::move(mode));
    op.in(f32({}, {0.5f})).in(i64({}, {count})).in(f32({1}, {2})).in(f32({1}, {1})).in(f32({1}, {4})).outputs(2);
    const auto out = op.run_all();
    return std::vector<float>{out[0].data<float>()[0], out[1].data<float>()[0]};
  };
  EXPECT_EQ(run("standard", 0), (std::vector<float>{2 - 0.5f * 4, 4}));        // V = 2 + 2
  EXPECT_EQ(run("standard", 1), (std::vector<float>{2 - 0.5f * 2.5f, 2.5f}));  // V = 2 + 0.5
  EXPECT_EQ(run("nesterov", 1), (std::vector<float>{2 - 0.5f * (2 + 1.25f), 2.5f}));
}

TEST(Optimisers, ContradictionsAreErrors) {
  const auto one = f32({1}, {1});
  EXPECT_FALSE(optimiser("Adagrad").in(one).in(i64({}, {1})).in(one).in(one).outputs(2).infer().ok());
  EXPECT_FALSE(optimiser("Adagrad").in(one).in(i64({}, {1})).in(one).in(one).in(one).outputs(3).infer().ok());
  EXPECT_FALSE(
      optimiser("Adagrad").in(one).in(i64({}, {1})).in(one).in(one).in(f32({2}, {1, 2})).outputs(2).try_run().ok());
  EXPECT_FALSE(
      optimiser("Adagrad").in(f32({2}, {1, 2})).in(i64({}, {1})).in(one).in(one).in(one).outputs(2).try_run().ok());
  EXPECT_FALSE(optimiser("Momentum")
                   .attr("mode", std::string("x"))
                   .in(one)
                   .in(i64({}, {1}))
                   .in(one)
                   .in(one)
                   .in(one)
                   .infer()
                   .ok());
}

}  // namespace
}  // namespace assay::ops
