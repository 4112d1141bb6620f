// Operators that hand a state on from one call to the next: LinearAttention, CausalConvWithState, TensorScatter; and
// RotaryEmbedding and SwiGLU, against references of their own.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Tensor;
using testing::doubles;
using testing::f32;
using testing::floats;
using testing::i64;
using testing::ints;
using testing::OneOp;
using testing::random_floats;
using testing::run_everywhere;

Tensor random(Dims dims, uint64_t seed, ElemType elem = ElemType::float32) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  const std::vector<float> values = random_floats(static_cast<size_t>(n), -1, 1, seed);
  return floats(elem, std::move(dims), {values.begin(), values.end()});
}
Code code_of(OneOp op) {
  const auto result = op.try_run();
  return result.ok() ? Code::internal : result.error().code;
}

struct Linear {
  std::string rule;
  int64_t batches = 2, steps = 3, q_heads = 4, kv_heads = 2, width = 3, values = 5;
  bool decay_by_head = false, one_beta = false;
  bool decays() const { return rule.starts_with("gated"); }
  bool corrects() const { return rule.ends_with("delta"); }
  Tensor q() const { return random({batches, steps, q_heads * width}, 1); }
  Tensor k() const { return random({batches, steps, kv_heads * width}, 2); }
  Tensor v() const { return random({batches, steps, kv_heads * values}, 3); }
  Tensor past() const { return random({batches, kv_heads, width, values}, 4); }
  Tensor decay() const { return random({batches, steps, decay_by_head ? kv_heads : kv_heads * width}, 5); }
  Tensor beta() const { return random({batches, steps, one_beta ? 1 : kv_heads}, 6); }
  OneOp op() const {
    OneOp op("LinearAttention");
    op.attr("update_rule", rule).attr("q_num_heads", q_heads).attr("kv_num_heads", kv_heads).outputs(2);
    op.in(q()).in(k()).in(v()).in(past());
    decays() ? op.in(decay()) : op.absent();
    if (corrects()) op.in(beta());
    return op;
  }
  /// The recurrence in float64: the output, then the state.
  std::pair<std::vector<double>, std::vector<double>> reference() const {
    const auto q = doubles(this->q()), k = doubles(this->k()), v = doubles(this->v());
    const auto g = doubles(decay()), b = doubles(beta());
    auto state = doubles(past());
    std::vector<double> out(static_cast<size_t>(batches * steps * q_heads * values));
    for (int64_t n = 0; n < batches * kv_heads; ++n) {
      const int64_t batch = n / kv_heads, head = n % kv_heads;
      const auto s = [&](int64_t d, int64_t m) -> double& {
        return state[static_cast<size_t>((n * width + d) * values + m)];
      };
      for (int64_t t = 0; t < steps; ++t) {
        const int64_t row = batch * steps + t;
        const auto key = [&](int64_t d) { return k[static_cast<size_t>((row * kv_heads + head) * width + d)]; };
        for (int64_t d = 0; decays() && d < width; ++d) {
          const int64_t at = decay_by_head ? row * kv_heads + head : (row * kv_heads + head) * width + d;
          for (int64_t m = 0; m < values; ++m) s(d, m) *= std::exp(g[static_cast<size_t>(at)]);
        }
        for (int64_t m = 0; m < values; ++m) {
          double value = v[static_cast<size_t>((row * kv_heads + head) * values + m)];
          if (corrects()) {
            for (int64_t d = 0; d < width; ++d) value -= s(d, m) * key(d);
            value *= b[static_cast<size_t>(one_beta ? row : row * kv_heads + head)];
          }
          for (int64_t d = 0; d < width; ++d) s(d, m) += key(d) * value;
        }
        const int64_t group = q_heads / kv_heads;
        for (int64_t h = head * group; h < (head + 1) * group; ++h) {
          for (int64_t m = 0; m < values; ++m) {
            double sum = 0;
            for (int64_t d = 0; d < width; ++d)
              sum += q[static_cast<size_t>((row * q_heads + h) * width + d)] * s(d, m);
            out[static_cast<size_t>((row * q_heads + h) * values + m)] = sum / std::sqrt(static_cast<double>(width));
          }
        }
      }
    }
    return {out, state};
  }
};

void expect_near(const Tensor& got, const std::vector<double>& want) {
  ASSERT_EQ(static_cast<size_t>(got.size()), want.size());
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got.float_at(static_cast<int64_t>(i)), want[i], 1e-5 * (1 + std::abs(want[i]))) << i;
}

