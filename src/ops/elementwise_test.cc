// The driver of elementwise operators: broadcasting, storage, in place, integers, threads, instruction sets.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "ops/testing.h"

namespace assay::ops::testing {
namespace {

// NumPy's rule, one element at a time.
std::vector<double> broadcast_reference(const ir::Tensor& a, const ir::Tensor& b, const ir::Dims& out,
                                        const std::function<double(double, double)>& op) {
  const auto offset = [&](const ir::Dims& dims, int64_t i) {
    int64_t result = 0, stride = 1;
    for (size_t k = 0; k < out.size(); ++k) {
      const int64_t coordinate = i % out[out.size() - 1 - k];
      i /= out[out.size() - 1 - k];
      if (k >= dims.size()) continue;
      const int64_t extent = dims[dims.size() - 1 - k];
      if (extent != 1) result += coordinate * stride;
      stride *= extent;
    }
    return result;
  };
  int64_t n = 1;
  for (int64_t d : out) n *= d;
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(op(a.float_at(offset(a.dims(), i)), b.float_at(offset(b.dims(), i))));
  return values;
}

struct Shapes {
  ir::Dims a, b, out;
};
const Shapes kShapes[] = {
    {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}},
    {{5000}, {}, {5000}},
    {{}, {5000}, {5000}},
    {{2, 3, 70, 70}, {3, 1, 1}, {2, 3, 70, 70}},
    {{7, 1, 5}, {1, 6, 1}, {7, 6, 5}},
    {{1, 1}, {3000, 1}, {3000, 1}},
    {{4, 1, 3, 1}, {5, 1, 7}, {4, 5, 3, 7}},
    {{300, 11}, {11}, {300, 11}},
    {{0, 3}, {1}, {0, 3}},
    {{}, {}, {}},
};

TEST(ElementwiseTest, BroadcastsLikeNumPy) {
  for (const Shapes& s : kShapes) {
    int64_t na = 1, nb = 1;
    for (int64_t d : s.a) na *= d;
    for (int64_t d : s.b) nb *= d;
    const auto a = f32(s.a, random_floats(static_cast<size_t>(na), -4, 4, 1));
    const auto b = f32(s.b, random_floats(static_cast<size_t>(nb), -4, 4, 2));
    const auto got = run_everywhere([&] { return OneOp("Sub").in(a).in(b); });
    EXPECT_EQ(got.dims(), s.out);
    EXPECT_EQ(doubles(got), broadcast_reference(a, b, s.out, [](double x, double y) {
                return static_cast<double>(static_cast<float>(x) - static_cast<float>(y));
              }));
  }
}

TEST(ElementwiseTest, RefusesShapesThatDoNotFit) {
  EXPECT_FALSE(OneOp("Add").in(f32({2}, {1, 2})).in(f32({3}, {1, 2, 3})).try_run().ok());
}

TEST(ElementwiseTest, StoresRoundedOnce) {
  const auto a = f32({3000}, random_floats(3000, -100, 100, 3)), b = f32({3000}, random_floats(3000, -1, 1, 4));
  for (const auto type : {ir::ElemType::float16, ir::ElemType::bfloat16}) {
    const auto out = run_everywhere([&] { return OneOp("Mul").in(a).in(b).storage(type); });
    ASSERT_EQ(out.elem(), type);
    const num::Rounding rounding{.format = num::format(*ir::elem_format(type))};
    for (int64_t i = 0; i < 3000; ++i) {
      const float product = a.data<float>()[i] * b.data<float>()[i];
      ASSERT_EQ(static_cast<float>(out.float_at(i)), num::round_float(product, rounding));
    }
  }
}

TEST(ElementwiseTest, ReadsNarrowStorageAndComputesInFloat32) {
  const auto a = floats(ir::ElemType::float16, {4}, {1.5, -2, 65504, 0x1p-24});
  const auto b = floats(ir::ElemType::float16, {4}, {0.25, 3, 2, 0.5});
  const auto out = OneOp("Mul").in(a, ir::ElemType::float32).in(b, ir::ElemType::float32).run();
  EXPECT_EQ(out.elem(), ir::ElemType::float32);
  EXPECT_EQ(doubles(out), (std::vector<double>{0.375, -6, 131008, 0x1p-25}));
  const auto declared = OneOp("Mul").in(a).in(b).run();  // a float16 model: one rounding to the declared type
  EXPECT_EQ(declared.elem(), ir::ElemType::float16);
  EXPECT_EQ(doubles(declared), (std::vector<double>{0.375, -6, INFINITY, 0}));
}

TEST(ElementwiseTest, Float64ComputesInFloat64) {
  const auto sum = OneOp("Add").in(f64({1}, {1.0})).in(f64({1}, {0x1p-50})).run();
  EXPECT_EQ(doubles(sum)[0], 1.0 + 0x1p-50);
}

TEST(ElementwiseTest, IntegersWrap) {
  using enum ir::ElemType;
  const auto run = [](const char* op, ir::ElemType type, int64_t a, int64_t b) {
    return OneOp(op).in(ints(type, {1}, {a})).in(ints(type, {1}, {b})).run().int_at(0);
  };
  EXPECT_EQ(run("Add", uint8, 200, 100), 44);
  EXPECT_EQ(run("Sub", uint8, 1, 2), 255);
  EXPECT_EQ(run("Mul", int8, 100, 3), 44);
  EXPECT_EQ(run("Add", int32, INT32_MAX, 1), INT32_MIN);
  EXPECT_EQ(run("Add", int64, INT64_MAX, 1), INT64_MIN);
  EXPECT_EQ(run("Div", int32, -7, 2), -3);
  EXPECT_EQ(run("Div", int64, INT64_MIN, -1), INT64_MIN);
  EXPECT_EQ(run("Div", int32, INT32_MIN, -1), INT32_MIN);
  EXPECT_EQ(run("Mod", int32, INT32_MIN, -1), 0);
  EXPECT_EQ(run("Mod", int64, INT64_MIN, -1), 0);
  EXPECT_EQ(run("Div", uint64, -2, 2), INT64_MAX);
  EXPECT_EQ(run("Div", uint32, 0xfffffffe, 2), 0x7fffffff);
}

TEST(ElementwiseTest, IntegersAreNotDividedByZero) {
  using enum ir::ElemType;
  for (const char* op : {"Div", "Mod"}) {
    for (const ir::ElemType type : {int8, int32, int64, uint8, uint64}) {
      const auto result = OneOp(op).in(ints(type, {3}, {1, 2, 3})).in(ints(type, {3}, {1, 0, 2})).try_run();
      ASSERT_FALSE(result.ok()) << op;
      EXPECT_EQ(result.error().code, Code::value_range);
      EXPECT_NE(result.error().message.find("element 1 of the divisor is 0"), std::string::npos);
      EXPECT_NE(result.error().where.find(op), std::string::npos);
      EXPECT_TRUE(OneOp(op).in(ints(type, {0}, {})).in(ints(type, {1}, {0})).try_run().ok()) << "divides nothing";
    }
  }
  EXPECT_EQ(doubles(OneOp("Div").in(f32({1}, {1})).in(f32({1}, {0})).run()), (std::vector<double>{INFINITY}));
}

TEST(ElementwiseTest, OldBroadcastAttributesAreDropped) {
  const auto a = f32({2, 3}, {1, 2, 3, 4, 5, 6}), b = f32({3}, {10, 20, 30});
  const auto out = OneOp("Add").attr("broadcast", int64_t{1}).in(a).in(b).opset(6).run();
  EXPECT_EQ(doubles(out), (std::vector<double>{11, 22, 33, 14, 25, 36}));
}

}  // namespace
}  // namespace assay::ops::testing
