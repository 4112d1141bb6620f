// Det, AffineGrid, DeformConv and MaxRoiPool against plain float64 code.
#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using namespace testing;
using ir::ElemType;

/// By expansion along the first row.
double expanded(const std::vector<double>& a, size_t n) {
  if (n == 0) return 1;
  double sum = 0;
  for (size_t j = 0; j < n; ++j) {
    std::vector<double> minor;
    for (size_t i = 1; i < n; ++i)
      for (size_t k = 0; k < n; ++k)
        if (k != j) minor.push_back(a[i * n + k]);
    sum += (j % 2 == 0 ? 1 : -1) * a[j] * expanded(minor, n - 1);
  }
  return sum;
}

TEST(DetTest, AgreesWithTheExpansion) {
  for (size_t n = 1; n <= 6; ++n) {
    const auto x = f32({3, 2, int64_t(n), int64_t(n)}, random_floats(6 * n * n, -2, 2, n));
    const auto y = run_everywhere([&] { return OneOp("Det").in(x); });
    ASSERT_EQ(y.dims(), (ir::Dims{3, 2}));
    const auto all = doubles(x);
    for (size_t i = 0; i < 6; ++i) {
      const std::vector<double> a(all.begin() + int64_t(i * n * n), all.begin() + int64_t((i + 1) * n * n));
      EXPECT_NEAR(y.float_at(int64_t(i)), expanded(a, n), 1e-4) << n;
    }
  }
}

TEST(DetTest, PivotsSpecialValuesAndShapes) {
  EXPECT_EQ(OneOp("Det").in(f32({2, 2}, {0, 1, 1, 0})).run().float_at(0), -1);
  EXPECT_EQ(OneOp("Det").in(f32({3, 3}, {0, 0, 2, 3, 0, 0, 0, 4, 0})).run().float_at(0), 24);
  EXPECT_EQ(OneOp("Det").in(f32({2, 2}, {1, 2, 2, 4})).run().float_at(0), 0);
  EXPECT_TRUE(std::isnan(OneOp("Det").in(f32({2, 2}, {1, NAN, 2, 4})).run().float_at(0)));
  EXPECT_EQ(OneOp("Det").in(f32({2, 0, 0}, {})).run().float_at(1), 1);
  for (const ElemType type : {ElemType::float64, ElemType::float16, ElemType::bfloat16})
    EXPECT_EQ(OneOp("Det").in(floats(type, {2, 2}, {1, 2, 3, 4})).run().float_at(0), -2);
  const auto half = [](double v) { return num::round(v, to_format(num::FormatId::float16)); };
  EXPECT_EQ(OneOp("Det").policy(float16_throughout()).in(f32({2, 2}, {5, 1, 1, 1})).run().float_at(0),
            half(5 * half(1 - half(1.0 / 5))));
  EXPECT_FALSE(OneOp("Det").in(f32({2, 3}, {1, 2, 3, 4, 5, 6})).try_run().ok());
  EXPECT_FALSE(OneOp("Det").in(f32({2}, {1, 2})).try_run().ok());
}

