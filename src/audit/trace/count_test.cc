#include "audit/trace/count.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "num/format.h"
#include "num/simd.h"

namespace assay::audit {
namespace {

using ir::ElemType;
using ir::Tensor;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();

Tensor floats(const std::vector<float>& values) {
  return Tensor::of<float>(ElemType::float32, {static_cast<int64_t>(values.size())}, values);
}

Tensor as(ElemType type, const Tensor& from) {
  Tensor to = Tensor::allocate(type, from.dims());
  for (int64_t i = 0; i < from.size(); ++i) to.set_float(i, from.float_at(i));
  return to;
}

/// Numbers of all sizes, some special; the second near the first.
std::pair<std::vector<float>, std::vector<float>> numbers(size_t n, bool special, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> exponent(-20, 15), kind(0, 40);
  std::normal_distribution<float> normal;
  std::vector<float> a(n), b(n);
  const float odd[] = {0.0F, -0.0F, kNan, kInf, -kInf, 1e-42F};
  for (size_t i = 0; i < n; ++i) {
    a[i] = std::ldexp(normal(random), exponent(random));
    b[i] = kind(random) == 0 ? a[i] : a[i] * (1 + normal(random) / 4096);
    if (const int k = kind(random); k < 2) a[i] = odd[k];  // zeros
    if (special && kind(random) < 6) a[i] = odd[static_cast<size_t>(kind(random)) % 6];
    if (special && kind(random) < 6) b[i] = odd[static_cast<size_t>(kind(random)) % 6];
  }
  return {a, b};
}

void expect_same(const Differences& a, const Differences& b) {
  EXPECT_EQ(a.elements, b.elements);
  EXPECT_EQ(a.equal, b.equal);
  EXPECT_EQ(a.nan_mismatches, b.nan_mismatches);
  EXPECT_EQ(a.infinite, b.infinite);
  EXPECT_EQ(a.reference_zeros, b.reference_zeros);
  EXPECT_EQ(a.max_abs, b.max_abs);
  EXPECT_EQ(a.max_rel, b.max_rel);
  EXPECT_EQ(a.max_ulp, b.max_ulp);
  EXPECT_EQ(a.ulp_type, b.ulp_type);
  EXPECT_EQ(a.worst.sample, b.worst.sample);
  EXPECT_EQ(a.worst.element, b.worst.element);
  EXPECT_EQ(a.worst.reference, b.worst.reference);
}

TEST(TraceCount, CountsWhatDifferencesCount) {
  for (const num::Isa isa : num::available_isas()) {
    ASSERT_TRUE(num::force_isa(isa).ok());
    for (const ElemType ra : {ElemType::float32, ElemType::float16, ElemType::float64})
      for (const ElemType rb : {ElemType::float32, ElemType::bfloat16, ElemType::float16, ElemType::float64})
        for (const size_t n : {1, 15, 16, 17, 1024, 1025, 5000})
          for (const bool special : {false, true}) {
            const auto [a, b] = numbers(n, special, static_cast<uint32_t>(n));
            const Tensor r = as(ra, floats(a)), c = as(rb, floats(b));
            Differences wanted;
            Distance got;
            const auto half = static_cast<int64_t>(n / 2);
            wanted.add(r, c, half, half, static_cast<int64_t>(n) - half, 7);
            wanted.add(r, c, 0, 0, half, 3);
            add_distance(got, r, c, half, static_cast<int64_t>(n) - half, 7);
            add_distance(got, r, c, 0, half, 3);
            SCOPED_TRACE(testing::Message() << static_cast<int>(ra) << " " << static_cast<int>(rb) << " " << n);
            expect_same(got.values, wanted);
          }
  }
  ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
}

TEST(TraceCount, ReadingOnceCountsTheSame) {
  const Ends ends{65504, num::min_normal(num::format(num::FormatId::float16)), 0, 0};
  for (const ElemType type : {ElemType::float32, ElemType::float16, ElemType::float64})
    for (const size_t n : {1, 16, 1030, 4000}) {
      const auto [a, b] = numbers(n, true, static_cast<uint32_t>(n) + 1);
      const Tensor r = floats(a), c = as(type, floats(b));
      Distance apart, both;
      Range alone, beside;
      add_distance(apart, r, c, 0, r.size(), 2);
      const SampleKind one = add_range(alone, c, 0, r.size(), 2, ends);
      const SampleKind two = add_compared(both, beside, r, c, 0, r.size(), 2, ends);
      expect_same(both.values, apart.values);
      EXPECT_EQ(one.nan, two.nan);
      EXPECT_EQ(alone.zeros, beside.zeros);
      EXPECT_EQ(alone.saturated, beside.saturated);
      EXPECT_EQ(alone.subnormals, beside.subnormals);
      EXPECT_EQ(alone.largest, beside.largest);
      EXPECT_EQ(alone.smallest, beside.smallest);
    }
}

TEST(TraceCount, SignalToNoiseIsTheSameBitsOnEveryPath) {
  const auto [a, b] = numbers(3000, false, 1);
  const Tensor r = floats(a), c = as(ElemType::bfloat16, floats(b));
  std::vector<double> worst;
  for (const num::Isa isa : num::available_isas()) {
    ASSERT_TRUE(num::force_isa(isa).ok());
    Distance d;
    add_distance(d, r, c, 0, r.size(), 0);
    worst.push_back(d.snr.worst);
  }
  ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
  for (const double each : worst) EXPECT_EQ(each, worst[0]);
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < r.size(); ++i) {
    signal += r.float_at(i) * r.float_at(i);
    noise += std::pow(c.float_at(i) - r.float_at(i), 2);
  }
  EXPECT_NEAR(worst[0], 10 * std::log10(signal / noise), 1e-9);
}

TEST(TraceCount, SnrNamesTheLowestSampleOfTheWorst) {
  Snr a, b;
  a.add(100, 1, 5);
  a.add(100, 0, 6);
  b.add(100, 1, 2);
  b.add(kNan, kNan, 3);
  a.merge(b);
  EXPECT_EQ(a.worst, 20);
  EXPECT_EQ(a.worst_sample, 2);
  EXPECT_EQ(a.exact, 1U);
  EXPECT_EQ(a.undefined, 1U);
}

TEST(TraceCount, RangesOfEveryTypeAndPath) {
  const double least = num::min_normal(num::format(num::FormatId::float16));
  const Ends ends{65504, least, 0, 1};
  std::vector<float> values(1500, 0.5F);
  values[0] = 0;
  values[3] = 1;
  values[100] = -65504;
  values[700] = 1e-5F;
  values[1400] = -kInf;
  values[1401] = kNan;
  for (const num::Isa isa : num::available_isas()) {
    ASSERT_TRUE(num::force_isa(isa).ok());
    for (const ElemType type : {ElemType::float32, ElemType::float16, ElemType::float64}) {
      Range range;
      const Tensor t = as(type, floats(values));
      const SampleKind kind = add_range(range, t, 0, t.size(), 4, ends);
      EXPECT_TRUE(kind.nan && kind.infinite && !kind.all_nan && !kind.all_zero);
      EXPECT_EQ(range.elements, 1500U);
      EXPECT_EQ(range.zeros, 1U);
      EXPECT_EQ(range.saturated, 3U);  // 0, 1 and the largest
      EXPECT_EQ(range.subnormals, 1U);
      EXPECT_EQ(range.infinities, 1U);
      EXPECT_EQ(range.nans, 1U);
      EXPECT_EQ(range.largest, 65504);
      EXPECT_EQ(range.smallest, t.float_at(700));
      EXPECT_EQ(range.first_non_finite, 4);
      EXPECT_EQ(range.first_all_zero, -1);
    }
  }
  ASSERT_TRUE(num::force_isa(num::Isa::best).ok());
  Range range;
  EXPECT_TRUE(add_range(range, floats({0, -0.0F}), 0, 2, 9, ends).all_zero);
  EXPECT_EQ(range.first_all_zero, 9);
  EXPECT_EQ(range.smallest, 0);
}

}  // namespace
}  // namespace assay::audit
