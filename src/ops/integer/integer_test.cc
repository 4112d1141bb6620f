// Products and convolutions of codes against the plainest loops, on every vector width.
#include <gtest/gtest.h>

#include <random>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::ElemType;
using ir::Tensor;
using testing::f32;
using testing::floats;
using testing::integers;
using testing::ints;
using testing::OneOp;
using testing::run_everywhere;

Tensor codes(std::mt19937& random, ElemType type, Dims dims) {
  Tensor t = Tensor::allocate(type, std::move(dims));
  for (int64_t i = 0; i < t.size(); ++i) t.set_int(i, static_cast<int64_t>(random() & 255));
  return t;
}

/// What matmul gives for one matrix, modulo 2^32.
std::vector<int64_t> product(const Tensor& a, const Tensor& b, const Tensor& a_zero, const Tensor& b_zero) {
  const int64_t m = a.dims()[0], k = a.dims()[1], n = b.dims()[1];
  std::vector<int64_t> out;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      int64_t sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += (a.int_at(i * k + l) - a_zero.int_at(a_zero.size() == 1 ? 0 : i)) *
               (b.int_at(l * n + j) - b_zero.int_at(b_zero.size() == 1 ? 0 : j));
      out.push_back(static_cast<int32_t>(static_cast<uint64_t>(sum)));
    }
  }
  return out;
}

TEST(MatMulInteger, AllTypesAndZeroPoints) {
  std::mt19937 random(1);
  for (const ElemType at : {ElemType::uint8, ElemType::int8}) {
    for (const ElemType bt : {ElemType::uint8, ElemType::int8}) {
      for (const auto& [m, k, n] :
           {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {3, 7, 17}, {6, 32, 5}, {9, 65, 40}}) {
        const Tensor a = codes(random, at, {m, k}), b = codes(random, bt, {k, n});
        for (const bool each : {false, true}) {
          const Tensor a_zero = each ? codes(random, at, {m}) : codes(random, at, {});
          const Tensor b_zero = each ? codes(random, bt, {n}) : codes(random, bt, {1});
          const Tensor y = run_everywhere([&] { return OneOp("MatMulInteger").in(a).in(b).in(a_zero).in(b_zero); });
          EXPECT_EQ(y.elem(), ElemType::int32);
          EXPECT_EQ(integers(y), product(a, b, a_zero, b_zero)) << m << " " << k << " " << n;
        }
      }
    }
  }
}

TEST(MatMulInteger, SumsWrap) {  // 40000 products of 255 * 255
  const Tensor a = ints(ElemType::uint8, {1, 40000}, std::vector<int64_t>(40000, 255));
  const Tensor b = a.reshaped({40000, 1});
  const uint32_t want = 40000u * 65025u;
  EXPECT_EQ(integers(OneOp("MatMulInteger").in(a).in(b).run()), Dims{static_cast<int32_t>(want)});
}

TEST(MatMulInteger, BatchesHaveTheirOwnZeroPoints) {
  std::mt19937 random(2);
  const Tensor a = codes(random, ElemType::uint8, {2, 3, 4}), b = codes(random, ElemType::int8, {2, 4, 5});
  const Tensor a_zero = codes(random, ElemType::uint8, {2, 3, 1}), b_zero = codes(random, ElemType::int8, {2, 1, 5});
  const std::vector<int64_t> y = integers(OneOp("MatMulInteger").in(a).in(b).in(a_zero).in(b_zero).run());
  for (int64_t i = 0; i < 2; ++i) {
    const auto part = [&](const Tensor& t, Dims dims) {
      const int64_t n = t.size() / 2;
      Tensor out = Tensor::allocate(t.elem(), std::move(dims));
      for (int64_t j = 0; j < n; ++j) out.set_int(j, t.int_at(i * n + j));
      return out;
    };
    EXPECT_EQ(std::vector<int64_t>(y.begin() + i * 15, y.begin() + (i + 1) * 15),
              product(part(a, {3, 4}), part(b, {4, 5}), part(a_zero, {3}), part(b_zero, {5})));
  }
}

