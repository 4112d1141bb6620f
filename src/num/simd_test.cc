// Every target's helpers give the same bits as the scalar definitions, whatever the number of elements.
#include "num/simd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <vector>

#include "num/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "num/simd_test.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/fma-inl.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

template <class T>
void FmaLoop(const T* a, const T* b, const T* c, T* out, size_t n, bool negative) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  for (size_t i = 0; i < n; i += step) {
    const size_t left = n - i;
    const auto x = LoadN(d, a + i, left), y = LoadN(d, b + i, left), z = LoadN(d, c + i, left);
    StoreN(CanonicalNan(d, negative ? NegFma(d, x, y, z) : Fma(d, x, y, z)), d, out + i, left);
  }
}
void FmaFloat(const float* a, const float* b, const float* c, float* out, size_t n, bool negative) {
  FmaLoop(a, b, c, out, n, negative);
}
void FmaDouble(const double* a, const double* b, const double* c, double* out, size_t n, bool negative) {
  FmaLoop(a, b, c, out, n, negative);
}
void FmaOfFloat16(const float* a, const float* b, const float* c, float* out, size_t n, const RoundPlan& plan) {
  const hn::ScalableTag<float> d;
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const size_t left = n - i;
    StoreN(FmaLanes(d, LoadN(d, a + i, left), LoadN(d, b + i, left), LoadN(d, c + i, left), plan, true), d, out + i,
           left);
  }
}
int64_t TargetBit() { return HWY_TARGET; }

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::num {
namespace {
HWY_EXPORT(FmaFloat);
HWY_EXPORT(FmaDouble);
HWY_EXPORT(TargetBit);
HWY_EXPORT(FmaOfFloat16);

class SimdTest : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(force_isa(Isa::best).ok()); }
};

TEST_F(SimdTest, ForcesEachPathOfTheMachine) {
  std::vector<int64_t> bits;
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    EXPECT_EQ(current_isa(), isa);
    bits.push_back(HWY_DYNAMIC_DISPATCH(TargetBit)());
  }
  ASSERT_FALSE(bits.empty());
  for (size_t i = 1; i < bits.size(); ++i) EXPECT_LT(bits[i], bits[i - 1]);  // lower bit values are better targets
  ASSERT_TRUE(force_isa(Isa::best).ok());
  EXPECT_EQ(current_isa(), available_isas().back());
  EXPECT_EQ(available_isas().front(), Isa::scalar);
}

TEST_F(SimdTest, RefusesWhatTheMachineLacks) {
  size_t refused = 0;
  for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon}) {
    const auto isas = available_isas();
    if (std::find(isas.begin(), isas.end(), isa) != isas.end()) continue;
    ++refused;
    const auto status = force_isa(isa);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, Code::isa_unavailable);
  }
  EXPECT_GE(refused, 1u);  // no machine has both AVX and NEON
}

TEST_F(SimdTest, NamesRoundTrip) {
  for (Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512, Isa::neon, Isa::best}) EXPECT_EQ(parse_isa(isa_name(isa)), isa);
  EXPECT_FALSE(parse_isa("sse").has_value());
}

template <class T, class Bits, class Call>
void check_fma(Call call) {
  std::mt19937_64 random(7);
  const size_t n = 4099;
  std::vector<T> a(n), b(n), c(n), out(n + 1);
  for (size_t i = 0; i < n; ++i) {
    if (i % 2 == 0) {
      a[i] = std::bit_cast<T>(static_cast<Bits>(random()));
      b[i] = std::bit_cast<T>(static_cast<Bits>(random()));
      c[i] = std::bit_cast<T>(static_cast<Bits>(random()));
    } else {  // near cancellation: two roundings would show
      a[i] = 1 + static_cast<T>(random() % 1000) * std::numeric_limits<T>::epsilon();
      b[i] = 1 + static_cast<T>(random() % 1000) * std::numeric_limits<T>::epsilon();
      c[i] = -1;
    }
  }
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    for (bool negative : {false, true}) {
      out[n] = 42;
      call(a.data(), b.data(), c.data(), out.data(), n, negative);
      EXPECT_EQ(out[n], 42);
      for (size_t i = 0; i < n; ++i) {
        const T want = std::fma(negative ? -a[i] : a[i], b[i], c[i]);
        if (std::isnan(want)) {
          EXPECT_EQ(std::bit_cast<Bits>(out[i]), sizeof(T) == 4 ? Bits(0x7fc00000u) : Bits(0x7ff8000000000000ull));
        } else {
          ASSERT_EQ(std::bit_cast<Bits>(out[i]), std::bit_cast<Bits>(want)) << isa_name(isa) << " " << i;
        }
      }
    }
  }
}
TEST_F(SimdTest, FmaRoundsOnce) {
  check_fma<float, uint32_t>([](auto... args) { HWY_DYNAMIC_DISPATCH(FmaFloat)(args...); });
  check_fma<double, uint64_t>([](auto... args) { HWY_DYNAMIC_DISPATCH(FmaDouble)(args...); });
}

TEST_F(SimdTest, Float16FactorsNeedNoFloat64) {
  std::mt19937_64 random(8);
  const size_t n = 300007;
  std::vector<float> a(n), b(n), c(n), out(n);
  for (size_t i = 0; i < n; ++i) {
    const bool ordinary = i % 4 != 0;  // ordinary sizes: ties and near ties; else any code, infinities and NaNs too
    const auto code = [&] { return static_cast<uint16_t>(ordinary ? 0x3800 + random() % 0x1000 : random()); };
    a[i] = float16_value(code());
    b[i] = float16_value(code());
    c[i] = float16_value(ordinary ? static_cast<uint16_t>(random() % 0x1000) : code());
  }
  const RoundPlan plan = make_plan({format(FormatId::float16)});
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    HWY_DYNAMIC_DISPATCH(FmaOfFloat16)(a.data(), b.data(), c.data(), out.data(), n, plan);
    for (size_t i = 0; i < n; ++i) {
      const float want = fma_float16(a[i], b[i], c[i]);
      if (std::isnan(want)) {
        ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), 0x7fc00000u);
      } else {
        ASSERT_EQ(std::bit_cast<uint32_t>(out[i]), std::bit_cast<uint32_t>(want))
            << isa_name(isa) << std::hexfloat << " " << a[i] << " " << b[i] << " " << c[i];
      }
    }
  }
}

TEST(FloatEnvironmentTest, UndoesFlushingAndRestoresIt) {
#if HWY_ARCH_X86
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040u | 0x6000u);  // FTZ, DAZ, toward zero
  {
    ScopedFloatEnvironment scope;
    EXPECT_TRUE(scope.changed());
    volatile float tiny = 0x1p-126f, half = 0.5f, one = 1.0f, bit = 0x1.8p-24f;
    EXPECT_EQ(tiny * half, 0x1p-127f);
    EXPECT_EQ(one + bit, 1.0f + 0x1p-23f);
  }
  EXPECT_EQ(_mm_getcsr() & 0xe040u, 0xe040u);
  _mm_setcsr(before);
  EXPECT_FALSE(ScopedFloatEnvironment().changed());
#endif
}

}  // namespace
}  // namespace assay::num
#endif
