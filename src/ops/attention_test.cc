// Attention against its steps as operators of their own, and against masks written out in full.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
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

constexpr double kInf = std::numeric_limits<double>::infinity();

Tensor random(Dims dims, uint64_t seed, ElemType elem = ElemType::float32) {
  int64_t n = 1;
  for (const int64_t d : dims) n *= d;
  const std::vector<float> values = random_floats(static_cast<size_t>(n), -1, 1, seed);
  return floats(elem, std::move(dims), {values.begin(), values.end()});
}

/// What Attention's function body does, as operators of their own.
struct Steps {
  num::Policy policy;
  ElemType elem;
  Tensor one(double value) const { return floats(elem, {}, {value}); }
  Tensor run(const char* type, const Tensor& a) const { return OneOp(type).policy(policy).in(a).run(); }
  Tensor run(const char* type, const Tensor& a, const Tensor& b) const {
    return OneOp(type).policy(policy).in(a).in(b).run();
  }
  Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, double softcap) const {
    const Tensor width = one(static_cast<double>(q.dims().back()));
    const Tensor scale = run("Sqrt", run("Div", one(1), run("Sqrt", width)));
    const Tensor keys = OneOp("Transpose").attr("perm", std::vector<int64_t>{0, 1, 3, 2}).in(k).run();
    Tensor scores = run("MatMul", run("Mul", q, scale), run("Mul", keys, scale));
    scores = run("Mul", run("Tanh", run("Div", scores, one(softcap))), one(softcap));
    return run("MatMul", run("Softmax", run("Add", scores, mask)), v);
  }
};

TEST(Attention, ComputesAsItsBodyIsWritten) {
  for (const ElemType elem : {ElemType::float32, ElemType::float64}) {
    for (const bool halves : {false, true}) {
      const num::Policy policy = halves ? testing::float16_throughout() : num::Policy();
      if (halves && elem == ElemType::float64) continue;
      const Tensor q = random({2, 3, 5, 8}, 1, elem), k = random({2, 3, 7, 8}, 2, elem);
      const Tensor v = random({2, 3, 7, 4}, 3, elem), mask = random({3, 1, 7}, 4, elem);
      const Tensor y = OneOp("Attention").policy(policy).attr("softcap", 1.5F).in(q).in(k).in(v).in(mask).run();
      EXPECT_TRUE(ir::same_bits(y, Steps{policy, elem}.attention(q, k, v, mask, 1.5))) << halves;
    }
  }
}

TEST(Attention, OneRoundingUnderAStoragePolicy) {
  const Tensor q = random({1, 2, 4, 8}, 1), k = random({1, 2, 6, 8}, 2), v = random({1, 2, 6, 8}, 3);
  const Tensor y = OneOp("Attention").in(q).in(k).in(v).run();
  const Tensor halves = OneOp("Attention").storage(ElemType::float16).in(q).in(k).in(v).run();
  for (int64_t i = 0; i < y.size(); ++i)
    EXPECT_EQ(halves.float_at(i), num::float16_value(num::float16_bits(static_cast<float>(y.float_at(i)))));
}

// Heads one behind the other in the last axis are heads of their own.
TEST(Attention, PackedHeads) {
  const auto unpacked = [](const Tensor& t, int64_t heads) {
    const Dims dims = {t.dims()[0], t.dims()[1], heads, t.dims()[2] / heads};
    return OneOp("Transpose").attr("perm", std::vector<int64_t>{0, 2, 1, 3}).in(t.reshaped(dims)).run();
  };
  const Tensor q = random({2, 5, 12}, 1), k = random({2, 6, 6}, 2), v = random({2, 6, 4}, 3);
  const auto packed = OneOp("Attention")
                          .attr("q_num_heads", int64_t{4})
                          .attr("kv_num_heads", int64_t{2})
                          .outputs(4)
                          .in(q)
                          .in(k)
                          .in(v)
                          .run_all();
  const auto apart = OneOp("Attention").outputs(4).in(unpacked(q, 4)).in(unpacked(k, 2)).in(unpacked(v, 2)).run_all();
  EXPECT_TRUE(ir::same_bits(unpacked(packed[0], 4), apart[0]));
  EXPECT_EQ(packed[0].dims(), (Dims{2, 5, 8}));
  for (size_t i = 1; i < 4; ++i) EXPECT_TRUE(ir::same_bits(packed[i], apart[i])) << i;
  EXPECT_TRUE(ir::same_bits(apart[1], unpacked(k, 2)));
}