TEST(LinearAttention, EveryRule) {
  for (const char* rule : {"linear", "gated", "delta", "gated_delta"}) {
    for (const bool few : {false, true}) {
      SCOPED_TRACE(rule);
      const Linear linear{.rule = rule, .decay_by_head = few, .one_beta = few};
      const auto got = linear.op().run_all();
      const auto [out, state] = linear.reference();
      expect_near(got[0], out);
      expect_near(got[1], state);
      run_everywhere([&] { return linear.op(); });
    }
  }
}

TEST(LinearAttention, OneStepAfterAnotherIsAllAtOnce) {
  const Linear linear{.rule = "delta", .batches = 1, .kv_heads = 4};
  const auto whole = linear.op().run_all();
  Tensor state = linear.past();
  const auto step = [](const Tensor& t, int64_t i) {
    return OneOp("Gather").attr("axis", int64_t{1}).in(t).in(i64({1}, {i})).run();
  };
  for (int64_t i = 0; i < 3; ++i) {
    OneOp op("LinearAttention");
    op.attr("update_rule", std::string("delta")).attr("q_num_heads", int64_t{4}).attr("kv_num_heads", int64_t{4});
    op.outputs(2).in(step(linear.q(), i)).in(step(linear.k(), i)).in(step(linear.v(), i)).in(state).absent();
    const auto got = op.in(step(linear.beta(), i)).run_all();
    EXPECT_TRUE(ir::same_bits(got[0], step(whole[0], i))) << i;
    state = got[1];
  }
  EXPECT_TRUE(ir::same_bits(state, whole[1]));
}

TEST(LinearAttention, TheStateStaysWideInside) {  // float16 storage rounds the results alone
  const Linear linear{.rule = "gated_delta"};
  const auto wide = linear.op().run_all(), halves = linear.op().storage(ElemType::float16).run_all();
  for (size_t o = 0; o < 2; ++o)
    for (int64_t i = 0; i < wide[o].size(); ++i)
      EXPECT_EQ(halves[o].float_at(i), num::float16_value(num::float16_bits(static_cast<float>(wide[o].float_at(i)))));
}

TEST(LinearAttention, RefusesWhatDoesNotFit) {
  const auto linear = [](const char* rule) {
    OneOp op("LinearAttention");
    op.attr("update_rule", std::string(rule)).attr("q_num_heads", int64_t{2}).attr("kv_num_heads", int64_t{2});
    return op.outputs(2).in(random({1, 2, 4}, 1)).in(random({1, 2, 4}, 2)).in(random({1, 2, 6}, 3));
  };
  EXPECT_EQ(code_of(linear("linear")), Code::internal);
  EXPECT_EQ(code_of(linear("none")), Code::model_invalid);
  EXPECT_EQ(code_of(linear("gated")), Code::model_invalid);
  EXPECT_EQ(code_of(linear("linear").attr("kv_num_heads", int64_t{0})), Code::model_invalid);
  EXPECT_EQ(code_of(linear("linear").attr("q_num_heads", int64_t{3})), Code::model_invalid);
  EXPECT_EQ(code_of(linear("linear").in(random({1, 2, 2, 2}, 4))), Code::model_invalid);
  EXPECT_EQ(code_of(linear("gated").absent().in(random({1, 2, 3}, 4))), Code::model_invalid);
  EXPECT_EQ(code_of(linear("delta").absent().absent().in(random({1, 3, 2}, 4))), Code::model_invalid);
}

Tensor joined(const Tensor& a, const Tensor& b) { return OneOp("Concat").attr("axis", int64_t{2}).in(a).in(b).run(); }

TEST(CausalConv, IsAConvolutionOfPastAndInput) {
  const Tensor x = random({2, 3, 7}, 1), w = random({3, 1, 4}, 2), bias = random({3}, 3), past = random({2, 3, 3}, 4);
  const auto got = OneOp("CausalConvWithState").outputs(2).in(x).in(w).in(bias).in(past).run_all();
  const Tensor all = joined(past, x);
  EXPECT_TRUE(ir::same_bits(got[0], OneOp("Conv").attr("group", int64_t{3}).in(all).in(w).in(bias).run()));
  const Tensor tail = OneOp("Slice").in(all).in(i64({1}, {7})).in(i64({1}, {10})).in(i64({1}, {2})).run();
  EXPECT_TRUE(ir::same_bits(got[1], tail));
  const auto fresh = OneOp("CausalConvWithState").outputs(2).in(x).in(w).run_all();
  const auto zeros =
      OneOp("CausalConvWithState").outputs(2).in(x).in(w).absent().in(f32({2, 3, 3}, std::vector<float>(18))).run_all();
  EXPECT_TRUE(ir::same_bits(fresh[0], zeros[0]));
}

