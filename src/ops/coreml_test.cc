// Operators of domain coreml against their formulas; tests/python/test_mil_lift_*.py hold them against more cases.
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
using testing::ints;
using testing::OneOp;
using testing::random_floats;
using testing::run_everywhere;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

std::vector<double> unary(std::string_view type, std::vector<ir::Attr> attrs, const std::vector<float>& x) {
  OneOp op(type, "coreml");
  for (ir::Attr& a : attrs) op.attr(a.name, std::move(a.value));
  return doubles(op.in(f32({static_cast<int64_t>(x.size())}, x)).run());
}

TEST(CoremlElementwise, BordersAndSpecialValues) {
  const std::vector<ir::Attr> alpha = {{"alpha", 0.5F}}, both = {{"alpha", 0.5F}, {"beta", -1.0F}};
  EXPECT_EQ(unary("ThresholdedRelu", alpha, {0.5F, 0.25F, -kInf}), (std::vector<double>{0.5, 0, 0}));
  EXPECT_TRUE(std::isnan(unary("ThresholdedRelu", alpha, {kNan})[0]));
  EXPECT_EQ(unary("ClampedRelu", both, {3, -1, -4}), (std::vector<double>{-1, -1, -2}));
  EXPECT_EQ(unary("LinearActivation", both, {4, -2}), (std::vector<double>{1, -2}));
  EXPECT_EQ(unary("Softplus", {}, {200, -200, kInf, -kInf}), (std::vector<double>{200, 0, HUGE_VAL, 0}));
  EXPECT_EQ(unary("Inverse", {{"epsilon", 0.0F}}, {4, kInf}), (std::vector<double>{0.25, 0}));
  EXPECT_EQ(unary("Rsqrt", {{"epsilon", 1.0F}}, {3, -1}), (std::vector<double>{0.5, HUGE_VAL}));
  EXPECT_NEAR(unary("Log", {{"epsilon", 1e-45F}}, {0})[0], std::log(1.401298464324817e-45), 1e-5);
}

TEST(CoremlElementwise, DivisionsRoundDown) {
  const auto divide = [](std::string_view type, const Tensor& a, const Tensor& b) {
    return doubles(OneOp(type, "coreml").in(a).in(b).run());
  };
  const Tensor a = f32({6}, {7, -7, 7, -7, 1, -0.0F}), b = f32({6}, {2, 2, -2, -2, 0.1F, 3});
  EXPECT_EQ(divide("FloorDiv", a, b), (std::vector<double>{3, -4, -4, 3, 9, -0.0}));
  const auto rest = divide("Mod", a, b);
  EXPECT_EQ(std::vector<double>(rest.begin(), rest.begin() + 4), (std::vector<double>{1, 1, -1, -1}));
  const Tensor m = ints(ElemType::int32, {5}, {7, -7, 7, -7, std::numeric_limits<int32_t>::min()});
  const Tensor n = ints(ElemType::int32, {5}, {2, 2, -2, -2, -1});
  EXPECT_EQ(divide("FloorDiv", m, n), (std::vector<double>{3, -4, -4, 3, -2147483648.0}));
  EXPECT_FALSE(OneOp("FloorDiv", "coreml").in(m).in(ints(ElemType::int32, {1}, {0})).try_run().ok());
}

TEST(CoremlElementwise, SameBitsEverywhere) {
  const Tensor x = f32({3, 700}, random_floats(2100, -9, 9)), per_row = f32({3, 1}, {0.5F, 2, -1});
  run_everywhere([&] { return OneOp("ParametricSoftplus", "coreml").in(x).in(per_row).in(per_row); });
  run_everywhere([&] { return OneOp("Mod", "coreml").in(x).in(per_row); });
  run_everywhere([&] { return OneOp("ScaledTanh", "coreml").attr("alpha", 1.5F).attr("beta", 0.5F).in(x); });
  run_everywhere(
      [&] { return OneOp("L2Normalization", "coreml").attr("axis", int64_t{0}).attr("epsilon", 1e-6F).in(x); });
}

Tensor resized(const Tensor& x, const std::string& grid, int64_t n, const std::string& mode = "linear") {
  return OneOp("Resize", "coreml")
      .attr("mode", mode)
      .attr("coordinate_transformation_mode", grid)
      .attr("nearest_mode", std::string(grid == "DEFAULT" ? "floor" : "round_prefer_ceil"))
      .in(x)
      .absent()
      .absent()
      .in(testing::i64({1}, {n}))
      .run();
}

TEST(CoremlResize, Grids) {  // points that Core ML's documentation lists for an interval of two samples
  const Tensor x = f32({2}, {0, 1});
  const auto near = [&](const std::string& grid, const std::vector<double>& want) {
    const auto got = doubles(resized(x, grid, static_cast<int64_t>(want.size())));
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-6) << grid << " " << i;
  };
  near("UNALIGN_CORNERS", {0, 0.1, 0.5, 0.9, 1});
  near("STRICT_ALIGN_CORNERS", {0, 0.25, 0.5, 0.75, 1});
  near("DEFAULT", {0, 0.4, 0.8, 1, 1});
  near("OFFSET_CORNERS", {0.1, 0.3, 0.5, 0.7, 0.9});
  near("ALIGN_CORNERS", {0.5});
  near("STRICT_ALIGN_CORNERS", {0});
  near("OFFSET_CORNERS", {0.25, 0.75});  // the same extent is no copy
}