TEST(Attention, QueryHeadsShareKeyHeadsInGroups) {
  const Tensor q = random({1, 4, 3, 8}, 1), k = random({1, 2, 5, 8}, 2), v = random({1, 2, 5, 8}, 3);
  const auto repeated = [](const Tensor& t) {  // 0, 0, 1, 1
    return OneOp("Gather").attr("axis", int64_t{1}).in(t).in(i64({4}, {0, 0, 1, 1})).run();
  };
  EXPECT_TRUE(ir::same_bits(OneOp("Attention").in(q).in(k).in(v).run(),
                            OneOp("Attention").in(q).in(repeated(k)).in(repeated(v)).run()));
}

/// A mask for every key of every query, by a rule; 0 or -infinity.
Tensor written_out(int64_t batches, int64_t queries, int64_t keys,
                   const std::function<bool(int64_t, int64_t, int64_t)>& sees) {
  Tensor mask = Tensor::allocate(ElemType::float32, {batches, 1, queries, keys});
  for (int64_t b = 0, at = 0; b < batches; ++b)
    for (int64_t i = 0; i < queries; ++i)
      for (int64_t j = 0; j < keys; ++j) mask.set_float(at++, sees(b, i, j) ? 0 : -kInf);
  return mask;
}

TEST(Attention, CausalityAndWindowsAreMasks) {
  const Tensor q = random({2, 2, 4, 8}, 1), k = random({2, 2, 6, 8}, 2), v = random({2, 2, 6, 8}, 3);
  for (const int64_t causal : {0, 1}) {
    for (const int64_t left : {-1, 0, 2}) {
      for (const int64_t right : {int64_t{-1}, int64_t{0}, int64_t{1}, std::numeric_limits<int64_t>::max()}) {
        const Tensor mask = written_out(2, 4, 6, [&](int64_t, int64_t i, int64_t j) {
          return (causal == 0 || j <= i) && (left < 0 || i - j <= left) && (right < 0 || j - i <= right);
        });
        const Tensor y = OneOp("Attention")
                             .attr("is_causal", causal)
                             .attr("left_window_size", left)
                             .attr("right_window_size", right)
                             .in(q)
                             .in(k)
                             .in(v)
                             .run();
        EXPECT_TRUE(ir::same_bits(y, OneOp("Attention").in(q).in(k).in(v).in(mask).run()))
            << causal << " " << left << " " << right;
      }
    }
  }
}

TEST(Attention, ThePastMovesTheDiagonal) {
  const Tensor q = random({1, 2, 3, 8}, 1), k = random({1, 2, 3, 8}, 2), v = random({1, 2, 3, 4}, 3);
  const Tensor past_k = random({1, 2, 5, 8}, 4), past_v = random({1, 2, 5, 4}, 5);
  const auto joined = [](const Tensor& a, const Tensor& b) {
    return OneOp("Concat").attr("axis", int64_t{2}).in(a).in(b).run();
  };
  const auto y = OneOp("Attention")
                     .attr("is_causal", int64_t{1})
                     .attr("left_window_size", int64_t{3})
                     .outputs(3)
                     .in(q)
                     .in(k)
                     .in(v)
                     .absent()
                     .in(past_k)
                     .in(past_v)
                     .run_all();
  EXPECT_TRUE(ir::same_bits(y[1], joined(past_k, k)));
  EXPECT_TRUE(ir::same_bits(y[2], joined(past_v, v)));
  const Tensor mask = written_out(1, 3, 8, [](int64_t, int64_t i, int64_t j) { return j <= i + 5 && i + 5 - j <= 3; });
  EXPECT_TRUE(ir::same_bits(y[0], OneOp("Attention").in(q).in(y[1]).in(y[2]).in(mask).run()));
}