TEST(CausalConv, TheActivationComesBeforeTheRounding) {
  const Tensor x = random({2, 3, 9}, 1), w = random({3, 1, 2}, 2);
  const auto silu = [&] { return OneOp("CausalConvWithState").attr("activation", std::string("silu")).in(x).in(w); };
  const Tensor sums = OneOp("CausalConvWithState").in(x).in(w).run();
  const Tensor wide = run_everywhere(silu);
  EXPECT_TRUE(ir::same_bits(wide, OneOp("Swish").in(sums).run()));
  const Tensor halves = silu().storage(ElemType::float16).run();
  for (int64_t i = 0; i < wide.size(); ++i)
    EXPECT_EQ(halves.float_at(i), num::float16_value(num::float16_bits(static_cast<float>(wide.float_at(i)))));
}

TEST(CausalConv, ShortInputsAndErrors) {
  const Tensor w = random({1, 1, 4}, 2), past = f32({1, 1, 3}, {1, 2, 3});
  const auto one = OneOp("CausalConvWithState").outputs(2).in(f32({1, 1, 1}, {9})).in(w).absent().in(past).run_all();
  EXPECT_EQ(doubles(one[1]), (std::vector<double>{2, 3, 9}));
  const auto none = OneOp("CausalConvWithState").outputs(2).in(f32({1, 1, 0}, {})).in(w).absent().in(past).run_all();
  EXPECT_EQ(doubles(none[1]), (std::vector<double>{1, 2, 3}));
  const auto run = [&](const Tensor& x, const Tensor& weight) {
    return code_of(OneOp("CausalConvWithState").in(x).in(weight));
  };
  EXPECT_EQ(run(random({1, 2, 4}, 1), w), Code::model_invalid);
  EXPECT_EQ(run(random({1, 1, 4}, 1), random({1, 1, 0}, 1)), Code::model_invalid);
  EXPECT_EQ(run(random({1, 1, 4, 1}, 1), w), Code::model_invalid);
  EXPECT_EQ(code_of(OneOp("CausalConvWithState").attr("activation", std::string("relu")).in(past).in(w)),
            Code::model_invalid);
}

TEST(TensorScatter, WritesAtTheIndexOfEachSample) {
  const Tensor cache = i64({2, 4, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17});
  const Tensor update = i64({2, 2, 2}, {-1, -2, -3, -4, -5, -6, -7, -8});
  const auto run = [&](const char* mode, const std::vector<int64_t>& at) {
    return OneOp("TensorScatter").attr("mode", std::string(mode)).in(cache).in(update).in(i64({2}, at));
  };
  EXPECT_EQ(run("linear", {1, 2}).run().ints(), (Dims{0, 1, -1, -2, -3, -4, 6, 7, 10, 11, 12, 13, -5, -6, -7, -8}));
  EXPECT_EQ(run("circular", {3, -4}).run().ints(), (Dims{-3, -4, 2, 3, 4, 5, -1, -2, -5, -6, -7, -8, 14, 15, 16, 17}));
  EXPECT_EQ(code_of(run("linear", {0, 3})), Code::value_range);
  EXPECT_EQ(code_of(run("linear", {-1, 0})), Code::value_range);
  EXPECT_EQ(code_of(run("linear", {0, std::numeric_limits<int64_t>::max()})), Code::value_range);
  EXPECT_EQ(run("circular", {0, std::numeric_limits<int64_t>::min()}).run().int_at(8), -5);
  EXPECT_EQ(code_of(run("other", {0, 0})), Code::model_invalid);
  EXPECT_EQ(code_of(OneOp("TensorScatter").attr("axis", int64_t{0}).in(cache).in(update)), Code::model_invalid);
  EXPECT_EQ(code_of(OneOp("TensorScatter").in(update).in(cache)), Code::model_invalid);
}

