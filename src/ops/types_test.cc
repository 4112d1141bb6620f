// Element types that few models use, in operators that take any.
#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using namespace testing;
using enum ir::ElemType;

ir::Tensor text(ir::Dims dims, std::vector<std::string> values) {
  return ir::Tensor::of_strings(std::move(dims), std::move(values));
}

TEST(TypesTest, WhereOfAnyWidth) {
  const auto condition = ints(boolean, {3}, {1, 0, 1});
  for (const ir::ElemType type : {int4, uint4, int2, uint2}) {
    const auto y = OneOp("Where").in(condition).in(ints(type, {3}, {1, 0, 1})).in(ints(type, {1}, {0})).run();
    EXPECT_EQ(y.elem(), type);
    EXPECT_EQ(y.int_at(0) & 1, 1);
    EXPECT_EQ(y.int_at(1), 0);
  }
  const auto strings = OneOp("Where").in(condition).in(text({3}, {"a", "b", "c"})).in(text({1}, {"d"})).run();
  EXPECT_EQ(strings.strings(), (std::vector<std::string>{"a", "d", "c"}));
  ir::Tensor wide = ir::Tensor::allocate(complex128, {3});
  for (int i = 0; i < 6; ++i) wide.mutable_data<double>()[i] = i;
  ir::Tensor other = ir::Tensor::allocate(complex128, {});
  other.mutable_data<double>()[0] = other.mutable_data<double>()[1] = 9;
  const auto y = OneOp("Where").in(condition).in(wide).in(other).run();
  EXPECT_EQ(std::vector<double>(y.data<double>(), y.data<double>() + 6), (std::vector<double>{0, 1, 9, 9, 4, 5}));
}

TEST(TypesTest, GridSamplePicksAnythingAndMeansOfIntegersAreCut) {
  const auto grid = f32({1, 1, 2, 2}, {-1, -1, 1, 1});
  const auto nearest = [&](const ir::Tensor& x) {
    return OneOp("GridSample")
        .attr("mode", std::string("nearest"))
        .attr("align_corners", int64_t{1})
        .in(x)
        .in(grid)
        .run();
  };
  EXPECT_EQ(nearest(text({1, 1, 2, 2}, {"a", "b", "c", "d"})).strings(), (std::vector<std::string>{"a", "d"}));
  for (const ir::ElemType type : {int8, uint16, int64, boolean})
    EXPECT_EQ(integers(nearest(ints(type, {1, 1, 2, 2}, {1, 0, 0, 1}))), (std::vector<int64_t>{1, 1}));
  const auto between = [](ir::ElemType type, const std::vector<int64_t>& values) {
    return OneOp("GridSample")
        .attr("align_corners", int64_t{1})
        .in(ints(type, {1, 1, 1, 2}, values))
        .in(f32({1, 1, 1, 2}, {0.5F, 0}))
        .run()
        .int_at(0);
  };
  EXPECT_EQ(between(int32, {-2, -5}), -4);  // -4.25
  EXPECT_EQ(between(uint8, {0, 255}), 191);
  EXPECT_FALSE(OneOp("GridSample").in(text({1, 1, 1, 1}, {"a"})).in(f32({1, 1, 1, 2}, {0, 0})).try_run().ok());
}

TEST(TypesTest, Col2ImOfIntegers) {
  const auto run = [](ir::ElemType type, const std::vector<int64_t>& values) {
    return integers(OneOp("Col2Im").in(ints(type, {1, 2, 2}, values)).in(i64({1}, {3})).in(i64({1}, {2})).run());
  };
  EXPECT_EQ(run(int32, {1, 2, 3, 4}), (std::vector<int64_t>{1, 5, 4}));
  EXPECT_EQ(run(uint8, {1, 200, 100, 4}), (std::vector<int64_t>{1, 44, 4}));
  EXPECT_EQ(run(boolean, {0, 1, 1, 0}), (std::vector<int64_t>{0, 1, 0}));
}

TEST(TypesTest, IntegersToFractions) {
  const auto pow = [](ir::ElemType type, int64_t base, float exponent) {
    return OneOp("Pow").in(ints(type, {1}, {base})).in(f32({1}, {exponent})).run().int_at(0);
  };
  EXPECT_EQ(pow(int32, 2, 0.5F), 1);
  EXPECT_EQ(pow(int64, 10, 2.5F), 316);
  EXPECT_EQ(pow(int32, -2, 0.5F), 0);  // no number
  EXPECT_EQ(pow(int32, 10, 20.5F), INT32_MAX);
  EXPECT_EQ(pow(int64, 3, 2), 9);
}

TEST(TypesTest, ResizeOfText) {
  const auto y = OneOp("Resize").in(text({1, 1, 1, 2}, {"a", "b"})).absent().absent().in(i64({4}, {1, 1, 1, 4})).run();
  EXPECT_EQ(y.strings(), (std::vector<std::string>{"a", "a", "b", "b"}));
}

TEST(TypesTest, DropoutOfSmallFloats) {
  const auto x = floats(float8e4m3fn, {2}, {1.5, -2});
  EXPECT_TRUE(ir::same_bits(OneOp("Dropout").in(x).run(), x));
  const auto y = OneOp("Dropout").in(x).in(ir::Tensor::scalar(0.5F)).in(ints(boolean, {}, {1})).run();
  EXPECT_TRUE(y.float_at(0) == 0 || y.float_at(0) == 3);
}

}  // namespace
}  // namespace assay::ops
