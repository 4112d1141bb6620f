// Rounding in bulk on every code path against the definition, and fused multiply-adds against MPFR.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "num/format.h"
#include "num/mpfr_round.h"
#include "num/round_plan.h"
#include "num/simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace assay::num {
namespace {

class RoundTest : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(force_isa(Isa::best).ok()); }
};

/// Values around everything that a format of few bits does: every boundary of 12-bit significands, any bit pattern.
std::vector<float> inputs(size_t n) {
  std::mt19937_64 random(21);
  std::vector<float> x;
  for (float v : {0.0f,     65504.0f,      65519.0f,    65520.0f,    32752.0f,  32760.0f,  32768.0f, 448.0f,
                  464.0f,   465.0f,        480.0f,      57344.0f,    61440.0f,  240.0f,    248.0f,   6.0f,
                  7.0f,     3.4028235e38f, 0x1.fep127f, 0x1.ffp127f, 0x1p-126f, 0x1p-149f, 0x1p-14f, 0x1p-24f,
                  0x1p-25f, 0x1.8p-25f,    0x1p-133f,   0x1p-134f,   INFINITY,  NAN}) {
    x.push_back(v);
    x.push_back(-v);
  }
  while (x.size() < n) {
    const auto bits = static_cast<uint32_t>(random());
    switch (x.size() % 4) {
      case 0:
        x.push_back(std::bit_cast<float>(bits));
        break;
      case 1:  // ties of 10, 7, 3 and 2 bits, and one step beside them
        x.push_back(std::bit_cast<float>((bits & 0xfffff000u) + (bits & 1u) - ((bits >> 1) & 1u)));
        break;
      case 2:  // float16's and float8's range
        x.push_back(std::ldexp(static_cast<float>(bits), static_cast<int>(random() % 44) - 60));
        break;
      default:
        x.push_back(std::bit_cast<float>((bits & 0xfff00000u) + (bits & 1u) - ((bits >> 1) & 1u)));
    }
  }
  return x;
}

std::vector<Rounding> roundings() {
  std::vector<Rounding> all;
  for (FormatId id : {FormatId::float64, FormatId::float32, FormatId::tf32, FormatId::bfloat16, FormatId::float16,
                      FormatId::float8e4m3fn, FormatId::float8e4m3fnuz, FormatId::float8e5m2, FormatId::float8e5m2fnuz,
                      FormatId::float8e8m0, FormatId::float4e2m1}) {
    for (Mode mode : {Mode::nearest_even, Mode::nearest_away, Mode::toward_zero, Mode::to_odd}) {
      for (bool flush : {false, true}) {
        for (Overflow overflow : {Overflow::infinity, Overflow::clamp})
          all.push_back({format(id), mode, flush, overflow});
      }
    }
  }
  all.push_back({format(FormatId::float16), Mode::nearest_even, false, Overflow::infinity, 32768});
  all.push_back({format(FormatId::float16), Mode::nearest_even, true, Overflow::clamp, 32768});
  all.push_back({ieee_like(6, 9)});
  all.push_back({ieee_like(9, 12), Mode::toward_zero});
  all.push_back({ieee_like(11, 20)});
  all.push_back({ieee_like(2, 1)});
  return all;
}

bool same(float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); }

float defined(float x, const Rounding& r) {
  const double y = round(static_cast<double>(x), r);
  return std::isnan(y) ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(y);
}

TEST_F(RoundTest, BulkRoundingIsTheDefinitionOnEveryPath) {
  const auto x = inputs(30003);
  for (const Rounding& r : roundings()) {
    std::vector<float> want(x.size());
    for (size_t i = 0; i < x.size(); ++i) want[i] = defined(x[i], r);
    for (Isa isa : available_isas()) {
      ASSERT_TRUE(force_isa(isa).ok());
      auto y = x;
      round_in_place(y.data(), y.size(), r);
      for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_TRUE(same(y[i], want[i])) << r.format.name << " mode " << static_cast<int>(r.mode) << " "
                                         << isa_name(isa) << " " << std::hexfloat << x[i] << ": " << y[i] << ", not "
                                         << want[i];
        if (isa == Isa::scalar) {
          ASSERT_TRUE(same(round_float(x[i], r), want[i])) << r.format.name << " " << x[i];
        }
      }
    }
  }
}

