// Formats against independent implementations: every code of every format up to 16 bits, every float near a boundary,
// random values of any (exponent, significand) pair against MPFR.
#include "num/format.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "num/mpfr_round.h"

namespace assay::num {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr FormatId kAll[] = {
    FormatId::float64,        FormatId::float32,      FormatId::tf32,           FormatId::bfloat16,
    FormatId::float16,        FormatId::float8e4m3fn, FormatId::float8e4m3fnuz, FormatId::float8e5m2,
    FormatId::float8e5m2fnuz, FormatId::float8e8m0,   FormatId::float4e2m1,
};

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

double random_double(std::mt19937_64& random, int low, int high) {
  const auto exponent = low + static_cast<int>(random() % static_cast<uint64_t>(high - low + 1));
  const double size = std::ldexp(1 + static_cast<double>(random() >> 12) * 0x1p-52, exponent);
  return (random() & 1) != 0 ? -size : size;
}

TEST(FormatTest, PropertiesAreThoseOfTheTable) {
  struct Row {
    FormatId id;
    int width;
    double max, normal, subnormal;
  };
  const Row rows[] = {
      {FormatId::float64, 64, 0x1.fffffffffffffp1023, 0x1p-1022, 0x1p-1074},
      {FormatId::float32, 32, 0x1.fffffep127, 0x1p-126, 0x1p-149},
      {FormatId::tf32, 19, (2 - 0x1p-10) * 0x1p127, 0x1p-126, 0x1p-136},
      {FormatId::bfloat16, 16, 0x1.fep127, 0x1p-126, 0x1p-133},
      {FormatId::float16, 16, 65504, 0x1p-14, 0x1p-24},
      {FormatId::float8e4m3fn, 8, 448, 0x1p-6, 0x1p-9},
      {FormatId::float8e4m3fnuz, 8, 240, 0x1p-7, 0x1p-10},
      {FormatId::float8e5m2, 8, 57344, 0x1p-14, 0x1p-16},
      {FormatId::float8e5m2fnuz, 8, 57344, 0x1p-15, 0x1p-17},
      {FormatId::float8e8m0, 8, 0x1p127, 0x1p-127, 0x1p-127},
      {FormatId::float4e2m1, 4, 6, 1, 0.5},
  };
  for (const Row& row : rows) {
    const Format& f = format(row.id);
    EXPECT_EQ(f.width(), row.width) << f.name;
    EXPECT_EQ(max_finite(f), row.max) << f.name;
    EXPECT_EQ(min_normal(f), row.normal) << f.name;
    EXPECT_EQ(min_subnormal(f), row.subnormal) << f.name;
    EXPECT_EQ(format_named(f.name), row.id);
  }
  EXPECT_EQ(std::size(rows), std::size(kAll));
  EXPECT_FALSE(format_named("float12").has_value());
  EXPECT_EQ(max_finite(ieee_like(5, 10)), 65504);
}

TEST(FormatTest, EveryCodeUpTo19BitsRoundTrips) {
  for (FormatId id : kAll) {
    const Format& f = format(id);
    if (f.width() > 19) continue;
    for (uint64_t bits = 0; bits < uint64_t{1} << f.width(); ++bits) {
      const double value = decode(bits, f);
      EXPECT_TRUE(same(round(value, {f}), value)) << f.name << " " << bits;
      EXPECT_TRUE(representable(value, f)) << f.name << " " << bits;
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(decode(encode(value, f), f)));
      } else {
        ASSERT_EQ(encode(value, f), bits) << f.name;
      }
    }
  }
}

TEST(FormatTest, NeighboursAreTheAdjacentCodes) {
  for (FormatId id : kAll) {
    const Format& f = format(id);
    if (f.width() > 16) continue;
    const uint64_t sign = f.has_sign ? uint64_t{1} << (f.width() - 1) : 0;
    const uint64_t codes = f.has_sign ? sign : uint64_t{1} << f.width();
    for (uint64_t bits = 0; bits + 1 < codes; ++bits) {
      const double low = decode(bits, f), high = decode(bits + 1, f);
      if (std::isnan(low) || std::isnan(high)) continue;
      ASSERT_EQ(next_up(low, f), high) << f.name;
      ASSERT_EQ(next_down(high, f), low) << f.name;
      if (!f.has_sign) continue;
      ASSERT_EQ(next_down(-low, f), -high) << f.name;
      ASSERT_TRUE(same(next_up(-high, f), low == 0 && f.specials == Specials::fnuz ? 0.0 : -low)) << f.name;
    }
    EXPECT_EQ(next_up(max_finite(f), f), kInfinity);
    EXPECT_EQ(next_down(kInfinity, f), max_finite(f));
  }
  const Format& wide = format(FormatId::float64);
  EXPECT_EQ(next_up(0.0, wide), 0x1p-1074);
  EXPECT_EQ(next_down(0.0, wide), -0x1p-1074);
  EXPECT_EQ(next_up(1.0, wide), std::nextafter(1.0, 2.0));
  EXPECT_EQ(next_down(1.0, wide), std::nextafter(1.0, 0.0));
}