TEST(AffineGridTest, PlanesAndVolumes) {
  for (const bool align : {false, true}) {
    for (const size_t axes : {2U, 3U}) {
      const ir::Dims extents = axes == 2 ? ir::Dims{4, 5} : ir::Dims{3, 4, 5};
      const auto theta = f32({2, int64_t(axes), int64_t(axes) + 1}, random_floats(2 * axes * (axes + 1), -1, 1));
      ir::Dims size = {2, 1};
      size.insert(size.end(), extents.begin(), extents.end());
      const auto y = run_everywhere([&] {
        return OneOp("AffineGrid").attr("align_corners", int64_t{align}).in(theta).in(ir::Tensor::of_ints(size));
      });
      ir::Dims want_dims = {2};
      want_dims.insert(want_dims.end(), extents.begin(), extents.end());
      want_dims.push_back(int64_t(axes));
      ASSERT_EQ(y.dims(), want_dims);
      int64_t points = 1;
      for (const int64_t e : extents) points *= e;
      for (int64_t p = 0; p < 2 * points; ++p) {
        std::vector<double> at(axes + 1, 1);  // x, y, (z,) 1
        int64_t rest = p % points;
        for (size_t k = 0; k < axes; ++k) {
          const int64_t n = extents[axes - 1 - k], i = rest % n;
          rest /= n;
          at[k] = align ? -1 + 2.0 * double(i) / double(n - 1) : -1 + (2.0 * double(i) + 1) / double(n);
        }
        for (size_t a = 0; a < axes; ++a) {
          double want = 0;
          for (size_t k = 0; k <= axes; ++k)
            want += theta.float_at((p / points * int64_t(axes) + int64_t(a)) * int64_t(axes + 1) + int64_t(k)) * at[k];
          EXPECT_NEAR(y.float_at(p * int64_t(axes) + int64_t(a)), want, 1e-6);
        }
      }
    }
  }
}

TEST(AffineGridTest, PoliciesAndErrors) {
  const auto theta = f32({1, 2, 3}, {1, 0, 0, 0, 1, 0});
  const auto size = ir::Tensor::of_ints({1, 1, 2, 2});
  const auto y = OneOp("AffineGrid").in(theta).in(size).run();
  EXPECT_EQ(doubles(y), (std::vector<double>{-0.5, -0.5, 0.5, -0.5, -0.5, 0.5, 0.5, 0.5}));
  EXPECT_EQ(doubles(OneOp("AffineGrid").policy(float16_throughout()).in(theta).in(size).run()), doubles(y));
  // One point has no step between corners.
  EXPECT_EQ(OneOp("AffineGrid")
                .attr("align_corners", int64_t{1})
                .in(theta)
                .in(ir::Tensor::of_ints({1, 1, 1, 1}))
                .run()
                .float_at(0),
            -1);
  const auto fails = [&](const ir::Tensor& t, const ir::Dims& dims) {
    return !OneOp("AffineGrid").in(t).in(ir::Tensor::of_ints(dims)).try_run().ok();
  };
  EXPECT_TRUE(fails(theta, {2, 1, 2, 2}));
  EXPECT_TRUE(fails(theta, {1, 1, 2}));
  EXPECT_TRUE(fails(theta, {}));
  EXPECT_TRUE(fails(theta, {1, 1, 2, 2, 2}));
  EXPECT_TRUE(fails(theta, {1, 1, -2, 2}));
  EXPECT_TRUE(fails(theta, {1, 1, int64_t{1} << 40, int64_t{1} << 40}));
  EXPECT_TRUE(fails(f32({1, 3, 3}, std::vector<float>(9)), {1, 1, 2, 2}));
}

struct Deformed {
  int64_t group = 1, offset_group = 1, stride = 1, dilation = 1, pad = 0;
};

