// Random operators: the generator against published vectors, then what the numbers become.
#include <cmath>

#include "ops/random_stream.h"
#include "ops/testing.h"

namespace assay::ops {
namespace {

using namespace testing;
using ir::ElemType;

TEST(RandomTest, PhiloxGivesItsAuthorsVectors) {
  using Counter = std::array<uint32_t, 4>;
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr uint32_t kAll = 0xffffffff;
  EXPECT_EQ(philox({kAll, kAll, kAll, kAll}, {kAll, kAll}), (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

OneOp uniform(ir::Dims shape) { return std::move(OneOp("RandomUniform").attr("shape", std::move(shape))); }

TEST(RandomTest, UniformNumbersAreTheGeneratorsWords) {
  // Seed 0 is the key (0, 0): element 0 is the first two words of counter 0, element 1 the others.
  const auto y = uniform({2}).attr("seed", 0.0F).attr("dtype", int64_t{11}).run();
  EXPECT_EQ(y.data<double>()[0], static_cast<double>(0x6627e8d5e169c58dull >> 11) * 0x1p-53);
  EXPECT_EQ(y.data<double>()[1], static_cast<double>(0xbc57ac4c9b00dbd8ull >> 11) * 0x1p-53);
  const auto shifted = uniform({2}).attr("seed", 0.0F).attr("low", -4.0F).attr("high", 4.0F).run();
  EXPECT_EQ(shifted.data<float>()[0], static_cast<float>(-4 + 8 * y.data<double>()[0]));
}

TEST(RandomTest, RunsRepeatAndSeedsDiffer) {
  const auto first = run_everywhere([] { return uniform({100, 300}).attr("seed", 7.5F); });
  EXPECT_FALSE(ir::same_bits(first, uniform({100, 300}).attr("seed", 7.25F).run()));
  EXPECT_TRUE(ir::same_bits(uniform({5}).run(), uniform({5}).run()));
  // The i-th number does not depend on the shape.
  const auto few = uniform({3}).attr("seed", 7.5F).run();
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(few.data<float>()[i], first.data<float>()[i]);
}

TEST(RandomTest, MomentsAreThoseOfTheDistribution) {
  const auto moments = [](const ir::Tensor& t) {
    double mean = 0, square = 0;
    for (const double v : doubles(t)) mean += v / static_cast<double>(t.size());
    for (const double v : doubles(t)) square += (v - mean) * (v - mean) / static_cast<double>(t.size());
    return std::pair(mean, square);
  };
  const auto [mean, variance] = moments(uniform({100000}).run());
  EXPECT_NEAR(mean, 0.5, 0.005);
  EXPECT_NEAR(variance, 1.0 / 12, 0.002);
  const auto z = run_everywhere(
      [] { return OneOp("RandomNormal").attr("shape", ir::Dims{99999}).attr("mean", 2.0F).attr("scale", 3.0F); });
  const auto [normal_mean, normal_variance] = moments(z);
  EXPECT_NEAR(normal_mean, 2, 0.05);
  EXPECT_NEAR(normal_variance, 9, 0.15);
  double beyond = 0;
  for (const double v : doubles(z)) beyond += std::abs(v - 2) > 3 ? 1 : 0;
  EXPECT_NEAR(beyond / 99999, 0.3173, 0.01);
}

TEST(RandomTest, EveryPolicySeesTheSameNumbers) {
  const auto plain = uniform({50}).run();
  const auto half = uniform({50}).storage(ElemType::float16).run();
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(half.data<uint16_t>()[i], num::float16_bits(plain.data<float>()[i]));
  EXPECT_TRUE(ir::same_bits(plain, uniform({50}).policy(float64_policy()).run()));
  for (const int64_t type : {10, 16}) {
    const auto narrow = uniform({50}).attr("dtype", type).run();
    EXPECT_EQ(narrow.elem(), *ir::elem_from_onnx(type));
  }
}

TEST(RandomTest, LikeTakesShapeAndType) {
  const auto like = OneOp("RandomNormalLike").in(floats(ElemType::float64, {2, 3}, std::vector<double>(6))).run();
  EXPECT_EQ(like.elem(), ElemType::float64);
  EXPECT_EQ(like.dims(), (ir::Dims{2, 3}));
  EXPECT_EQ(OneOp("RandomUniformLike").attr("dtype", int64_t{1}).in(i64({4}, {1, 2, 3, 4})).run().elem(),
            ElemType::float32);
  EXPECT_FALSE(OneOp("RandomUniformLike").in(i64({1}, {1})).try_run().ok());
  EXPECT_FALSE(uniform({int64_t{1} << 50}).try_run().ok());
  EXPECT_FALSE(uniform({-1}).try_run().ok());
}

TEST(RandomTest, Bernoulli) {
  const auto p = f32({6}, {0, 1, 0, 1, 0, 1});
  EXPECT_EQ(doubles(OneOp("Bernoulli").in(p).run()), (std::vector<double>{0, 1, 0, 1, 0, 1}));
  for (const int64_t type : {2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 16}) {
    const auto y = OneOp("Bernoulli").attr("dtype", type).in(p).run();
    EXPECT_EQ(y.elem(), *ir::elem_from_onnx(type));
    EXPECT_EQ(y.float_at(1), 1);
    EXPECT_EQ(y.float_at(2), 0);
  }
  const auto many = run_everywhere([] { return OneOp("Bernoulli").in(f32({20000}, std::vector<float>(20000, 0.3F))); });
  double ones = 0;
  for (const double v : doubles(many)) ones += v;
  EXPECT_NEAR(ones / 20000, 0.3, 0.01);
}

TEST(RandomTest, Multinomial) {
  const float gone = -1000;
  const auto sure =
      OneOp("Multinomial").attr("sample_size", int64_t{5}).in(f32({2, 3}, {gone, 0, gone, gone, gone, 3})).run();
  EXPECT_EQ(integers(sure), (std::vector<int64_t>{1, 1, 1, 1, 1, 2, 2, 2, 2, 2}));
  EXPECT_EQ(sure.elem(), ElemType::int32);
  const auto y = OneOp("Multinomial")
                     .attr("sample_size", int64_t{20000})
                     .attr("dtype", int64_t{7})
                     .in(f32({1, 3}, {std::log(0.2F), std::log(0.5F), std::log(0.3F)}))
                     .run();
  double count[3] = {};
  for (const int64_t v : integers(y)) count[v] += 1.0 / 20000;
  EXPECT_NEAR(count[0], 0.2, 0.01);
  EXPECT_NEAR(count[1], 0.5, 0.01);
  EXPECT_FALSE(OneOp("Multinomial").in(f32({1, 2}, {-INFINITY, -INFINITY})).try_run().ok());
  EXPECT_FALSE(OneOp("Multinomial").in(f32({1, 2}, {0, NAN})).try_run().ok());
  EXPECT_FALSE(OneOp("Multinomial").in(f32({2, 0}, {})).try_run().ok());
  EXPECT_FALSE(OneOp("Multinomial").attr("sample_size", int64_t{-1}).in(f32({1, 1}, {0})).try_run().ok());
}

ir::Tensor yes() { return ints(ElemType::boolean, {}, {1}); }

TEST(RandomTest, DropoutInTrainingMode) {
  const auto x = f32({4, 500}, random_floats(2000, 1, 2));
  const auto make = [&](float ratio) {
    return std::move(
        OneOp("Dropout").attr("seed", int64_t{3}).in(x).in(ir::Tensor::scalar(ratio)).in(yes()).outputs(2));
  };
  run_everywhere([&] { return make(0.75F); });
  const auto out = make(0.75F).run_all();
  double kept = 0;
  for (int64_t i = 0; i < x.size(); ++i) {
    kept += static_cast<double>(out[1].int_at(i));
    EXPECT_EQ(out[0].data<float>()[i], out[1].int_at(i) ? x.data<float>()[i] * 4 : 0.0F);
  }
  EXPECT_NEAR(kept / 2000, 0.25, 0.04);
  // What is dropped is +0 even of infinities; ratio 0 moves bits.
  const auto special = f32({3}, {INFINITY, -0.0F, NAN});
  EXPECT_TRUE(ir::same_bits(OneOp("Dropout").in(special).in(ir::Tensor::scalar(0.0F)).in(yes()).run(), special));
  for (const float ratio : {1.0F, -0.5F, NAN})
    EXPECT_FALSE(OneOp("Dropout").in(x).in(ir::Tensor::scalar(ratio)).in(yes()).try_run().ok()) << ratio;
  // Half of the elements is the default.
  EXPECT_EQ(OneOp("Dropout").in(f32({1}, {1})).absent().in(ints(ElemType::boolean, {}, {0})).run().data<float>()[0], 1);
}

TEST(RandomTest, OldDropoutTrainsUnlessItTests) {
  const auto x = f32({100}, std::vector<float>(100, 1));
  EXPECT_TRUE(ir::same_bits(OneOp("Dropout").attr("is_test", int64_t{1}).opset(6).in(x).run(), x));
  EXPECT_FALSE(ir::same_bits(OneOp("Dropout").opset(6).in(x).run(), x));
  EXPECT_TRUE(ir::same_bits(OneOp("Dropout").attr("ratio", 0.9F).opset(7).in(x).run(), x));
}

}  // namespace
}  // namespace assay::ops
