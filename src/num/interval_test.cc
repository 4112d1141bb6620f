// Rounding intervals by brute force: every float16 value, every midpoint and the float32 neighbours of both.
#include "num/interval.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "num/ulp.h"

namespace assay::num {
namespace {

const Rounding kFloat16{format(FormatId::float16)};

/// Scores where something can change: all values of a 16-bit format, all midpoints, and float32 neighbours of each.
const std::vector<float>& scores() {
  static const std::vector<float> all = [] {
    std::vector<float> s;
    const auto around = [&](float x) {
      s.push_back(x);
      s.push_back(std::nextafter(x, -INFINITY));
      s.push_back(std::nextafter(x, INFINITY));
    };
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const float x = float16_value(static_cast<uint16_t>(bits));
      if (std::isnan(x)) continue;
      around(x);
      const float next = static_cast<float>(next_up(static_cast<double>(x), kFloat16.format));
      if (std::isfinite(x) && std::isfinite(next)) around((x + next) / 2);
    }
    around(65520.0f);
    around(-65520.0f);
    return s;
  }();
  return all;
}

void brute_force(double threshold, Comparison comparison, const Rounding& rounding) {
  const RoundingInterval interval = rounding_interval(threshold, comparison, rounding);
  EXPECT_TRUE(interval.becomes_positive.empty() || interval.becomes_negative.empty());
  for (float score : scores()) {
    const bool before = is_positive(static_cast<double>(score), threshold, comparison);
    const bool after = is_positive(static_cast<double>(round_float(score, rounding)), threshold, comparison);
    ASSERT_EQ(interval.becomes_positive.contains(static_cast<double>(score)), !before && after)
        << threshold << " " << std::hexfloat << score;
    ASSERT_EQ(interval.becomes_negative.contains(static_cast<double>(score)), before && !after)
        << threshold << " " << std::hexfloat << score;
  }
}

TEST(IntervalTest, AgreesWithBruteForceOverFloat16) {
  const double thresholds[] = {
      0.5,     0.3,  0.7,        0.25,  1.0,   0.0,   -0.5, -0.3, 0x1p-20,  0x1.8p-24,
      0x1p-25, 3e-8, -0x1.8p-24, 65504, 65519, 65520, 1e6,  -1e6, INFINITY, static_cast<double>(0.3f)};
  for (double t : thresholds) {
    for (Comparison c : {Comparison::at_least, Comparison::above}) brute_force(t, c, kFloat16);
  }
}

TEST(IntervalTest, AgreesWithBruteForceForOtherRoundings) {
  for (Mode mode : {Mode::nearest_away, Mode::toward_zero, Mode::to_odd}) {
    for (double t : {0.5, 0.3, -0.7, 0.0}) brute_force(t, Comparison::at_least, {kFloat16.format, mode});
  }
  brute_force(0.7, Comparison::above, {kFloat16.format, Mode::nearest_even, true});
  brute_force(1e-6, Comparison::at_least, {kFloat16.format, Mode::nearest_even, true});
  brute_force(1e6, Comparison::at_least, {kFloat16.format, Mode::nearest_even, false, Overflow::clamp});
  for (double t : {0.5, 0.3, 0.7}) brute_force(t, Comparison::at_least, {format(FormatId::bfloat16)});
}

TEST(IntervalTest, TheIntervalOfOneHalf) {
  const RoundingInterval at_least = rounding_interval(0.5, Comparison::at_least, kFloat16);
  EXPECT_EQ(at_least.becomes_positive, (Interval{0.4998779296875, 0.5, true, false}));
  EXPECT_TRUE(at_least.becomes_negative.empty());
  // For >, scores just above 0.5 round down to it; the midpoint goes to the even neighbour, which is 0.5.
  const RoundingInterval above = rounding_interval(0.5, Comparison::above, kFloat16);
  EXPECT_TRUE(above.becomes_positive.empty());
  EXPECT_EQ(above.becomes_negative, (Interval{0.5, 0.500244140625, false, true}));
  // TF32 and float16 have the same lattice here; bfloat16's is 8 times as wide.
  EXPECT_EQ(rounding_interval(0.5, Comparison::at_least, {format(FormatId::tf32)}).becomes_positive,
            at_least.becomes_positive);
  EXPECT_EQ(rounding_interval(0.5, Comparison::at_least, {format(FormatId::bfloat16)}).becomes_positive,
            (Interval{0.4990234375, 0.5, true, false}));
}

TEST(IntervalTest, ThresholdsOffTheLattice) {
  // float16(0.3) = 0.300048828125 is above 0.3: scores from the midpoint below it up to 0.3 become positive.
  const RoundingInterval low = rounding_interval(0.3, Comparison::at_least, kFloat16);
  EXPECT_EQ(low.becomes_positive.high, 0.3);
  EXPECT_EQ(low.becomes_positive.low, (0.300048828125 + 0.2998046875) / 2);
  // The float32 nearest to 0.3 lies above 0.3 and changes nothing here.
  EXPECT_TRUE(low.becomes_negative.empty());
  EXPECT_TRUE(rounding_interval(0.3, Comparison::at_least, {format(FormatId::float64)}).empty());
  EXPECT_TRUE(rounding_interval(NAN, Comparison::at_least, kFloat16).empty());
}

}  // namespace
}  // namespace assay::num