TEST(DeformConvTest, AgreesWithTheDefinition) {
  const int64_t images = 2, height = 5, width = 6, kh = 2, kw = 3;
  for (const Deformed& d : {Deformed{}, Deformed{.group = 2, .offset_group = 1, .pad = 1},
                            Deformed{.group = 1, .offset_group = 2, .stride = 2, .dilation = 2, .pad = 2}}) {
    const int64_t channels = 4, outputs = 6, own = channels / d.group;
    const int64_t oh = (height + 2 * d.pad - (kh - 1) * d.dilation - 1) / d.stride + 1;
    const int64_t ow = (width + 2 * d.pad - (kw - 1) * d.dilation - 1) / d.stride + 1;
    const auto make = [&](ir::Dims dims, float low, float high, uint64_t seed) {
      size_t n = 1;
      for (const int64_t e : dims) n *= static_cast<size_t>(e);
      return f32(std::move(dims), random_floats(n, low, high, seed));
    };
    const auto x = make({images, channels, height, width}, -1, 1, 1), w = make({outputs, own, kh, kw}, -1, 1, 2),
               offset = make({images, d.offset_group * kh * kw * 2, oh, ow}, -3, 3, 3), b = make({outputs}, -1, 1, 4),
               mask = make({images, d.offset_group * kh * kw, oh, ow}, 0, 1, 5);
    const auto y = run_everywhere([&] {
      return OneOp("DeformConv")
          .attr("group", d.group)
          .attr("offset_group", d.offset_group)
          .attr("strides", ir::Dims{d.stride, d.stride})
          .attr("dilations", ir::Dims{d.dilation, d.dilation})
          .attr("pads", ir::Dims{d.pad, d.pad, d.pad, d.pad})
          .in(x)
          .in(w)
          .in(offset)
          .in(b)
          .in(mask);
    });
    ASSERT_EQ(y.dims(), (ir::Dims{images, outputs, oh, ow}));
    const auto pixel = [&](int64_t n, int64_t c, int64_t r, int64_t q) {
      return r < 0 || r >= height || q < 0 || q >= width ? 0.0
                                                         : x.float_at(((n * channels + c) * height + r) * width + q);
    };
    for (int64_t i = 0; i < y.size(); ++i) {
      const int64_t q = i % ow, r = i / ow % oh, o = i / ow / oh % outputs, n = i / ow / oh / outputs;
      double sum = b.float_at(o);
      for (int64_t k = 0; k < own; ++k)
        for (int64_t tap = 0; tap < kh * kw; ++tap) {
          const int64_t channel = o / (outputs / d.group) * own + k, g = channel / (channels / d.offset_group);
          const auto at = [&](const ir::Tensor& t, int64_t rows, int64_t row) {
            return t.float_at(((n * d.offset_group * rows + g * rows + row) * oh + r) * ow + q);
          };
          const double py = double(r * d.stride - d.pad + tap / kw * d.dilation) + at(offset, kh * kw * 2, tap * 2);
          const double px = double(q * d.stride - d.pad + tap % kw * d.dilation) + at(offset, kh * kw * 2, tap * 2 + 1);
          const auto r0 = static_cast<int64_t>(std::floor(py)), q0 = static_cast<int64_t>(std::floor(px));
          const double fy = py - double(r0), fx = px - double(q0);
          const double v = (1 - fy) * ((1 - fx) * pixel(n, channel, r0, q0) + fx * pixel(n, channel, r0, q0 + 1)) +
                           fy * ((1 - fx) * pixel(n, channel, r0 + 1, q0) + fx * pixel(n, channel, r0 + 1, q0 + 1));
          sum += v * at(mask, kh * kw, tap) * w.float_at((o * own + k) * kh * kw + tap);
        }
      EXPECT_NEAR(y.float_at(i), sum, 2e-5);
    }
  }
}