TEST(Attention, PaddedCaches) {
  const Tensor q = random({3, 1, 4, 8}, 1), k = random({3, 1, 6, 8}, 2), v = random({3, 1, 6, 8}, 3);
  const std::vector<int64_t> valid = {6, 2, 0};
  const auto padded = [&] {
    return OneOp("Attention")
        .attr("is_causal", int64_t{1})
        .in(q)
        .in(k)
        .in(v)
        .absent()
        .absent()
        .absent()
        .in(i64({3}, valid));
  };
  const Tensor mask = written_out(3, 4, 6, [&](int64_t b, int64_t i, int64_t j) {
    return j < valid[static_cast<size_t>(b)] && j <= i + valid[static_cast<size_t>(b)] - 4;
  });
  const Tensor y = padded().run();
  EXPECT_TRUE(ir::same_bits(y, OneOp("Attention").in(q).in(k).in(v).in(mask).run()));
  // A query that sees no key gives zeros: two of the second batch, all of the third.
  for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(y.float_at(32 + i), 0);
  for (int64_t i = 0; i < 32; ++i) EXPECT_EQ(y.float_at(64 + i), 0);
  EXPECT_NE(y.float_at(48), 0);
  run_everywhere(padded);
}

TEST(Attention, MasksOfEveryTypeAndRank) {
  const Tensor q = random({2, 2, 3, 8}, 1), k = random({2, 2, 4, 8}, 2), v = random({2, 2, 4, 8}, 3);
  const auto with = [&](const Tensor& mask) { return OneOp("Attention").in(q).in(k).in(v).in(mask); };
  const auto wide = [](const Tensor& mask, Dims dims) {
    return OneOp("Expand").in(mask).in(testing::i64({static_cast<int64_t>(dims.size())}, dims)).run();
  };
  for (const Dims& dims : {Dims{4}, Dims{3, 4}, Dims{1, 4}, Dims{2, 3, 4}, Dims{2, 1, 1, 4}, Dims{1, 2, 3, 4}}) {
    const Tensor mask = random(dims, 9);
    EXPECT_TRUE(ir::same_bits(with(mask).run(), with(wide(mask, {2, 2, 3, 4})).run())) << dims.size();
  }
  // false is -infinity; so is what a short mask leaves out, be it one element long.
  const Tensor truth = with(ints(ElemType::boolean, {4}, {1, 0, 1, 0})).run();
  EXPECT_TRUE(ir::same_bits(truth, with(floats(ElemType::float32, {4}, {0, -kInf, 0, -kInf})).run()));
  const Tensor shorter = with(floats(ElemType::float32, {2}, {0.5, -1})).run();
  EXPECT_TRUE(ir::same_bits(shorter, with(floats(ElemType::float32, {4}, {0.5, -1, -kInf, -kInf})).run()));
  const Tensor first = with(floats(ElemType::float32, {3, 1}, {0, 0, 0})).run();
  for (int64_t i = 0; i < 8; ++i) EXPECT_EQ(first.float_at(i), v.float_at(i));
  const Tensor counted = with(ints(ElemType::int8, {4}, {0, -3, 2, 1})).run();
  EXPECT_TRUE(ir::same_bits(counted, with(floats(ElemType::float32, {4}, {0, -3, 2, 1})).run()));
}

TEST(Attention, ShowsItsScoresAtEachStep) {
  const Tensor q = f32({1, 1, 2, 1}, {1, 2}), k = f32({1, 1, 2, 1}, {1, 3}), v = f32({1, 1, 2, 1}, {1, 1});
  const Tensor mask = floats(ElemType::float32, {2, 2}, {0, -1, -kInf, -kInf});
  const auto shown = [&](int64_t mode) {
    return doubles(OneOp("Attention")
                       .attr("qk_matmul_output_mode", mode)
                       .attr("softcap", 4.0F)
                       .outputs(4)
                       .in(q)
                       .in(k)
                       .in(v)
                       .in(mask)
                       .run_all()[3]);
  };
  EXPECT_EQ(shown(0), (std::vector<double>{1, 3, 2, 6}));
  EXPECT_NEAR(shown(1)[3], 4 * std::tanh(1.5), 1e-6);
  EXPECT_EQ(shown(2)[0], shown(1)[0]);
  EXPECT_EQ(shown(2)[3], -kInf);
  EXPECT_NEAR(shown(3)[0] + shown(3)[1], 1, 1e-6);
  EXPECT_EQ(shown(3)[2], 0);
  EXPECT_EQ(shown(3)[3], 0);
}

