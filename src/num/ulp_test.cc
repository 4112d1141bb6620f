#include "num/ulp.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

namespace assay::num {
namespace {

TEST(UlpTest, DistancesOfFloats) {
  EXPECT_EQ(ulp_distance(1.0f, 1.0f), 0u);
  EXPECT_EQ(ulp_distance(1.0f, std::nextafter(1.0f, 2.0f)), 1u);
  EXPECT_EQ(ulp_distance(0.0f, -0.0f), 0u);
  EXPECT_EQ(ulp_distance(-0x1p-149f, 0x1p-149f), 2u);
  EXPECT_EQ(ulp_distance(0x1.fffffep127f, INFINITY), 1u);
  EXPECT_EQ(ulp_distance(INFINITY, INFINITY), 0u);
  EXPECT_EQ(ulp_distance(-INFINITY, INFINITY), 2u * 0x7f800000u);
  EXPECT_EQ(ulp_distance(NAN, -NAN), 0u);
  EXPECT_EQ(ulp_distance(NAN, 1.0f), kInfiniteUlps);
  EXPECT_EQ(ulp_distance(INFINITY, NAN), kInfiniteUlps);
  EXPECT_EQ(ulp_distance(1.0, 1.0 + 0x1p-52), 1u);
  EXPECT_EQ(ulp_distance(-1.0, 1.0), 2u * 0x3ff0000000000000u);
}

TEST(UlpTest, DistancesOnALatticeCountItsSteps) {
  const Format& f16 = format(FormatId::float16);
  EXPECT_EQ(ulp_distance(0.5, next_down(0.5, f16), f16), 1u);
  EXPECT_EQ(ulp_distance(65504, INFINITY, f16), 1u);
  EXPECT_EQ(ulp_distance(-0x1p-24, 0x1p-24, f16), 2u);
  EXPECT_EQ(ulp_distance(1, 2, f16), 1024u);
  EXPECT_EQ(ulp_distance(NAN, 1, f16), kInfiniteUlps);
  const Format& e4m3 = format(FormatId::float8e4m3fn);
  EXPECT_EQ(ulp_distance(448, INFINITY, e4m3), 1u);
  std::mt19937_64 random(4);
  for (int i = 0; i < 100000; ++i) {
    const auto a = static_cast<float>(std::bit_cast<float>(static_cast<uint32_t>(random())));
    const auto b = static_cast<float>(std::bit_cast<float>(static_cast<uint32_t>(random())));
    ASSERT_EQ(ulp_distance(a, b), ulp_distance(a, b, format(FormatId::float32)));
  }
}

TEST(UlpTest, SizeIsTheSpacing) {
  const Format& f16 = format(FormatId::float16);
  EXPECT_EQ(ulp_size(1, f16), 0x1p-10);
  EXPECT_EQ(ulp_size(-2048, f16), 2);
  EXPECT_EQ(ulp_size(4096, f16), 4);
  EXPECT_EQ(ulp_size(0, f16), 0x1p-24);
  EXPECT_EQ(ulp_size(1e9, f16), 32);
  EXPECT_EQ(ulp_size(INFINITY, f16), 0);
  EXPECT_EQ(ulp_size(0.75, format(FormatId::float32)), 0x1p-24);
}

TEST(UlpTest, KeysOrderAsNumbersDo) {
  const float ascending[] = {-INFINITY, -0x1.fffffep127f, -1.0f, -0x1p-149f, -0.0f, 0.0f, 0x1p-149f, 1.0f, INFINITY};
  for (size_t i = 1; i < std::size(ascending); ++i) {
    EXPECT_LT(ordered_key(ascending[i - 1]), ordered_key(ascending[i]));
    EXPECT_LT(ordered_key(static_cast<double>(ascending[i - 1])), ordered_key(static_cast<double>(ascending[i])));
  }
  EXPECT_GT(ordered_key(-NAN), ordered_key(INFINITY));
  std::mt19937_64 random(5);
  for (int i = 0; i < 100000; ++i) {
    const auto a = std::bit_cast<float>(static_cast<uint32_t>(random()));
    const auto b = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isnan(a) || std::isnan(b)) continue;
    ASSERT_EQ(a < b, ordered_key(a) < ordered_key(b));
    ASSERT_EQ(std::bit_cast<uint32_t>(from_ordered_key(ordered_key(a))), std::bit_cast<uint32_t>(a));
    const auto wide = static_cast<double>(b);
    ASSERT_EQ(std::bit_cast<uint64_t>(from_ordered_key(ordered_key(wide))), std::bit_cast<uint64_t>(wide));
  }
}

}  // namespace
}  // namespace assay::num