TEST(DeformConvTest, WithoutOffsetsItIsConvAndErrorsAreNamed) {
  const auto x = f32({1, 2, 5, 5}, random_floats(50, -1, 1)), w = f32({3, 2, 3, 3}, random_floats(54, -1, 1));
  const auto none = f32({1, 18, 3, 3}, std::vector<float>(162));
  const auto conv = OneOp("Conv").in(x).in(w).run();
  EXPECT_TRUE(ir::same_bits(OneOp("DeformConv").in(x).in(w).in(none).run(), conv));
  const auto narrow = [](const ir::Tensor& t) { return floats(ElemType::float16, t.dims(), doubles(t)); };
  const auto halves = [&](OneOp&& op, bool deformed) {
    op.in(narrow(x), ElemType::float32).in(narrow(w), ElemType::float32);
    if (deformed) op.in(narrow(none), ElemType::float32);
    return op.policy(float16_throughout()).storage(ElemType::float16).run();
  };
  EXPECT_TRUE(ir::same_bits(halves(OneOp("DeformConv"), true), halves(OneOp("Conv"), false)));
  // One spatial axis, and three.
  EXPECT_EQ(doubles(OneOp("DeformConv")
                        .in(f32({1, 1, 3}, {1, 2, 3}))
                        .in(f32({1, 1, 1}, {2}))
                        .in(f32({1, 1, 3}, {0.5, 0, 9}))
                        .run()),
            (std::vector<double>{3, 4, 0}));
  EXPECT_EQ(OneOp("DeformConv")
                .in(f32({1, 1, 1, 1, 1}, {4}))
                .in(f32({1, 1, 1, 1, 1}, {1}))
                .in(f32({1, 3, 1, 1, 1}, {0.5, 0.5, -0.5}))
                .run()
                .float_at(0),
            0.5);
  const auto far = f32({1, 18, 3, 3}, std::vector<float>(162, NAN));
  for (const double v : doubles(OneOp("DeformConv").in(x).in(w).in(far).run())) EXPECT_EQ(v, 0);
  EXPECT_FALSE(OneOp("DeformConv").in(x).in(w).in(f32({1, 18, 3, 2}, std::vector<float>(108))).try_run().ok());
  EXPECT_FALSE(OneOp("DeformConv").attr("group", int64_t{2}).in(x).in(w).in(none).try_run().ok());
  EXPECT_FALSE(OneOp("DeformConv").attr("group", int64_t{0}).in(x).in(w).in(none).try_run().ok());
  EXPECT_FALSE(OneOp("DeformConv").attr("offset_group", int64_t{3}).in(x).in(w).in(none).try_run().ok());
  EXPECT_FALSE(OneOp("DeformConv").in(x).in(w).in(none).in(f32({2}, {1, 2})).try_run().ok());
  EXPECT_FALSE(OneOp("DeformConv").in(x).in(w).in(none).absent().in(none).try_run().ok());
}

TEST(MaxRoiPoolTest, CellsOfRoundedRegions) {
  std::vector<float> map(2 * 4 * 6);
  for (size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(i);
  const auto x = f32({2, 1, 4, 6}, map);
  const auto pool = [&](const std::vector<float>& roi, ir::Dims shape, float scale) {
    return std::move(OneOp("MaxRoiPool")
                         .attr("pooled_shape", std::move(shape))
                         .attr("spatial_scale", scale)
                         .in(x)
                         .in(f32({int64_t(roi.size() / 5), 5}, roi)));
  };
  EXPECT_EQ(doubles(pool({0, 0, 0, 5, 3}, {2, 2}, 1).run()), (std::vector<double>{8, 11, 20, 23}));
  // Rows 1 to 3 in two cells overlap in row 2; corners are halved and rounded away from zero: 5 * 0.5 is 3.
  EXPECT_EQ(doubles(pool({1, 0, 2, 5, 6}, {2, 1}, 0.5F).run()), (std::vector<double>{39, 45}));
  // Beyond the map a cell is empty.
  EXPECT_EQ(doubles(pool({0, 8, 8, 9, 9}, {1, 1}, 1).run()), (std::vector<double>{0}));
  EXPECT_EQ(doubles(pool({0, 3, 3, 1, 1}, {1, 1}, 1).run()), (std::vector<double>{21}));
  EXPECT_FALSE(pool({2, 0, 0, 1, 1}, {1, 1}, 1).try_run().ok());
  EXPECT_FALSE(pool({-1, 0, 0, 1, 1}, {1, 1}, 1).try_run().ok());
  EXPECT_FALSE(pool({NAN, 0, 0, 1, 1}, {1, 1}, 1).try_run().ok());
  EXPECT_FALSE(pool({0, NAN, 0, 1, 1}, {1, 1}, 1).try_run().ok());
  EXPECT_FALSE(pool({0, 0, 0, 1e30F, 1}, {1, 1}, 1).try_run().ok());
  EXPECT_FALSE(pool({0, 0, 0, 1, 1}, {0, 1}, 1).try_run().ok());
  EXPECT_FALSE(pool({0, 0, 0, 1, 1}, {int64_t{1} << 30, int64_t{1} << 30}, 1).try_run().ok());
  EXPECT_FALSE(pool({0, 0, 0, 1, 1}, {1}, 1).try_run().ok());
}

}  // namespace
}  // namespace assay::ops
