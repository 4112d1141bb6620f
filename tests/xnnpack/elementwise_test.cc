// Operators of one element at a time, on every float16 number.
#include <algorithm>
#include <cmath>
#include <random>

#include "num/half.h"
#include "xnnpack/xnnpack.h"

namespace assay::xnnpack {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

int64_t extent(size_t n) { return static_cast<int64_t>(n); }
Floats engine(const char* type, const std::vector<Floats>& operands, const std::vector<ir::Attr>& attrs = {}) {
  std::vector<Operand> all;
  for (const Floats& o : operands) all.push_back({{extent(o.size())}, o});
  return run(type, all, kProfile, kVariant, attrs);
}

using CreateBinary = decltype(&xnn_create_add_nd_f16);
using SetupBinary = decltype(&xnn_setup_add_nd_f16);
/// Shapes [rows, columns] and [columns] or [rows, columns].
Bits binary(CreateBinary create, SetupBinary setup, const Bits& a, const Bits& b) {
  Operator op;
  const size_t a_shape[] = {a.size() / b.size(), b.size()}, b_shape[] = {b.size()};
  const Bits left = readable(a), right = readable(b);
  Bits y(a.size());
  expect_success(create(-kInfinity, kInfinity, 0, op.out()));
  expect_success(setup(op.get(), 2, a_shape, 1, b_shape, left.data(), right.data(), y.data(), nullptr));
  op.run();
  return y;
}

/// Of one channel after another, `x` holding whole rows of them.
template <class Setup>
Bits unary(const Operator& op, Setup setup, size_t channels, const Bits& x) {
  Bits y(x.size());
  const Bits in = readable(x);
  expect_success(setup(op.get(), x.size() / channels, in.data(), y.data(), nullptr));
  expect_success(xnn_run_operator(op.get(), nullptr));
  return y;
}
Bits clamp(const Bits& x, float least, float most) {
  Operator op;
  expect_success(xnn_create_clamp_nc_f16(1, 1, 1, least, most, 0, op.out()));
  return unary(op, xnn_setup_clamp_nc_f16, 1, x);
}
Bits leaky_relu(const Bits& x, float slope) {
  Operator op;
  expect_success(xnn_create_leaky_relu_nc_f16(1, 1, 1, slope, 0, op.out()));
  return unary(op, xnn_setup_leaky_relu_nc_f16, 1, x);
}
Bits hard_swish(const Bits& x) {
  Operator op;
  expect_success(xnn_create_hardswish_nc_f16(1, 1, 1, 0, op.out()));
  return unary(op, xnn_setup_hardswish_nc_f16, 1, x);
}

class Elementwise : public Xnnpack {};

TEST_F(Elementwise, AddAndMul) {
  const Bits a = every_float16();
  for (uint32_t seed = 0; seed < 8; ++seed) {
    Bits b = a;
    std::shuffle(b.begin(), b.end(), std::mt19937(seed));
    EXPECT_TRUE(same(binary(xnn_create_add_nd_f16, xnn_setup_add_nd_f16, a, b),
                     nan_is(-kInfinity, engine("Add", {widened(a), widened(b)}))));
    EXPECT_TRUE(same(binary(xnn_create_multiply_nd_f16, xnn_setup_multiply_nd_f16, a, b),
                     nan_is(-kInfinity, engine("Mul", {widened(a), widened(b)}))));
  }
}

TEST_F(Elementwise, AddARow) {
  for (const Range range : {Range::ordinary, Range::tiny, Range::large}) {
    const Bits a = numbers(range, size_t{5} * 37, 1), b = numbers(range, 37, 2);
    EXPECT_TRUE(same(binary(xnn_create_add_nd_f16, xnn_setup_add_nd_f16, a, b),
                     run("Add", {{{5, 37}, widened(a)}, {{37}, widened(b)}}, kProfile, kVariant)));
  }
}

TEST_F(Elementwise, ANanIsTheLowerBound) {
  const Bits infinities = narrowed({kInfinity}), minus = narrowed({-kInfinity});
  EXPECT_EQ(widened(binary(xnn_create_add_nd_f16, xnn_setup_add_nd_f16, infinities, minus)).at(0), -kInfinity);
  EXPECT_TRUE(std::isnan(engine("Add", {{kInfinity}, {-kInfinity}}).at(0)));
  EXPECT_EQ(widened(clamp(narrowed({kNan}), -1, 6)).at(0), -1);
  EXPECT_TRUE(std::isnan(run("Clip", {{{1}, {kNan}}, {{}, {-1}}, {{}, {6}}}, kProfile, kVariant).at(0)));
}

TEST_F(Elementwise, Clamp) {
  const Bits x = every_float16();
  for (const auto& [least, most] : {std::pair(0.0F, 6.0F), {-1.0F, 1.0F}, {0.0F, kInfinity}, {-kInfinity, 0.5F}}) {
    const Floats clipped =
        run("Clip", {{{extent(x.size())}, widened(x)}, {{}, {least}}, {{}, {most}}}, kProfile, kVariant);
    Floats expected = nan_is(least, clipped);
    if (least == 0) expected[0x8000] = 0;  // see the next test
    EXPECT_TRUE(same(clamp(x, least, most), expected)) << least << " to " << most;
  }
}

/// XNNPACK takes a bound that compares equal; Clip keeps the number.
TEST_F(Elementwise, MinusZeroIsClampedToZero) {
  EXPECT_EQ(clamp({0x8000}, 0, 6), Bits{0x0000});
  EXPECT_EQ(narrowed(run("Clip", {{{1}, {-0.0F}}, {{}, {0}}, {{}, {6}}}, kProfile, kVariant)), Bits{0x8000});
}

/// The slope is a float16 too.
TEST_F(Elementwise, LeakyRelu) {
  const Bits x = every_float16();
  for (const float slope : {0.25F, 0.01F, 0.3F, 1.5F})
    EXPECT_TRUE(same(leaky_relu(x, slope), engine("LeakyRelu", {widened(x)}, {{"alpha", slope}}))) << slope;
}

/// XNNPACK chooses by the sign, ONNX by x < 0.
TEST_F(Elementwise, ANegativeSlopeTakesTheSignOfMinusZero) {
  EXPECT_EQ(leaky_relu({0x8000}, -0.5F), Bits{0x0000});
  EXPECT_EQ(narrowed(engine("LeakyRelu", {{-0.0F}}, {{"alpha", -0.5F}})), Bits{0x8000});
}

TEST_F(Elementwise, PRelu) {
  constexpr size_t kChannels = 16;
  const Bits x = every_float16();
  Bits slope = numbers(Range::ordinary, kChannels, 3);
  for (uint16_t& s : slope) s &= 0x7fffU;
  Operator op;
  expect_success(xnn_create_prelu_nc_f16(kChannels, kChannels, kChannels, readable(slope).data(), 0, op.out()));
  EXPECT_TRUE(
      same(unary(op, xnn_setup_prelu_nc_f16, kChannels, x),
           run("PRelu", {{{extent(x.size() / kChannels), kChannels}, widened(x)}, {{kChannels}, widened(slope)}},
               kProfile, kVariant)));
}

/// x * 1/6 times x + 3 clamped to 0 to 6, each rounded: as a graph of these operators. ONNX's HardSwish multiplies by
/// 1/6 and adds 0.5 in one node, so its numbers lie elsewhere.
TEST_F(Elementwise, HardSwish) {
  const Bits x = every_float16();
  const Floats values = widened(x), shifted = engine("Add", {values, Floats(values.size(), 3)});
  const Floats clipped = run("Clip", {{{extent(x.size())}, shifted}, {{}, {0}}, {{}, {6}}}, kProfile, kVariant);
  const float sixth = num::half::from_float16(num::half::to_float16(1.0F / 6));
  const Floats scaled = engine("Mul", {values, Floats(values.size(), sixth)});
  EXPECT_TRUE(same(hard_swish(x), engine("Mul", {clipped, scaled})));
  EXPECT_FALSE(same(hard_swish(x), engine("HardSwish", {values})));
}

}  // namespace
}  // namespace assay::xnnpack