TEST(MatMulInteger, VectorsBroadcastAndEmpty) {
  const Tensor v = ints(ElemType::uint8, {3}, {1, 2, 3});
  EXPECT_EQ(integers(OneOp("MatMulInteger").in(v).in(v).run()), Dims{14});
  const Tensor none = Tensor::allocate(ElemType::uint8, {2, 0});
  const Tensor y = OneOp("MatMulInteger").in(none).in(Tensor::allocate(ElemType::uint8, {0, 3})).run();
  EXPECT_EQ(integers(y), Dims(6, 0));
}

TEST(MatMulInteger, WrongZeroPoints) {
  const Tensor a = ints(ElemType::uint8, {2, 2}, {1, 2, 3, 4});
  EXPECT_FALSE(OneOp("MatMulInteger").in(a).in(a).in(ints(ElemType::uint8, {3}, {1, 2, 3})).try_run().ok());
  EXPECT_FALSE(OneOp("MatMulInteger").in(a).in(a).in(ints(ElemType::int8, {}, {1})).try_run().ok());
}

/// Two spatial axes, in groups.
std::vector<int64_t> convolution(const Tensor& x, const Tensor& w, int64_t x_zero, const Tensor& w_zero, int64_t groups,
                                 int64_t stride, int64_t pad, int64_t dilation) {
  const Dims &xd = x.dims(), &wd = w.dims();
  const auto extent = [&](size_t i) { return (xd[i] + 2 * pad - (wd[i] - 1) * dilation - 1) / stride + 1; };
  std::vector<int64_t> out;
  for (int64_t n = 0; n < xd[0]; ++n) {
    for (int64_t m = 0; m < wd[0]; ++m) {
      const int64_t first = m / (wd[0] / groups) * wd[1];
      for (int64_t oy = 0; oy < extent(2); ++oy) {
        for (int64_t ox = 0; ox < extent(3); ++ox) {
          int64_t sum = 0;
          for (int64_t c = 0; c < wd[1]; ++c) {
            for (int64_t i = 0; i < wd[2]; ++i) {
              for (int64_t j = 0; j < wd[3]; ++j) {
                const int64_t iy = oy * stride - pad + i * dilation, ix = ox * stride - pad + j * dilation;
                if (iy < 0 || iy >= xd[2] || ix < 0 || ix >= xd[3]) continue;
                sum +=
                    (x.int_at(((n * xd[1] + first + c) * xd[2] + iy) * xd[3] + ix) - x_zero) *
                    (w.int_at(((m * wd[1] + c) * wd[2] + i) * wd[3] + j) - w_zero.int_at(w_zero.size() == 1 ? 0 : m));
              }
            }
          }
          out.push_back(sum);
        }
      }
    }
  }
  return out;
}

TEST(ConvInteger, GroupsStridesPadsDilations) {
  std::mt19937 random(3);
  for (const int64_t groups : {1, 2, 6}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t dilation : {1, 2}) {
        const Tensor x = codes(random, ElemType::uint8, {2, 6, 11, 9});
        const Tensor w = codes(random, ElemType::int8, {6, 6 / groups, 3, 2});
        const Tensor w_zero = stride == 1 ? codes(random, ElemType::int8, {6}) : codes(random, ElemType::int8, {});
        const Tensor y = run_everywhere([&] {
          return OneOp("ConvInteger")
              .in(x)
              .in(w)
              .in(ints(ElemType::uint8, {}, {100}))
              .in(w_zero)
              .attr("group", groups)
              .attr("strides", Dims{stride, stride})
              .attr("dilations", Dims{dilation, dilation})
              .attr("pads", Dims(4, 1));
        });
        EXPECT_EQ(integers(y), convolution(x, w, 100, w_zero, groups, stride, 1, dilation));
      }
    }
  }
}

TEST(ConvInteger, OneAxisAndSame) {
  const Tensor x = ints(ElemType::uint8, {1, 1, 4}, {1, 2, 3, 4}), w = ints(ElemType::uint8, {1, 1, 2}, {1, 10});
  const auto y = [&](const char* pad) {
    return integers(OneOp("ConvInteger").in(x).in(w).attr("auto_pad", std::string(pad)).run());
  };
  EXPECT_EQ(y("SAME_UPPER"), (Dims{21, 32, 43, 4}));
  EXPECT_EQ(y("SAME_LOWER"), (Dims{10, 21, 32, 43}));
  EXPECT_EQ(y("VALID"), (Dims{21, 32, 43}));
}