TEST(Attention, TheSoftmaxInAnotherType) {
  const Tensor q = random({1, 1, 2, 8}, 1), k = random({1, 1, 5, 8}, 2), v = random({1, 1, 5, 8}, 3);
  const auto weights = [&](int64_t precision, int64_t mode) {
    return OneOp("Attention")
        .attr("qk_matmul_output_mode", mode)
        .attr("softmax_precision", precision)
        .outputs(4)
        .in(q)
        .in(k)
        .in(v)
        .run_all()[3];
  };
  const auto cast = [](const Tensor& t, int64_t to) { return OneOp("Cast").attr("to", to).in(t).run(); };
  for (const int64_t precision : {1, 10, 11, 16}) {
    const Tensor there = OneOp("Softmax").in(cast(weights(precision, 2), precision)).run();
    EXPECT_TRUE(ir::same_bits(weights(precision, 3), cast(there, 1))) << precision;
  }
}

TEST(Attention, HalfTypesAndSameBits) {
  for (const ElemType elem : {ElemType::float32, ElemType::float16, ElemType::bfloat16}) {
    const Tensor q = random({2, 4, 40, 16}, 1, elem), k = random({2, 2, 50, 16}, 2, elem);
    const Tensor v = random({2, 2, 50, 24}, 3, elem);
    const Tensor y = run_everywhere([&] { return OneOp("Attention").attr("is_causal", int64_t{1}).in(q).in(k).in(v); });
    EXPECT_EQ(y.elem(), elem);
  }
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const Tensor q = random({1, 2, 3, 4}, 1), k = random({1, 2, 5, 4}, 2), v = random({1, 2, 5, 4}, 3);
  const auto code = [](OneOp& op) {
    const auto result = op.try_run();
    return result.ok() ? Code::internal : result.error().code;
  };
  const auto plain = [&] { return OneOp("Attention").in(q).in(k).in(v); };
  auto mode = plain().attr("qk_matmul_output_mode", int64_t{4});
  EXPECT_EQ(code(mode), Code::model_invalid);
  auto window = plain().attr("left_window_size", int64_t{-2});
  EXPECT_EQ(code(window), Code::model_invalid);
  auto cap = plain().attr("softcap", std::nanf(""));
  EXPECT_EQ(code(cap), Code::model_invalid);
  auto precision = plain().attr("softmax_precision", int64_t{7});
  EXPECT_EQ(code(precision), Code::model_invalid);
  auto mask = plain().in(random({2, 6}, 4));
  EXPECT_EQ(code(mask), Code::model_invalid);
  auto past = plain().absent().in(random({1, 2, 1, 4}, 4));
  EXPECT_EQ(code(past), Code::model_invalid);
  auto lengths = plain().absent().absent().absent().in(i64({1}, {6}));
  EXPECT_EQ(code(lengths), Code::value_range);
  auto heads = OneOp("Attention").in(random({1, 3, 3, 4}, 1)).in(k).in(v);
  EXPECT_EQ(code(heads), Code::model_invalid);
  auto packed = OneOp("Attention").in(random({1, 3, 4}, 1)).in(random({1, 3, 4}, 1)).in(random({1, 3, 4}, 1));
  EXPECT_EQ(code(packed), Code::model_invalid);
  auto types = OneOp("Attention").in(q).in(random({1, 2, 5, 4}, 2, ElemType::float16)).in(v);
  EXPECT_EQ(code(types), Code::model_invalid);
  auto width = OneOp("Attention").in(random({1, 2, 3, 5}, 1)).in(k).in(v);
  EXPECT_EQ(code(width), Code::model_invalid);
}

TEST(Attention, SizesOutOfRangeAreRefused) {  // of tensors without elements, which may be of any size
  constexpr int64_t kHuge = int64_t{1} << 62;
  const auto none = [](Dims dims) { return Tensor::allocate(ElemType::float32, std::move(dims)); };
  auto op = OneOp("Attention").in(none({0, 1, 1, 4})).in(none({0, 1, kHuge, 4})).in(none({0, 1, kHuge, 4})).absent();
  const auto result = op.in(none({0, 1, kHuge, 4})).in(none({0, 1, kHuge, 4})).try_run();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::limit_exceeded);
}

TEST(Attention, NoKeysNoQueries) {
  const auto run = [](int64_t queries, int64_t keys) {
    return OneOp("Attention")
        .in(random({1, 1, queries, 4}, 1))
        .in(random({1, 1, keys, 4}, 2))
        .in(random({1, 1, keys, 2}, 3))
        .run();
  };
  EXPECT_EQ(doubles(run(2, 0)), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_EQ(run(0, 3).dims(), (Dims{1, 1, 0, 2}));
}

}  // namespace
}  // namespace assay::ops
