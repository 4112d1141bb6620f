// Resize against its formulas in float64, one output at a time.
#include <gtest/gtest.h>

#include <cmath>

#include "ops/testing.h"

namespace assay::ops {
namespace {

using ir::Dims;
using ir::Tensor;
using testing::f32;
using testing::i64;
using testing::OneOp;

Tensor row(int64_t n) { return f32({n}, testing::random_floats(static_cast<size_t>(n), -1, 1)); }

double at(const Tensor& x, int64_t i) { return x.float_at(std::min<int64_t>(std::max<int64_t>(i, 0), x.size() - 1)); }

double place(const std::string& mode, double o, double in, double out) {
  const double scale = out / in;
  if (mode == "asymmetric") return o / scale;
  if (mode == "align_corners") return out == 1 ? 0 : o * (in - 1) / (out - 1);
  return (o + 0.5) / scale - 0.5;
}

TEST(Resize, LinearInAllCoordinateModes) {
  for (const char* mode : {"half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"}) {
    for (const int64_t out : {3, 7, 8, 16, 29}) {
      const Tensor x = row(8);
      const Tensor y = OneOp("Resize")
                           .attr("mode", std::string("linear"))
                           .attr("coordinate_transformation_mode", std::string(mode))
                           .in(x)
                           .absent()
                           .absent()
                           .in(i64({1}, {out}))
                           .run();
      for (int64_t o = 0; o < out; ++o) {
        const double p = place(mode, static_cast<double>(o), 8, static_cast<double>(out)), base = std::floor(p);
        const double want =
            (1 - (p - base)) * at(x, static_cast<int64_t>(base)) + (p - base) * at(x, static_cast<int64_t>(base) + 1);
        EXPECT_NEAR(y.float_at(o), want, 3e-6) << mode << " " << out << " " << o;
      }
    }
  }
}

TEST(Resize, OnePixelAsPytorchTakesItIsTheFirst) {  // length_resized > 1 ? ... : 0
  const Tensor x = row(4), y = OneOp("Resize")
                                   .attr("mode", std::string("cubic"))
                                   .attr("coordinate_transformation_mode", std::string("pytorch_half_pixel"))
                                   .in(x)
                                   .absent()
                                   .absent()
                                   .in(i64({1}, {1}))
                                   .run();
  EXPECT_EQ(y.float_at(0), x.float_at(0));
}

TEST(Resize, AntialiasedWeightsAreATriangleOverTheSource) {
  const Tensor x = row(12), y = OneOp("Resize")
                                    .attr("mode", std::string("linear"))
                                    .attr("antialias", int64_t{1})
                                    .attr("exclude_outside", int64_t{1})
                                    .in(x)
                                    .absent()
                                    .absent()
                                    .in(i64({1}, {4}))
                                    .run();
  for (int64_t o = 0; o < 4; ++o) {
    const double centre = (static_cast<double>(o) + 0.5) * 3 - 0.5;
    double sum = 0, weights = 0;
    for (int64_t i = 0; i < 12; ++i) {
      const double w = std::max(0.0, 1 - std::fabs(static_cast<double>(i) - centre) / 3);
      sum += w * x.float_at(i);
      weights += w;
    }
    EXPECT_NEAR(y.float_at(o), sum / weights, 2e-6);
  }
}

TEST(Resize, CubicReproducesLines) {
  Tensor x = f32({1, 1, 8, 8}, std::vector<float>(64));
  for (int64_t i = 0; i < 64; ++i) x.set_float(i, static_cast<double>(i / 8) * 2 + static_cast<double>(i % 8));
  const Tensor y = OneOp("Resize")
                       .attr("mode", std::string("cubic"))
                       .attr("cubic_coeff_a", -0.5F)
                       .in(x)
                       .absent()
                       .in(f32({4}, {1, 1, 2, 2}))
                       .threads(2)
                       .run();
  ASSERT_EQ(y.dims(), (Dims{1, 1, 16, 16}));
  for (int64_t r = 5; r < 11; ++r)
    for (int64_t k = 5; k < 11; ++k)
      EXPECT_NEAR(y.float_at(r * 16 + k), (static_cast<double>(r) + 0.5) - 1 + (static_cast<double>(k) + 0.5) / 2 - 0.5,
                  1e-5);
}

TEST(Resize, NearestModesDifferAtHalves) {
  const Tensor x = f32({4}, {0, 1, 2, 3});
  const auto nearest = [&](const char* mode) {
    return testing::doubles(OneOp("Resize")
                                .attr("nearest_mode", std::string(mode))
                                .attr("coordinate_transformation_mode", std::string("asymmetric"))
                                .in(x)
                                .absent()
                                .in(f32({1}, {2}))
                                .run());
  };
  EXPECT_EQ(nearest("round_prefer_floor"), (std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(nearest("round_prefer_ceil"), (std::vector<double>{0, 1, 1, 2, 2, 3, 3, 3}));
  EXPECT_EQ(nearest("floor"), (std::vector<double>{0, 0, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(nearest("ceil"), (std::vector<double>{0, 1, 1, 2, 2, 3, 3, 3}));
}

TEST(Resize, OldUpsampleIsAsymmetricFloor) {
  const Tensor x = f32({1, 1, 1, 3}, {1, 2, 3});
  const Tensor y = OneOp("Resize").in(x).in(f32({4}, {1, 1, 1, 2})).opset(10).run();
  EXPECT_EQ(testing::doubles(y), (std::vector<double>{1, 1, 2, 2, 3, 3}));
}

TEST(Resize, ThreadsDoNotChangeBits) {
  const Tensor x = f32({2, 3, 17, 23}, testing::random_floats(2 * 3 * 17 * 23, -1, 1));
  const auto run = [&](int threads) {
    return OneOp("Resize")
        .attr("mode", std::string("linear"))
        .in(x)
        .absent()
        .in(f32({4}, {1, 1, 1.7F, 2.3F}))
        .threads(threads)
        .run();
  };
  EXPECT_TRUE(same_bits(run(1), run(4)));
}

}  // namespace
}  // namespace assay::ops