/// All four modes follow from the two neighbours on the lattice; the lattice comes from decoding every code.
TEST(FormatTest, EveryModeChoosesTheRightNeighbour) {
  std::mt19937_64 random(3);
  for (FormatId id : kAll) {
    const Format& f = format(id);
    if (f.width() > 16) continue;
    const uint64_t sign = f.has_sign ? uint64_t{1} << (f.width() - 1) : uint64_t{1} << f.width();
    for (uint64_t bits = 0; bits + 1 < sign; ++bits) {
      const double low = decode(bits, f), high = decode(bits + 1, f);
      if (!std::isfinite(low) || !std::isfinite(high)) continue;
      const double middle = low + (high - low) / 2;
      const bool low_even = bits % 2 == 0 && f.significand_bits > 0;  // a lone hidden bit is odd
      const double even = low_even ? low : high, odd = low_even ? high : low;
      const double inside = low + (high - low) * (0.25 + 0.5 * static_cast<double>(random() >> 11) * 0x1p-53);
      struct Case {
        double value, nearest_even, nearest_away;
      };
      for (const Case& c : {Case{middle, even, high}, Case{std::nextafter(middle, low), low, low},
                            Case{std::nextafter(middle, high), high, high}, Case{std::nextafter(low, high), low, low},
                            Case{std::nextafter(high, low), high, high},
                            Case{inside,
                                 inside < middle   ? low
                                 : inside > middle ? high
                                                   : even,
                                 inside < middle ? low : high}}) {
        ASSERT_EQ(round(c.value, {f, Mode::nearest_even}), c.nearest_even) << f.name << " " << c.value;
        ASSERT_EQ(round(c.value, {f, Mode::nearest_away}), c.nearest_away) << f.name << " " << c.value;
        ASSERT_EQ(round(c.value, {f, Mode::toward_zero}), low) << f.name << " " << c.value;
        ASSERT_EQ(round(c.value, {f, Mode::to_odd}), odd) << f.name << " " << c.value;
        if (f.has_sign && c.nearest_even != 0) {
          ASSERT_EQ(round(-c.value, {f}), -c.nearest_even) << f.name << " " << c.value;
        }
      }
    }
  }
}

TEST(FormatTest, OverflowAndLimits) {
  const Format& f16 = format(FormatId::float16);
  EXPECT_EQ(round(65519.99, {f16}), 65504);
  EXPECT_EQ(round(65520, {f16}), kInfinity);
  EXPECT_EQ(round(-65520, {f16}), -kInfinity);
  EXPECT_EQ(round(1e9, {f16, Mode::toward_zero}), 65504);
  EXPECT_EQ(round(1e9, {f16, Mode::to_odd}), 65504);
  EXPECT_EQ(round(65520, {f16, Mode::nearest_away}), kInfinity);
  EXPECT_EQ(round(kInfinity, {f16, Mode::toward_zero}), kInfinity);
  EXPECT_EQ(round(1e9, {f16, Mode::nearest_even, false, Overflow::clamp}), 65504);
  EXPECT_EQ(round(-kInfinity, {f16, Mode::nearest_even, false, Overflow::clamp}), -65504);
  // The Neural Engine's matrix products: 32752 passes, what rounds to 32768 does not.
  const Rounding limited{f16, Mode::nearest_even, false, Overflow::infinity, 32768};
  EXPECT_EQ(round(32752, limited), 32752);
  EXPECT_EQ(round(32759.9, limited), 32752);
  EXPECT_EQ(round(32760, limited), kInfinity);
  EXPECT_EQ(round(-32768, limited), -kInfinity);
  EXPECT_EQ(round(1e9, {f16, Mode::nearest_even, false, Overflow::clamp, 32768}), 32752);
  const Format& e4m3 = format(FormatId::float8e4m3fn);
  EXPECT_EQ(round(464, {e4m3}), 448);
  EXPECT_TRUE(std::isnan(round(464.001, {e4m3})));
  EXPECT_TRUE(std::isnan(round(kInfinity, {e4m3})));
  EXPECT_EQ(round(kInfinity, {e4m3, Mode::nearest_even, false, Overflow::clamp}), 448);
  EXPECT_TRUE(std::isnan(round(-1, {format(FormatId::float8e8m0)})));
  const Format& scale = format(FormatId::float8e8m0);
  EXPECT_EQ(round(12, {scale}), 16);  // the hidden bit alone is odd: ties go up
  EXPECT_EQ(round(6, {scale}), 8);
  EXPECT_EQ(round(0.0, {scale}), 0x1p-127);  // no zero
}

