#include "audit/decision/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace assay::audit {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class ScoreBounds : public testing::TestWithParam<const char*> {};

// Points within random intervals, corners among them: whatever a score makes of them lies within its bounds.
TEST_P(ScoreBounds, HoldWhatTheScoreCanBe) {
  const std::string names[] = {"a", "b"};
  const auto score = Score::parse(GetParam(), names);
  ASSERT_TRUE(score.ok() && score->bounded());
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> unit(0, 1);
  std::normal_distribution<double> normal;
  for (int round = 0; round < 300; ++round) {
    const double scale = std::pow(10.0, round % 5 - 1), width = std::pow(10.0, -(round % 7)) * scale;
    std::vector<SampleValue> low(2), high(2);
    for (size_t i = 0; i < 2; ++i) {
      low[i].dims = high[i].dims = {3, 4};
      for (int k = 0; k < 12; ++k) {
        low[i].values.push_back(normal(random) * scale);
        high[i].values.push_back(low[i].values.back() + unit(random) * width);
      }
    }
    const auto ends = score->bounds(low, high);
    ASSERT_TRUE(ends.ok());
    for (int point = 0; point < 20; ++point) {
      std::vector<SampleValue> at = low;
      for (size_t i = 0; i < 2; ++i)
        for (size_t k = 0; k < 12; ++k) {
          const double share = point < 10 ? std::round(unit(random)) : unit(random);
          at[i].values[k] =
              std::min(high[i].values[k], low[i].values[k] + share * (high[i].values[k] - low[i].values[k]));
        }
      const auto value = score->evaluate(at);
      ASSERT_TRUE(value.ok());
      ASSERT_EQ(value->dims, ends->low.dims);
      for (size_t k = 0; k < value->values.size(); ++k) {
        EXPECT_LE(ends->low.values[k], value->values[k]) << round;
        EXPECT_GE(ends->high.values[k], value->values[k]) << round;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Expressions, ScoreBounds,
                         testing::Values("a", "sigmoid(a)", "softmax(a)", "index(softmax(a), 1, 2)", "max(a, b)",
                                         "sum(softmax(a), b)", "mean(min(a, b), sigmoid(b))", "softmax(transpose(a))",
                                         "columns(softmax(a), 1, 3)", "softmax(softmax(b))",
                                         "min(softmax(a), sigmoid(b))"));

TEST(Score, BoundsOfSharesAreTightAndKeepToTheirRange) {
  const std::string names[] = {"a"};
  const Score score = *Score::parse("softmax(a)", names);
  const SampleValue low[] = {{{2}, {0, 1}}}, high[] = {{{2}, {0, 1}}};
  const auto point = *score.bounds(low, high);
  const double share = 1 / (1 + std::exp(1.0));
  EXPECT_NEAR(point.low.values[0], share, 1e-11);
  EXPECT_NEAR(point.high.values[0], share, 1e-11);
  const SampleValue wide_low[] = {{{2}, {-900, -900}}}, wide_high[] = {{{2}, {900, 900}}};
  const auto wide = *score.bounds(wide_low, wide_high);
  EXPECT_EQ(wide.low.values[0], 0);
  EXPECT_NEAR(wide.high.values[0], 1, 1e-11);
}

TEST(Score, WhereNothingIsKnownOfAnOutputNothingIsKnownOfItsShares) {
  const std::string names[] = {"a"};
  const SampleValue low[] = {{{2}, {-kInfinity, 1}}}, high[] = {{{2}, {kInfinity, 1}}};
  const auto ends = *Score::parse("softmax(a)", names)->bounds(low, high);
  EXPECT_FALSE(std::isfinite(ends.high.values[0]));
}

TEST(Score, WhatMayBeNoNumberStaysSoInEveryFunction) {
  const std::string names[] = {"a", "b"};
  const SampleValue low[] = {{{2}, {-kInfinity, 1}}, {{2}, {0, 1e308}}},
                    high[] = {{{2}, {kInfinity, 1}}, {{2}, {0, 1.2e308}}};
  for (const char* text : {"a", "sigmoid(a)", "max(sigmoid(a))", "min(sigmoid(a), sigmoid(b))", "mean(softmax(a))",
                           "index(sigmoid(a), 0)", "max(a, b)", "sigmoid(sum(b, b))", "softmax(sum(b, b))"}) {
    const auto ends = *Score::parse(text, names)->bounds(low, high);
    EXPECT_TRUE(std::isnan(ends.low.values[0])) << text;
    EXPECT_TRUE(std::isnan(ends.high.values[0])) << text;
  }
  const auto other = *Score::parse("index(sigmoid(a), 1)", names)->bounds(low, high);
  EXPECT_TRUE(std::isfinite(other.low.values[0]) && std::isfinite(other.high.values[0]));
}

TEST(Score, DetectionsHaveNoBounds) {
  const std::string names[] = {"a", "b"};
  EXPECT_FALSE(Score::parse("max(detections(a, b))", names)->bounded());
}

}  // namespace
}  // namespace assay::audit