TEST(TensorScatter, EveryTypeAlongAnyAxis) {
  const Tensor words = Tensor::of_strings({1, 1, 3}, {"a", "b", "c"}), word = Tensor::of_strings({1, 1, 1}, {"z"});
  const Tensor text = OneOp("TensorScatter").attr("axis", int64_t{-1}).in(words).in(word).in(i64({1}, {1})).run();
  EXPECT_EQ(text.strings(), (std::vector<std::string>{"a", "z", "c"}));
  const Tensor nibbles = ints(ElemType::int4, {1, 3, 1}, {1, 2, 3}), nibble = ints(ElemType::int4, {1, 1, 1}, {-8});
  EXPECT_EQ(OneOp("TensorScatter").attr("axis", int64_t{1}).in(nibbles).in(nibble).in(i64({1}, {2})).run().ints(),
            (Dims{1, 2, -8}));
}

TEST(RotaryEmbedding, TurnsPairs) {
  const Tensor x = f32({1, 1, 1, 6}, {1, 2, 3, 4, 5, 6});
  const Tensor cosines = f32({2, 2}, {1, 1, 0, 0.5}), sines = f32({2, 2}, {0, 0, 1, 0.25});
  const auto run = [&](int64_t interleaved, int64_t position) {
    return doubles(OneOp("RotaryEmbedding")
                       .attr("interleaved", interleaved)
                       .attr("rotary_embedding_dim", int64_t{4})
                       .in(x)
                       .in(cosines)
                       .in(sines)
                       .in(i64({1, 1}, {position}))
                       .run());
  };
  EXPECT_EQ(run(0, 0), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(run(0, 1), (std::vector<double>{-3, 0, 1, 2.5, 5, 6}));
  EXPECT_EQ(run(1, 1), (std::vector<double>{-2, 1, 0.5, 2.75, 5, 6}));
}

TEST(RotaryEmbedding, PackedHeadsAndRowsOfTheirOwn) {
  const Tensor x = random({2, 3, 8}, 1), c = random({2, 3, 2}, 2), s = random({2, 3, 2}, 3);
  const auto packed = [&] { return OneOp("RotaryEmbedding").attr("num_heads", int64_t{2}).in(x).in(c).in(s); };
  const Tensor y = run_everywhere(packed);
  const Tensor apart = OneOp("Transpose").attr("perm", Dims{0, 2, 1, 3}).in(x.reshaped({2, 3, 2, 4})).run();
  const Tensor turned = OneOp("RotaryEmbedding").in(apart).in(c).in(s).run();
  const Tensor back = OneOp("Transpose").attr("perm", Dims{0, 2, 1, 3}).in(turned).run();
  EXPECT_TRUE(ir::same_bits(y, back.reshaped({2, 3, 8})));
}

TEST(RotaryEmbedding, RefusesWhatDoesNotFit) {
  const Tensor x = random({1, 1, 2, 4}, 1), c = random({3, 2}, 2);
  const auto at = [&](std::vector<int64_t> positions) {
    return code_of(OneOp("RotaryEmbedding").in(x).in(c).in(c).in(i64({1, 2}, positions)));
  };
  EXPECT_EQ(at({0, 2}), Code::internal);
  EXPECT_EQ(at({0, 3}), Code::value_range);
  EXPECT_EQ(at({-1, 0}), Code::value_range);
  EXPECT_EQ(code_of(OneOp("RotaryEmbedding").in(x).in(c).in(c)), Code::model_invalid);
  EXPECT_EQ(code_of(OneOp("RotaryEmbedding").in(random({1, 2, 4}, 1)).in(c).in(c).in(i64({1, 2}, {0, 0}))),
            Code::model_invalid);
  for (const int64_t turned : {3, 6, -2})
    EXPECT_EQ(
        code_of(
            OneOp("RotaryEmbedding").attr("rotary_embedding_dim", turned).in(x).in(c).in(c).in(i64({1, 2}, {0, 0}))),
        Code::model_invalid);
}

TEST(SwiGlu, IsSwishTimesTheOther) {
  const Tensor a = random({3, 700}, 1), b = random({3, 700}, 2);
  const Tensor y = run_everywhere([&] { return OneOp("SwiGLU").attr("alpha", 0.5F).in(a).in(b); });
  const Tensor gate = OneOp("Swish").attr("alpha", 0.5F).in(a).run();
  EXPECT_TRUE(ir::same_bits(y, OneOp("Mul").in(gate).in(b).run()));
  EXPECT_EQ(code_of(OneOp("SwiGLU").in(a).in(random({700}, 2))), Code::model_invalid);
}

}  // namespace
}  // namespace assay::ops
