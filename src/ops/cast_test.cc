// Casts and quantisation against the rules of ONNX and their documented extensions.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/testing.h"

namespace assay::ops::testing {
namespace {

using enum ir::ElemType;

ir::Tensor cast(const ir::Tensor& x, ir::ElemType to, int64_t saturate = 1) {
  return OneOp("Cast").attr("to", static_cast<int64_t>(to)).attr("saturate", saturate).in(x).run();
}

TEST(CastTest, FloatsAreRoundedOnce) {
  // 1 + 2^-11 + 2^-40 is above the tie in float16; through float32 it would round down to it, and to even.
  EXPECT_EQ(cast(f64({1}, {1 + 0x1p-11 + 0x1p-40}), float16).float_at(0), 1 + 0x1p-10);
  EXPECT_EQ(cast(f32({3}, {65519.99f, 65520.0f, 1e-8f}), float16).float_at(0), 65504);
  EXPECT_EQ(cast(f32({1}, {65520.0f}), float16).float_at(0), INFINITY);
  EXPECT_EQ(cast(f64({1}, {1e300}), float32).float_at(0), INFINITY);
  EXPECT_EQ(doubles(cast(floats(bfloat16, {2}, {1.5, -3}), float64)), (std::vector<double>{1.5, -3}));
}

TEST(CastTest, IntegersAreRoundedOnceAndWrap) {
  const int64_t odd = (int64_t{1} << 60) + (int64_t{1} << 36) + 1;  // just above a tie of float32
  EXPECT_EQ(cast(i64({1}, {odd}), float32).float_at(0), 0x1p60 + 0x1p37);
  EXPECT_EQ(cast(i64({1}, {-odd}), float32).float_at(0), -0x1p60 - 0x1p37);
  EXPECT_EQ(cast(ints(uint64, {1}, {-1}), float32).float_at(0), 0x1p64);
  EXPECT_EQ(cast(ints(uint64, {1}, {-1}), float64).float_at(0), 0x1p64);
  EXPECT_EQ(cast(i64({2}, {200, -129}), int8).ints(), (ir::Dims{-56, 127}));
  EXPECT_EQ(cast(i64({2}, {16, -1}), uint4).ints(), (ir::Dims{0, 15}));
  EXPECT_EQ(cast(ints(boolean, {2}, {0, 1}), float32).float_at(1), 1);
}

TEST(CastTest, FloatsToIntegersTruncateAndSaturate) {
  const auto x = f32({7}, {-1.9f, 1.9f, 300, -300, NAN, INFINITY, -INFINITY});
  EXPECT_EQ(cast(x, uint8).ints(), (ir::Dims{0, 1, 255, 0, 0, 255, 0}));
  EXPECT_EQ(cast(x, int8).ints(), (ir::Dims{-1, 1, 127, -128, 0, 127, -128}));
  EXPECT_EQ(cast(x, int64).ints(), (ir::Dims{-1, 1, 300, -300, 0, INT64_MAX, INT64_MIN}));
  EXPECT_EQ(cast(x, uint64).ints(), (ir::Dims{0, 1, 300, 0, 0, -1, 0}));
  EXPECT_EQ(cast(f32({2}, {-9, 15}), int4).ints(), (ir::Dims{7, -1}));  // narrower than 8 bits: modulo 2^n
  EXPECT_EQ(cast(f32({4}, {0, -0.0f, 0.5f, NAN}), boolean).ints(), (ir::Dims{0, 0, 1, 1}));
}

TEST(CastTest, SmallFloatsSaturateOnlyWhenAsked) {
  const auto x = f32({4}, {1e6f, INFINITY, NAN, -0.0f});
  EXPECT_EQ(cast(x, float8e5m2).float_at(1), 57344);
  EXPECT_EQ(cast(x, float8e5m2, 0).float_at(1), INFINITY);
  EXPECT_EQ(cast(x, float8e4m3fn).float_at(0), 448);
  EXPECT_TRUE(std::isnan(cast(x, float8e4m3fn, 0).float_at(0)));
  EXPECT_TRUE(std::isnan(cast(x, float8e4m3fnuz).float_at(2)));
  EXPECT_FALSE(std::signbit(cast(x, float8e4m3fnuz).float_at(3)));
  EXPECT_TRUE(std::signbit(cast(x, float8e4m3fn).float_at(3)));
  EXPECT_EQ(doubles(cast(f32({4}, {0.25f, 1.05f, -3.5f, 9}), float4e2m1)), (std::vector<double>{0, 1, -4, 6}));
  const auto e8 = OneOp("Cast").attr("to", static_cast<int64_t>(float8e8m0)).in(f32({4}, {0.124f, 1.1f, 2, 0})).run();
  EXPECT_EQ(doubles(e8), (std::vector<double>{0.125, 2, 2, 0x1p-127}));
}

TEST(CastTest, Text) {
  const auto s = ir::Tensor::of_strings({5}, {"3.14", "1e-5", "+INF", "-inf", "NaN"});
  const auto x = cast(s, float32);
  EXPECT_EQ(x.data<float>()[0], 3.14f);
  EXPECT_EQ(x.data<float>()[1], 1e-5f);
  EXPECT_EQ(x.data<float>()[2], INFINITY);
  EXPECT_EQ(x.data<float>()[3], -INFINITY);
  EXPECT_TRUE(std::isnan(x.data<float>()[4]));
  EXPECT_EQ(cast(ir::Tensor::of_strings({1}, {"9007199254740993"}), int64).int_at(0), 9007199254740993);
  EXPECT_EQ(cast(i64({1}, {-12}), string).strings()[0], "-12");
  EXPECT_FALSE(OneOp("Cast").attr("to", int64_t{1}).in(ir::Tensor::of_strings({1}, {"x"})).try_run().ok());
}

TEST(CastTest, LikeAndOldNames) {
  EXPECT_EQ(OneOp("CastLike").in(f32({1}, {2.7f})).in(ints(int32, {1}, {0})).run().int_at(0), 2);
  EXPECT_EQ(OneOp("Cast").attr("to", std::string("INT32")).in(f32({1}, {2.7f})).opset(1).run().elem(), int32);
  EXPECT_FALSE(OneOp("Cast").attr("to", int64_t{77}).in(f32({1}, {1})).try_run().ok());
}

TEST(QuantizeTest, RoundsToEvenAndSaturates) {
  const auto x = f32({6}, {0, 1, 3, 1000, -1000, 5});
  const auto y = OneOp("QuantizeLinear").in(x).in(ir::Tensor::scalar(2.0f)).in(ints(uint8, {}, {128})).run();
  EXPECT_EQ(y.elem(), uint8);
  EXPECT_EQ(integers(y), (std::vector<int64_t>{128, 128, 130, 255, 0, 130}));
  const auto back = OneOp("DequantizeLinear").in(y).in(ir::Tensor::scalar(2.0f)).in(ints(uint8, {}, {128})).run();
  EXPECT_EQ(doubles(back), (std::vector<double>{0, 0, 4, 254, -256, 4}));
}

// The type of the scale is that of the quotient, unless `precision` names another: 5.49975 is 5.5 in float16.
TEST(QuantizeTest, QuotientsHaveTheTypeOfTheScale) {
  const auto quantise = [](int64_t precision) {
    OneOp op("QuantizeLinear");
    if (precision != 0) op.attr("precision", precision);
    const auto x = floats(float16, {1}, {0.341552734375}), scale = floats(float16, {}, {0.062103271484375});
    return integers(op.in(x).in(scale).in(ints(uint8, {}, {0})).run())[0];
  };
  EXPECT_EQ(quantise(0), 6);
  EXPECT_EQ(quantise(1), 5);
}

TEST(QuantizeTest, AxesAndBlocks) {
  const auto x = f32({2, 4}, {2, 4, 6, 8, 2, 4, 6, 8});
  const auto per_axis = OneOp("QuantizeLinear").attr("axis", int64_t{0}).in(x).in(f32({2}, {2, 1})).run();
  EXPECT_EQ(integers(per_axis), (std::vector<int64_t>{1, 2, 3, 4, 2, 4, 6, 8}));
  const auto scale = f32({2, 2}, {1, 2, 2, 1});
  const auto zero = ints(int4, {2, 2}, {0, 1, 0, 0});
  const auto blocked =
      OneOp("QuantizeLinear").attr("block_size", int64_t{2}).attr("axis", int64_t{1}).in(x).in(scale).in(zero).run();
  EXPECT_EQ(integers(blocked), (std::vector<int64_t>{2, 4, 4, 5, 1, 2, 6, 7}));
  EXPECT_FALSE(OneOp("QuantizeLinear").attr("axis", int64_t{0}).in(x).in(f32({3}, {1, 1, 1})).try_run().ok());
}

TEST(QuantizeTest, Dynamic) {
  const auto all = OneOp("DynamicQuantizeLinear").in(f32({6}, {0, 2, -3, -2.5f, 1.34f, 0.5f})).outputs(3).run_all();
  EXPECT_EQ(integers(all[0]), (std::vector<int64_t>{153, 255, 0, 26, 221, 179}));
  EXPECT_EQ(all[1].data<float>()[0], 5.0f / 255.0f);
  EXPECT_EQ(all[2].int_at(0), 153);
}

}  // namespace
}  // namespace assay::ops::testing
