#include "assay/formats.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace assay {
namespace {

Format half() { return *Format::named("float16"); }

TEST(Formats, RoundOnce) {
  std::array values = {0.1, 65519.99, 65520.0, 1e-8};
  ASSERT_TRUE(half().round(values.data(), values.size()).ok());
  EXPECT_EQ(values, (std::array{0.0999755859375, 65504.0, HUGE_VAL, 0.0}));
  std::array<float, 1> single = {65520.0F};
  ASSERT_TRUE(half().round(single.data(), 1, {.overflow = "clamp"}).ok());
  EXPECT_EQ(single[0], 65504.0F);
  EXPECT_EQ(half().round(values.data(), 1, {.mode = "nearest"}).error().code, Code::usage);
}

TEST(Formats, NeighboursOfValuesOnAndOffTheLattice) {
  EXPECT_EQ(half().next_up(1), 1 + 0x1p-10);
  EXPECT_EQ(half().next_down(1), 1 - 0x1p-11);
  EXPECT_EQ(half().next_up(1.0001), 1 + 0x1p-10);
  EXPECT_EQ(half().next_down(1.0001), 1);
  EXPECT_EQ(half().next_up(-1.0001), -1);
  EXPECT_EQ(half().next_down(-1.0001), -1 - 0x1p-10);
  EXPECT_EQ(half().next_up(65504), HUGE_VAL);
  EXPECT_EQ(half().ulp(0.5), 0x1p-11);
}

TEST(Formats, IntervalOfTheArticle) {
  const auto found = half().rounding_interval(0.5);
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->becomes_positive.low, 0.4998779296875);
  EXPECT_TRUE(found->becomes_positive.low_included);
  EXPECT_EQ(found->becomes_positive.high, 0.5);
  EXPECT_FALSE(found->becomes_positive.high_included);
  EXPECT_TRUE(found->becomes_negative.empty());
}

TEST(Formats, DistancesAndBits) {
  EXPECT_EQ(*half().ulp_distance(1, 1 + 0x1p-9), 2U);
  EXPECT_EQ(half().ulp_distance(1, 1.0001).error().code, Code::value_range);
  EXPECT_EQ(*half().encode(1), 0x3c00U);
  EXPECT_EQ(half().decode(0xc000), -2);
  EXPECT_EQ(Format::ieee_like(5, 10)->max_finite(), 65504);
  EXPECT_EQ(Format::ieee_like(1, 10).error().code, Code::usage);
  EXPECT_EQ(Format::named("float15").error().code, Code::usage);
}

}  // namespace
}  // namespace assay
