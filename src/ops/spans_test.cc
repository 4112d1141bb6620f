// Span kernels against their definitions, on every code path, at lengths around those of vectors.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "num/simd.h"
#include "ops/code_spans.h"
#include "ops/element_spans.h"
#include "ops/turn.h"

namespace assay::ops {
namespace {

class Spans : public ::testing::TestWithParam<num::Isa> {
 protected:
  void SetUp() override { ASSERT_TRUE(num::force_isa(GetParam()).ok()); }
  void TearDown() override { (void)num::force_isa(num::Isa::best); }
};
INSTANTIATE_TEST_SUITE_P(EveryIsa, Spans, ::testing::ValuesIn(num::available_isas()),
                         [](const auto& isa) { return std::string(num::isa_name(isa.param)); });

constexpr size_t kMost = 70;

std::vector<float> values() {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> all = {0.0F, -0.0F, 0.5F, 1.5F, 2.5F, -0.5F, -1.5F, 254.5F, 255.5F, 1e9F, -1e9F, inf, -inf, nan};
  for (size_t i = 0; all.size() < kMost; ++i) all.push_back(static_cast<float>(i) * 7.25F - 190);
  return all;
}

template <class Code>
Code code(float quotient, float zero) {
  if (std::isnan(quotient)) return 0;
  const double all = std::nearbyint(static_cast<double>(quotient)) + static_cast<double>(zero);
  return static_cast<Code>(std::clamp<double>(all, std::numeric_limits<Code>::min(), std::numeric_limits<Code>::max()));
}

template <class Code>
void check_codes() {
  const std::vector<float> quotients = values();
  for (const float zero : {-128.0F, 0.0F, 3.0F, 255.0F}) {
    for (size_t n = 0; n <= kMost; ++n) {
      std::vector<Code> out(n);
      codes_of(quotients.data(), zero, out.data(), n);
      for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], code<Code>(quotients[i], zero)) << quotients[i] << " + " << zero;
      std::vector<float> back(n);
      differences_of(out.data(), zero, back.data(), n);
      for (size_t i = 0; i < n; ++i) EXPECT_EQ(back[i], static_cast<float>(out[i]) - zero);
    }
  }
}

TEST_P(Spans, Codes) {
  check_codes<uint8_t>();
  check_codes<int8_t>();
}

TEST_P(Spans, RangesPassOverNans) {
  std::vector<float> x = values();
  std::erase_if(x, [](float v) { return std::isinf(v); });
  for (size_t n = 0; n <= x.size(); ++n) {
    float low = 0, high = 0, least = 0, most = 0;
    widen_range(x.data(), n, low, high);
    for (size_t i = 0; i < n; ++i) least = std::fmin(least, x[i]), most = std::fmax(most, x[i]);
    EXPECT_EQ(low, least);
    EXPECT_EQ(high, most);
  }
}

TEST_P(Spans, Int32AsFloat) {
  std::vector<int32_t> x(kMost);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<int32_t>(0x01234567U * (i + 1));
  std::vector<float> y(kMost);
  singles_of(x.data(), y.data(), kMost);
  for (size_t i = 0; i < kMost; ++i) EXPECT_EQ(y[i], static_cast<float>(x[i]));
}

TEST_P(Spans, Predicates) {
  const std::vector<float> x = values();
  std::vector<uint8_t> nans(kMost), high(kMost), both(kMost);
  nans_of(x.data(), kMost, nans.data());
  infinities_of(x.data(), kMost, true, false, high.data());
  infinities_of(x.data(), kMost, true, true, both.data());
  for (size_t i = 0; i < kMost; ++i) {
    EXPECT_EQ(nans[i], std::isnan(x[i]));
    EXPECT_EQ(high[i], std::isinf(x[i]) && x[i] > 0);
    EXPECT_EQ(both[i], std::isinf(x[i]));
  }
}

TEST_P(Spans, SignsAndThresholds) {
  const std::vector<float> x = values();
  std::vector<float> signs(kMost), above(kMost);
  signs_of(x.data(), kMost, signs.data());
  keep_above(x.data(), 1.5F, kMost, above.data());
  for (size_t i = 0; i < kMost; ++i) {
    if (std::isnan(x[i]))
      EXPECT_TRUE(std::isnan(signs[i]));
    else
      EXPECT_EQ(signs[i], static_cast<float>((x[i] > 0) - (x[i] < 0)));
    EXPECT_FALSE(std::signbit(signs[i]) && signs[i] == 0);
    EXPECT_EQ(above[i], x[i] > 1.5F ? x[i] : 0.0F);
  }
}

TEST_P(Spans, TermsAreAddedInOrder) {
  std::vector<float> a(kMost), b(kMost), c(kMost);
  for (size_t i = 0; i < kMost; ++i) {
    a[i] = 1e8F + static_cast<float>(i);
    b[i] = -1e8F;
    c[i] = static_cast<float>(i) / 3;
  }
  const float* terms[] = {a.data(), b.data(), c.data()};
  for (size_t n = 0; n <= kMost; ++n) {
    std::vector<float> y(n + 1, 42);
    add_terms(terms, 3, n, y.data());
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(y[i], a[i] + b[i] + c[i]);
    EXPECT_EQ(y[n], 42);
  }
}

template <class U>
void check_turned(size_t rows, size_t columns) {
  const size_t in_stride = columns + 3, out_stride = rows + 2;
  std::vector<U> in(rows * in_stride), out(columns * out_stride, U{0});
  std::iota(in.begin(), in.end(), U{1});
  turn(in.data(), static_cast<int64_t>(in_stride), out.data(), static_cast<int64_t>(out_stride), rows, columns);
  for (size_t j = 0; j < columns; ++j) {
    for (size_t i = 0; i < rows; ++i) ASSERT_EQ(out[j * out_stride + i], in[i * in_stride + j]) << rows << columns;
    for (size_t i = rows; i < out_stride; ++i) ASSERT_EQ(out[j * out_stride + i], 0);
  }
}

TEST_P(Spans, Turned) {
  for (const size_t rows : {0, 1, 3, 4, 15, 16, 17, 33, 70}) {
    for (const size_t columns : {1, 2, 8, 16, 19, 35}) {
      check_turned<uint8_t>(rows, columns);
      check_turned<uint16_t>(rows, columns);
      check_turned<uint32_t>(rows, columns);
      check_turned<uint64_t>(rows, columns);
    }
  }
}

}  // namespace
}  // namespace assay::ops
