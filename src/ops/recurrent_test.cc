// Recurrent operators against their equations, written out in float64.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::Tensor;
using testing::f32;
using testing::OneOp;
using Vec = std::vector<double>;

constexpr int64_t kSteps = 4, kBatch = 2, kInput = 3, kHidden = 5;

Tensor random(const Dims& dims, uint64_t seed) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  return f32(dims, testing::random_floats(static_cast<size_t>(n), -1, 1, seed));
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

/// Gate `g` of `gates`: x W^T + h R^T + Wb + Rb, all of direction 0.
Vec gate(const Tensor& w, const Tensor& r, const Tensor& b, int64_t gates, int64_t g, const double* x, const Vec& h) {
  Vec out(kHidden);
  for (int64_t j = 0; j < kHidden; ++j) {
    const int64_t row = g * kHidden + j;
    double sum = b.float_at(row) + b.float_at(gates * kHidden + row);
    for (int64_t k = 0; k < kInput; ++k) sum += x[k] * w.float_at(row * kInput + k);
    for (int64_t k = 0; k < kHidden; ++k) sum += h[static_cast<size_t>(k)] * r.float_at(row * kHidden + k);
    out[static_cast<size_t>(j)] = sum;
  }
  return out;
}

struct Operands {
  Tensor x = random({kSteps, kBatch, kInput}, 1), w, r, b;
  explicit Operands(int64_t gates)
      : w(random({1, gates * kHidden, kInput}, 2)),
        r(random({1, gates * kHidden, kHidden}, 3)),
        b(random({1, 2 * gates * kHidden}, 4)) {}
  Vec x_at(int64_t t, int64_t batch) const {
    Vec out;
    for (int64_t k = 0; k < kInput; ++k) out.push_back(x.float_at((t * kBatch + batch) * kInput + k));
    return out;
  }
  OneOp op(const char* type) const { return OneOp(type).attr("hidden_size", kHidden).in(x).in(w).in(r).in(b); }
};

TEST(Recurrent, LstmFollowsItsEquations) {
  const Operands in(4);
  const auto out = in.op("LSTM").outputs(3).threads(2).run_all();
  ASSERT_EQ(out[0].dims(), (Dims{kSteps, 1, kBatch, kHidden}));
  for (int64_t batch = 0; batch < kBatch; ++batch) {
    Vec h(kHidden), c(kHidden);
    for (int64_t t = 0; t < kSteps; ++t) {
      const Vec x = in.x_at(t, batch);
      const Vec i = gate(in.w, in.r, in.b, 4, 0, x.data(), h), o = gate(in.w, in.r, in.b, 4, 1, x.data(), h),
                f = gate(in.w, in.r, in.b, 4, 2, x.data(), h), g = gate(in.w, in.r, in.b, 4, 3, x.data(), h);
      for (size_t j = 0; j < h.size(); ++j) {
        c[j] = sigmoid(f[j]) * c[j] + sigmoid(i[j]) * std::tanh(g[j]);
        h[j] = sigmoid(o[j]) * std::tanh(c[j]);
        EXPECT_NEAR(out[0].float_at((t * kBatch + batch) * kHidden + static_cast<int64_t>(j)), h[j], 2e-6);
      }
    }
    for (size_t j = 0; j < h.size(); ++j)
      EXPECT_NEAR(out[2].float_at(batch * kHidden + static_cast<int64_t>(j)), c[j], 2e-6);
  }
}

TEST(Recurrent, GruBeforeAndAfterReset) {
  const Operands in(3);
  for (const int64_t linear : {0, 1}) {
    const auto out = in.op("GRU").attr("linear_before_reset", linear).outputs(2).run_all();
    Vec h(kHidden);
    for (int64_t t = 0; t < kSteps; ++t) {
      const Vec x = in.x_at(t, 1), none(kInput), zero(kHidden);
      const Vec z = gate(in.w, in.r, in.b, 3, 0, x.data(), h), r = gate(in.w, in.r, in.b, 3, 1, x.data(), h);
      Vec reset(kHidden), next(kHidden);
      for (size_t j = 0; j < reset.size(); ++j) reset[j] = sigmoid(r[j]) * h[j];
      const Vec late = gate(in.w, in.r, in.b, 3, 2, x.data(), reset),
                from_x = gate(in.w, in.r, in.b, 3, 2, x.data(), zero),
                from_h = gate(in.w, in.r, in.b, 3, 2, none.data(), h);
      for (size_t j = 0; j < h.size(); ++j) {
        const auto at = static_cast<int64_t>(j);
        const double wb = in.b.float_at(2 * kHidden + at), rb = in.b.float_at(5 * kHidden + at);
        const double candidate = linear != 0 ? from_x[j] - rb + sigmoid(r[j]) * (from_h[j] - wb) : late[j];
        next[j] = (1 - sigmoid(z[j])) * std::tanh(candidate) + sigmoid(z[j]) * h[j];
      }
      h = next;
      for (size_t j = 0; j < h.size(); ++j)
        EXPECT_NEAR(out[0].float_at((t * kBatch + 1) * kHidden + static_cast<int64_t>(j)), h[j], 2e-6) << linear;
    }
  }
}

TEST(Recurrent, ReverseWalksTheValidPartBackwards) {
  const Operands in(1);
  Tensor flipped = Tensor::allocate(ir::ElemType::float32, in.x.dims());
  const int64_t length = 3;  // of sequence 0; sequence 1 is whole
  for (int64_t t = 0; t < kSteps; ++t)
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t k = 0; k < kInput; ++k) {
        const int64_t n = b == 0 ? length : kSteps, from = t < n ? n - 1 - t : t;
        flipped.set_float((t * kBatch + b) * kInput + k, in.x.float_at((from * kBatch + b) * kInput + k));
      }
  const Tensor lens = testing::ints(ir::ElemType::int32, {kBatch}, {length, kSteps});
  const auto reverse = in.op("RNN").attr("direction", std::string("reverse")).in(lens).outputs(2).run_all();
  Operands other = in;
  other.x = flipped;
  const auto forward = other.op("RNN").in(lens).outputs(2).run_all();
  EXPECT_TRUE(same_bits(reverse[1], forward[1]));
  for (int64_t j = 0; j < kHidden; ++j) {
    EXPECT_EQ(reverse[0].float_at(j), forward[0].float_at(2 * kBatch * kHidden + j));
    EXPECT_EQ(reverse[0].float_at(3 * kBatch * kHidden + j), 0.0);
  }
}

TEST(Recurrent, Float16ThroughoutRoundsEachStep) {
  const Operands in(1);
  const Tensor plain = in.op("RNN").run();
  const Tensor rounded = in.op("RNN").policy(testing::float16_throughout()).storage(ir::ElemType::float16).run();
  double largest = 0;
  for (int64_t i = 0; i < plain.size(); ++i)
    largest = std::max(largest, std::fabs(plain.float_at(i) - rounded.float_at(i)));
  EXPECT_GT(largest, 0);
  EXPECT_LT(largest, 0.02);
}

TEST(Recurrent, ShapesThatDoNotFitAreErrors) {
  const Operands in(4);
  EXPECT_FALSE(
      OneOp("LSTM").attr("hidden_size", kHidden).in(in.x).in(in.w).in(random({1, 4 * kHidden, 4}, 3)).try_run().ok());
  EXPECT_FALSE(OneOp("GRU").attr("hidden_size", kHidden).in(in.x).in(in.w).in(in.r).try_run().ok());
}

}  // namespace
}  // namespace assay::ops