Tensor scale(float value) { return f32({}, {value}); }
Tensor zero(ElemType type, int64_t value) { return ints(type, {}, {value}); }

TEST(QLinearConv, ScalesOfChannelsBiasTiesAndSaturation) {
  const Tensor x = ints(ElemType::uint8, {1, 1, 1, 5}, {128, 129, 131, 133, 255});
  const Tensor w = ints(ElemType::int8, {2, 1, 1, 1}, {1, -2});
  const Tensor y = OneOp("QLinearConv")
                       .in(x)
                       .in(scale(0.5F))
                       .in(zero(ElemType::uint8, 128))
                       .in(w)
                       .in(f32({2}, {1, 8}))
                       .in(ints(ElemType::int8, {2}, {0, 0}))
                       .in(scale(1))
                       .in(zero(ElemType::int8, -3))
                       .in(ints(ElemType::int32, {2}, {0, 1}))
                       .run();
  EXPECT_EQ(y.elem(), ElemType::int8);
  // 0, .5, 1.5, 2.5, 63.5 to even; -2 * (...) + 1 times 4
  EXPECT_EQ(integers(y), (Dims{-3, -3, -1, -1, 61, 1, -7, -23, -39, -128}));
}

TEST(QLinearMatMul, RowsAndColumns) {
  std::mt19937 random(4);
  const Tensor a = codes(random, ElemType::int8, {5, 9}), b = codes(random, ElemType::int8, {9, 20});
  const Tensor a_scale = f32({5, 1}, {0.1F, 0.2F, 0.3F, 0.4F, 0.5F});
  Tensor b_scale = Tensor::allocate(ElemType::float32, {20});
  for (int64_t i = 0; i < 20; ++i) b_scale.set_float(i, 0.01 * static_cast<double>(i + 1));
  const Tensor a_zero = codes(random, ElemType::int8, {5}), b_zero = codes(random, ElemType::int8, {20});
  const Tensor y = run_everywhere([&] {
    return OneOp("QLinearMatMul")
        .in(a)
        .in(a_scale)
        .in(a_zero)
        .in(b)
        .in(b_scale)
        .in(b_zero)
        .in(scale(3))
        .in(zero(ElemType::uint8, 127));
  });
  const std::vector<int64_t> sums = product(a, b, a_zero, b_zero);
  std::vector<int64_t> want;
  for (size_t i = 0; i < sums.size(); ++i) {
    const float multiplier = a_scale.data<float>()[i / 20] * b_scale.data<float>()[i % 20] / 3.0F;
    const double code = std::nearbyint(static_cast<float>(sums[i]) * multiplier) + 127;
    want.push_back(static_cast<int64_t>(std::clamp(code, 0.0, 255.0)));
  }
  EXPECT_EQ(integers(y), want);
}

TEST(QLinearMatMul, SmallFloats) {
  const Tensor a = floats(ElemType::float8e4m3fn, {1, 2}, {1.5, -2}),
               b = floats(ElemType::float8e5m2, {2, 1}, {4, 0.5});
  const auto run = [&](ElemType scales, double y_scale) {
    return OneOp("QLinearMatMul")
        .in(a)
        .in(floats(scales, {}, {0.5}))
        .in(floats(ElemType::float8e4m3fn, {}, {0}))
        .in(b)
        .in(floats(scales, {}, {2}))
        .in(floats(ElemType::float8e5m2, {}, {0}))
        .in(floats(scales, {}, {y_scale}))
        .in(floats(ElemType::float8e4m3fn, {}, {0}))
        .run();
  };
  EXPECT_EQ(run(ElemType::float16, 0.25).float_at(0), 20);
  EXPECT_EQ(run(ElemType::float32, 1.0 / 1024).float_at(0), 448);  // saturates
}

}  // namespace
}  // namespace assay::ops