TEST_F(RoundTest, BulkRoundingOfDoublesIsTheDefinitionOnEveryPath) {
  std::mt19937_64 random(22);
  std::vector<double> x;
  for (float v : inputs(6000)) {  // floats, and doubles just beside them: ties are broken by what float32 cannot hold
    const auto wide = static_cast<double>(v);
    x.push_back(wide);
    x.push_back(std::nextafter(wide, -INFINITY));
    x.push_back(std::nextafter(wide, INFINITY));
    x.push_back(wide * (1 + 0x1p-30));
  }
  for (int i = 0; i < 10000; ++i) x.push_back(std::bit_cast<double>(random()));
  for (double v : {0x1p128, 0x1.fffffefp127, 0x1.ffffffp127, 1e300, 0x1p-150, 0x1.8p-150, 0x1p-1074}) x.push_back(v);
  for (const Rounding& r : roundings()) {
    for (Isa isa : available_isas()) {
      ASSERT_TRUE(force_isa(isa).ok());
      auto y = x;
      round_in_place(y.data(), y.size(), r);
      for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_EQ(std::bit_cast<uint64_t>(y[i]), std::bit_cast<uint64_t>(round(x[i], r)))
            << r.format.name << " mode " << static_cast<int>(r.mode) << " " << isa_name(isa) << " " << std::hexfloat
            << x[i] << ": " << y[i] << ", not " << round(x[i], r);
      }
    }
  }
}

TEST_F(RoundTest, BulkFusedFormsAreTheScalarOneOnEveryPath) {
  std::mt19937_64 random(23);
  auto a = inputs(8003), b = a, c = a;
  std::shuffle(b.begin(), b.end(), random);
  std::shuffle(c.begin(), c.end(), random);
  for (size_t i = 0; i < a.size(); ++i) {
    if (i % 2 == 0) {  // narrow factors of ordinary size: ties and near ties
      a[i] = float16_value(static_cast<uint16_t>(0x3800 + random() % 0x800));
      b[i] = float16_value(static_cast<uint16_t>(0x3800 + random() % 0x800));
      c[i] = float16_value(static_cast<uint16_t>(random() % 0x1000));
    } else if (i % 8 == 1) {
      c[i] = -a[i] * b[i];
    }
  }
  for (const Rounding& r : roundings()) {
    if (r.format.significand_bits > 23) continue;  // the results are float32
    std::vector<float> want(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      want[i] = static_cast<float>(
          fma_round(static_cast<double>(a[i]), static_cast<double>(b[i]), static_cast<double>(c[i]), r));
      if (std::isnan(want[i])) want[i] = std::numeric_limits<float>::quiet_NaN();
    }
    for (Isa isa : available_isas()) {
      ASSERT_TRUE(force_isa(isa).ok());
      std::vector<float> got(a.size());
      fma_round(a.data(), b.data(), c.data(), got.data(), a.size(), r);
      for (size_t i = 0; i < a.size(); ++i) {
        ASSERT_TRUE(same(got[i], want[i]))
            << r.format.name << " mode " << static_cast<int>(r.mode) << " " << isa_name(isa) << " " << std::hexfloat
            << a[i] << " * " << b[i] << " + " << c[i] << ": " << got[i] << ", not " << want[i];
      }
    }
  }
}

TEST_F(RoundTest, CommonRoundingsTakeTheShortPaths) {
  EXPECT_EQ(make_plan({format(FormatId::float16)}).kind, RoundPlan::Kind::float16);
  EXPECT_EQ(make_plan({format(FormatId::bfloat16)}).kind, RoundPlan::Kind::bfloat16);
  EXPECT_EQ(make_plan({format(FormatId::tf32)}).kind, RoundPlan::Kind::tf32);
  EXPECT_EQ(make_plan({format(FormatId::float32)}).kind, RoundPlan::Kind::identity);
  EXPECT_EQ(make_plan({format(FormatId::tf32), Mode::toward_zero}).kind, RoundPlan::Kind::integers);
  EXPECT_EQ(make_plan({format(FormatId::float8e8m0)}).kind, RoundPlan::Kind::scalar);
}