TEST(CoremlResize, OtherAxesStay) {  // also under a grid that moves the samples of an axis of the same extent
  const Tensor x = f32({2, 2}, {0, 1, 10, 11});
  const Tensor y = OneOp("Resize", "coreml")
                       .attr("mode", std::string("linear"))
                       .attr("coordinate_transformation_mode", std::string("OFFSET_CORNERS"))
                       .attr("nearest_mode", std::string("round_prefer_ceil"))
                       .attr("axes", Dims{-1})
                       .in(x)
                       .absent()
                       .absent()
                       .in(testing::i64({1}, {2}))
                       .run();
  EXPECT_EQ(doubles(y), (std::vector<double>{0.25, 0.75, 10.25, 10.75}));
}

TEST(CoremlResize, NearestTakesTheSampleBelow) {
  const Tensor x = f32({6}, {0, 1, 2, 3, 4, 5});
  EXPECT_EQ(doubles(resized(x, "DEFAULT", 10, "nearest")), (std::vector<double>{0, 0, 1, 1, 2, 3, 3, 4, 4, 5}));
}

TEST(CoremlCropResize, BoxesOfAllImagesAndOfOne) {
  const Tensor x = f32({2, 1, 2, 2}, {0, 1, 2, 3, 10, 11, 12, 13});
  const auto crop = [&](const Tensor& boxes) {
    return OneOp("CropResize", "coreml")
        .attr("target_height", int64_t{1})
        .attr("target_width", int64_t{2})
        .attr("sampling_mode", std::string("ALIGN_CORNERS"))
        .attr("pad_value", -1.0F)
        .in(x)
        .in(boxes);
  };
  const Tensor all = crop(f32({1, 4}, {0, 0, 1, 1})).run();
  EXPECT_EQ(all.dims(), (Dims{1, 2, 1, 1, 2}));
  EXPECT_EQ(doubles(all), (std::vector<double>{1, 2, 11, 12}));
  EXPECT_EQ(doubles(crop(f32({1, 5}, {1, 0, 0, 1, 2})).run()), (std::vector<double>{11, -1}));
  EXPECT_FALSE(crop(f32({1, 5}, {2, 0, 0, 1, 1})).try_run().ok());
}

TEST(CoremlResample, WhatStandsAroundAnImage) {
  const Tensor x = f32({1, 1, 1, 3}, {1, 2, 3});
  const auto at = [&](const std::string& padding) {
    std::vector<float> points;
    for (int i = -3; i < 6; ++i) points.insert(points.end(), {static_cast<float>(i), 0});
    return doubles(OneOp("Resample", "coreml")
                       .attr("padding_mode", padding)
                       .attr("padding_value", 9.0F)
                       .attr("coordinates_mode", std::string("unnormalized"))
                       .in(x)
                       .in(f32({1, 1, 9, 2}, points))
                       .run());
  };
  EXPECT_EQ(at("constant"), (std::vector<double>{9, 9, 9, 1, 2, 3, 9, 9, 9}));
  EXPECT_EQ(at("border"), (std::vector<double>{1, 1, 1, 1, 2, 3, 3, 3, 3}));
  EXPECT_EQ(at("reflection"), (std::vector<double>{2, 3, 2, 1, 2, 3, 2, 1, 2}));
  EXPECT_EQ(at("symmetric"), (std::vector<double>{3, 2, 1, 1, 2, 3, 3, 2, 1}));
}

TEST(CoremlAttention, MasksAndSameBits) {
  const Tensor q = f32({2, 3, 4}, random_floats(24, -1, 1)), v = f32({2, 5, 6}, random_floats(60, -1, 1));
  const Tensor k = f32({2, 5, 4}, random_floats(40, -1, 1));
  const Tensor one = ints(ElemType::boolean, {1, 5}, {0, 0, 1, 0, 0});
  run_everywhere([&] { return OneOp("ScaledDotProductAttention", "coreml").in(q).in(k).in(v); });
  const Tensor y = OneOp("ScaledDotProductAttention", "coreml").in(q).in(k).in(v).in(one).run();
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(y.float_at(i), v.float_at(12 + i));
}

TEST(CoremlLstm, TheCellIsKeptWithinItsBounds) {
  const Tensor x = f32({3, 1, 1}, {1, 1, 1}), w = f32({1, 4, 1}, {9, 9, 9, 9}), r = f32({1, 4, 1}, {0, 0, 0, 0});
  const auto cell = [&](float clip) {
    OneOp op("LSTM", "coreml");
    op.attr("cell_clip", clip).in(x).in(w).in(r).outputs(3);
    return op.run_all()[2].float_at(0);
  };
  EXPECT_GT(cell(0), 2.9);
  EXPECT_EQ(cell(0.25F), 0.25);
}

}  // namespace
}  // namespace assay::ops