TEST(FormatTest, FlushedSubnormalsKeepTheirSign) {
  const Rounding flushing{format(FormatId::float16), Mode::nearest_even, true};
  EXPECT_TRUE(same(round(0x1p-15, flushing), 0.0));
  EXPECT_TRUE(same(round(-0x1.ff8p-15, flushing), -0.0));
  EXPECT_EQ(round(0x1.ffcp-15, flushing), 0x1p-14);  // rounds to the smallest normal
  EXPECT_EQ(round(0x1p-14, flushing), 0x1p-14);
  EXPECT_TRUE(same(round(-0.0, {format(FormatId::float8e4m3fnuz)}), 0.0));
}

TEST(FormatTest, AnyPairAgreesWithMpfr) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 1000000; ++i) {
    const int e = 2 + static_cast<int>(random() % 10), s = 1 + static_cast<int>(random() % 52);
    const Format f = ieee_like(e, s);
    const int range = 1 << (e - 1);
    const double value = random_double(random, std::max(-1022, -range - s - 2), std::min(1023, range + 1));
    const bool nearest = i % 4 != 0;
    const double want = testing::mpfr_fma_round(value, 1, -0.0, e, s, nearest ? MPFR_RNDN : MPFR_RNDZ);
    const double got = round(value, {f, nearest ? Mode::nearest_even : Mode::toward_zero});
    ASSERT_TRUE(same(got, want)) << e << "/" << s << " " << std::hexfloat << value;
    ASSERT_TRUE(same(decode(encode(got, f), f), got)) << e << "/" << s << " " << std::hexfloat << value;
  }
}

TEST(FormatTest, Float32IsTheConversionOfTheMachine) {
  std::mt19937_64 random(12);
  const Rounding rounding{format(FormatId::float32)};
  for (int i = 0; i < 10000000; ++i) {
    const double value = i % 2 == 0 ? std::bit_cast<double>(random()) : random_double(random, -152, 129);
    ASSERT_TRUE(same(round(value, rounding), static_cast<double>(static_cast<float>(value)))) << std::hexfloat << value;
  }
}

TEST(FormatTest, SixteenBitConversionsAgreeWithTheDefinition) {
  std::mt19937_64 random(13);
  const Format &f16 = format(FormatId::float16), &bf16 = format(FormatId::bfloat16);
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto code = static_cast<uint16_t>(bits);
    EXPECT_TRUE(same(static_cast<double>(float16_value(code)), decode(bits, f16)) || std::isnan(decode(bits, f16)));
    EXPECT_TRUE(same(static_cast<double>(bfloat16_value(code)), decode(bits, bf16)) || std::isnan(decode(bits, bf16)));
  }
  const auto check = [&](float value) {
    const auto wide = static_cast<double>(value);
    ASSERT_EQ(float16_bits(value), encode(round(wide, {f16}), f16)) << std::hexfloat << value;
    ASSERT_EQ(bfloat16_bits(value), encode(round(wide, {bf16}), bf16)) << std::hexfloat << value;
    ASSERT_EQ(float16_bits(wide), float16_bits(value));
    ASSERT_EQ(bfloat16_bits(wide), bfloat16_bits(value));
  };
  for (uint32_t bits = 0; bits < 0x8000; ++bits) {  // every float16 boundary and its float32 neighbours
    const float low = float16_value(static_cast<uint16_t>(bits)), high = float16_value(static_cast<uint16_t>(bits + 1));
    if (!std::isfinite(low) || !std::isfinite(high)) continue;
    const float middle = (low + high) / 2;
    for (float v : {middle, std::nextafter(middle, low), std::nextafter(middle, high)}) check(v), check(-v);
  }
  for (int i = 0; i < 1000000; ++i) check(std::bit_cast<float>(static_cast<uint32_t>(random())));
  for (int i = 0; i < 1000000; ++i) {  // doubles: one rounding, not two
    const double value = random_double(random, -28, 17);
    const double near = static_cast<double>(static_cast<float>(value)) * (1 + (i % 3 - 1) * 0x1p-40);
    for (double v : {value, near}) {
      ASSERT_EQ(float16_bits(v), encode(round(v, {f16}), f16)) << std::hexfloat << v;
      ASSERT_EQ(bfloat16_bits(v), encode(round(v, {bf16}), bf16)) << std::hexfloat << v;
    }
  }
}

}  // namespace
}  // namespace assay::num