TEST_F(RoundTest, BulkStorageIsTheScalarOneOnEveryPath) {
  const auto x = inputs(200003);
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    std::vector<uint16_t> a(x.size()), b(x.size());
    to_float16(x.data(), a.data(), x.size());
    to_bfloat16(x.data(), b.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      ASSERT_EQ(a[i], float16_bits(x[i])) << isa_name(isa) << " " << std::hexfloat << x[i];
      ASSERT_EQ(b[i], bfloat16_bits(x[i])) << isa_name(isa) << " " << std::hexfloat << x[i];
    }
    std::vector<float> f(halves.size());
    from_float16(halves.data(), f.data(), f.size());
    for (size_t i = 0; i < f.size(); ++i)
      ASSERT_TRUE(same(f[i], float16_value(halves[i]))) << isa_name(isa) << " " << i;
    from_bfloat16(halves.data(), f.data(), f.size());
    for (size_t i = 0; i < f.size(); ++i)
      ASSERT_TRUE(same(f[i], bfloat16_value(halves[i]))) << isa_name(isa) << " " << i;
  }
}

TEST_F(RoundTest, BulkTouchesNothingBeyondItsEnd) {
  const auto x = inputs(64);
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    for (size_t n = 0; n <= 40; ++n) {
      std::vector<uint16_t> h(n + 1, 0xabcd);
      to_float16(x.data(), h.data(), n);
      EXPECT_EQ(h[n], 0xabcd);
      std::vector<float> f(n + 1, 42.0f);
      from_bfloat16(h.data(), f.data(), n);
      EXPECT_EQ(f[n], 42.0f);
      round_in_place(f.data(), n, {format(FormatId::float16)});
      EXPECT_EQ(f[n], 42.0f);
    }
  }
}

// Published witnesses: one rounding, and what float32 first would give (hardware with AVX512-FP16 agrees with the
// first).
struct Witness {
  uint16_t a, b, c, once, twice;
};
constexpr Witness kWitnesses[] = {
    {0x3b81, 0x3c52, 0x056f, 0x3c0d, 0x3c0e},
    {0x3bc1, 0x40e5, 0x05b1, 0x40bf, 0x40be},
    {0x3d18, 0x3b99, 0x0541, 0x3cd7, 0x3cd6},
};

TEST_F(RoundTest, FusedFloat16RoundsOnce) {
  for (const Witness& w : kWitnesses) {
    const float a = float16_value(w.a), b = float16_value(w.b), c = float16_value(w.c);
    EXPECT_EQ(float16_bits(fma_float16(a, b, c)), w.once);
    EXPECT_EQ(float16_bits(std::fma(a, b, c)), w.twice);
    EXPECT_EQ(encode(fma_round(a, b, c, {format(FormatId::float16)}), format(FormatId::float16)), w.once);
  }
}

template <class Fma, class Value>
void check_fma(int exponent_bits, int significand_bits, Fma fused, Value value) {
  std::mt19937_64 random(31);
  const Format f = ieee_like(exponent_bits, significand_bits);
  size_t double_rounded = 0;
  for (int i = 0; i < 1000000; ++i) {
    const uint64_t bits = random();
    float a = value(static_cast<uint16_t>(bits)), b = value(static_cast<uint16_t>(bits >> 16));
    float c = value(static_cast<uint16_t>(bits >> 32));
    if (!std::isfinite(a) || !std::isfinite(b) || !std::isfinite(c)) continue;
    if (i % 2 == 0) {  // products near 1 with a small addend: where rounding twice goes wrong
      a = std::ldexp(std::frexp(a, &exponent_bits), 1);
      b = std::ldexp(std::frexp(b, &exponent_bits), 1);
      exponent_bits = f.exponent_bits;
    }
    const double want = testing::mpfr_fma_round(static_cast<double>(a), static_cast<double>(b), static_cast<double>(c),
                                                exponent_bits, significand_bits, MPFR_RNDN);
    const auto got = static_cast<double>(fused(a, b, c));
    if (want == 0 && got == 0) continue;  // the sign of an exact zero is checked apart
    ASSERT_EQ(got, want) << std::hexfloat << a << " " << b << " " << c;
    double_rounded += static_cast<double>(round_float(std::fma(a, b, c), {f})) != want ? 1 : 0;
  }
  EXPECT_GT(double_rounded, 10u);  // the trap is met
}
TEST_F(RoundTest, FusedFloat16AgreesWithMpfr) { check_fma(5, 10, fma_float16, float16_value); }
TEST_F(RoundTest, FusedBfloat16AgreesWithMpfr) { check_fma(8, 7, fma_bfloat16, bfloat16_value); }

TEST_F(RoundTest, FusedFormsKeepSpecialValuesAndZeros) {
  EXPECT_TRUE(std::signbit(fma_float16(-0.0f, 1.0f, -0.0f)));
  EXPECT_FALSE(std::signbit(fma_float16(1.0f, 1.0f, -1.0f)));
  EXPECT_TRUE(std::isnan(fma_float16(INFINITY, 0.0f, 1.0f)));
  EXPECT_TRUE(std::isnan(fma_float16(INFINITY, 1.0f, -INFINITY)));
  EXPECT_EQ(fma_float16(300.0f, 300.0f, 0.0f), INFINITY);
  EXPECT_EQ(fma_float16(300.0f, 300.0f, -60000.0f), 30000.0f);
  EXPECT_EQ(fma_bfloat16(0x1p127f, 2.0f, -0x1p127f), 0x1p127f);
}

TEST_F(RoundTest, FusedGeneralFormAgreesWithMpfrOnDoubles) {
  std::mt19937_64 random(41);
  const auto value = [&] {
    const double m = static_cast<double>(random() >> 11) * 0x1p-53;
    return std::ldexp((random() & 1) != 0 ? -m : m, static_cast<int>(random() % 120) - 60);
  };
  for (int i = 0; i < 200000; ++i) {
    const int e = 2 + static_cast<int>(random() % 10), s = 1 + static_cast<int>(random() % 24);
    double a = value(), b = value(), c = value();
    if (i % 2 == 0) c = -a * b * (1 + static_cast<double>(i % 5) * 0x1p-52);  // cancellation
    if (i % 3 == 0) a = static_cast<float>(a), b = static_cast<float>(b), c = static_cast<float>(c);
    const double want = testing::mpfr_fma_round(a, b, c, e, s, MPFR_RNDN);
    const double got = fma_round(a, b, c, {ieee_like(e, s)});
    if (want == 0 && got == 0) continue;
    ASSERT_EQ(got, want) << e << "/" << s << std::hexfloat << " " << a << " " << b << " " << c;
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512fp16,avx512vl"))) uint16_t hardware_fma(uint16_t a, uint16_t b, uint16_t c) {
  const __m128i x = _mm_set1_epi16(static_cast<short>(a)), y = _mm_set1_epi16(static_cast<short>(b));
  const __m128i z = _mm_set1_epi16(static_cast<short>(c));
  const __m128h r = _mm_fmadd_ph(_mm_castsi128_ph(x), _mm_castsi128_ph(y), _mm_castsi128_ph(z));
  return static_cast<uint16_t>(_mm_extract_epi16(_mm_castph_si128(r), 0));
}

TEST_F(RoundTest, FusedFloat16IsTheInstruction) {
  if (!__builtin_cpu_supports("avx512fp16")) GTEST_SKIP() << "this machine has no AVX512-FP16";
  std::mt19937_64 random(51);
  for (int i = 0; i < 4000000; ++i) {
    const uint64_t bits = random();
    const auto a = static_cast<uint16_t>(bits), b = static_cast<uint16_t>(bits >> 16),
               c = static_cast<uint16_t>(bits >> 32);
    const float want = float16_value(hardware_fma(a, b, c));
    const float got = fma_float16(float16_value(a), float16_value(b), float16_value(c));
    ASSERT_TRUE(same(got, want) || (std::isnan(got) && std::isnan(want))) << a << " " << b << " " << c;
  }
}
#endif

}  // namespace
}  // namespace assay::num
