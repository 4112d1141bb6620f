// Elementary functions: identical bits on every code path and for every length, and within the stated bound of MPFR.
#include "num/elementary.h"

#include <gtest/gtest.h>
#include <mpfr.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>
#include <type_traits>
#include <vector>

#include "num/simd.h"

namespace assay::num {
namespace {

template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;

/// Half of the values spread over all bit patterns (mixed, so that neighbours in a vector take different branches of a
/// function), half in the range where functions vary, and the special values.
template <class T>
std::vector<T> spread(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<T> small(-20, 20), unit(-1, 1);
  std::vector<T> x;
  using L = std::numeric_limits<T>;
  for (T v :
       {T(0), T(1), T(2), T(0.5), L::min(), L::max(), L::denorm_min(), L::infinity(), L::quiet_NaN(), L::epsilon()}) {
    x.push_back(v);
    x.push_back(-v);
  }
  while (x.size() < n) {
    switch (x.size() % 4) {
      case 0:
      case 1:
        x.push_back(std::bit_cast<T>(static_cast<Bits<T>>(random())));
        break;
      case 2:
        x.push_back(small(random));
        break;
      default:
        x.push_back(unit(random));
    }
  }
  return x;
}

class ElementaryTest : public ::testing::Test {
 protected:
  void TearDown() override { ASSERT_TRUE(force_isa(Isa::best).ok()); }
};

template <class T>
void expect_same_bits(const std::vector<T>& want, const std::vector<T>& got, const std::string& what,
                      const std::vector<T>& x) {
  size_t different = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    if (std::bit_cast<Bits<T>>(want[i]) == std::bit_cast<Bits<T>>(got[i])) continue;
    if (different++ == 0)
      ADD_FAILURE() << what << "(" << std::hexfloat << x[i] << "): " << got[i] << ", not " << want[i];
  }
  EXPECT_EQ(different, 0u) << what;
}

template <class T, class Call>
void check_paths(const std::string& what, const std::vector<T>& x, Call call) {
  const size_t n = x.size();
  ASSERT_TRUE(force_isa(Isa::scalar).ok());
  std::vector<T> want(n), got(n);
  call(0, n, want.data());
  for (T y : want) {
    if (std::isnan(y)) {
      EXPECT_EQ(std::bit_cast<Bits<T>>(y), std::bit_cast<Bits<T>>(std::numeric_limits<T>::quiet_NaN())) << what;
    }
  }
  for (Isa isa : available_isas()) {
    ASSERT_TRUE(force_isa(isa).ok());
    call(0, n, got.data());
    expect_same_bits(want, got, what + " " + std::string(isa_name(isa)), x);
    // Pieces of every length up to two vectors and a bit: tails take the same path.
    size_t i = 0;
    for (size_t length = 1; length <= 35; ++length) {
      call(i, length, got.data() + i);
      i += length;
    }
    expect_same_bits(want, got, what + " in pieces, " + std::string(isa_name(isa)), x);
  }
}

template <class T>
void check_all_paths(size_t n) {
  for (const FunctionRow& row : functions()) {
    const auto x = spread<T>(n, 1 + static_cast<uint64_t>(row.function));
    check_paths<T>(std::string(row.name), x,
                   [&](size_t from, size_t count, T* y) { apply(row.function, x.data() + from, y, count); });
  }
  const auto x = spread<T>(n, 98);
  auto y = spread<T>(n, 99);
  std::rotate(y.begin(), y.begin() + 7, y.end());
  check_paths<T>("pow", x, [&](size_t from, size_t count, T* z) { pow(x.data() + from, y.data() + from, z, count); });
}
TEST_F(ElementaryTest, FloatBitsAreTheSameOnEveryPath) { check_all_paths<float>(40000); }
TEST_F(ElementaryTest, DoubleBitsAreTheSameOnEveryPath) { check_all_paths<double>(20000); }

using Truth = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
// In the order of elementary.def.
const Truth kTruth[] = {
    mpfr_exp,  mpfr_exp2, mpfr_expm1, mpfr_log,  mpfr_log2, mpfr_log10, mpfr_log1p, mpfr_sin,   mpfr_cos,   mpfr_tan,
    mpfr_asin, mpfr_acos, mpfr_atan,  mpfr_sinh, mpfr_cosh, mpfr_tanh,  mpfr_asinh, mpfr_acosh, mpfr_atanh, mpfr_erf,
};

/// |got - truth| in ULPs of T at truth; 0 when both are the same infinity or NaN.
template <class T>
double error_in_ulps(mpfr_srcptr truth, T got) {
  if (mpfr_nan_p(truth)) return std::isnan(got) ? 0 : INFINITY;
  const T nearest =
      sizeof(T) == 4 ? static_cast<T>(mpfr_get_flt(truth, MPFR_RNDN)) : static_cast<T>(mpfr_get_d(truth, MPFR_RNDN));
  if (nearest == got) return std::signbit(nearest) == std::signbit(got) ? 0 : INFINITY;
  if (!std::isfinite(got)) {
    // Overflow one step early or late counts as one ULP.
    return std::abs(nearest) == std::numeric_limits<T>::max() ? 1 : INFINITY;
  }
  if (!std::isfinite(nearest)) return std::abs(got) == std::numeric_limits<T>::max() ? 1 : INFINITY;
  int exponent;
  std::frexp(std::max(std::abs(nearest), std::numeric_limits<T>::min()), &exponent);
  mpfr_t difference;
  mpfr_init2(difference, 160);
  mpfr_sub_d(difference, truth, static_cast<double>(got), MPFR_RNDN);
  mpfr_mul_2si(difference, difference, std::numeric_limits<T>::digits - exponent, MPFR_RNDN);
  const double ulps = std::abs(mpfr_get_d(difference, MPFR_RNDN));
  mpfr_clear(difference);
  return ulps;
}

/// Numbers of both signs around those at which exponentials end.
template <class T>
std::vector<T> where_exponentials_end(size_t n) {
  std::mt19937_64 random(9);
  std::uniform_real_distribution<double> size(sizeof(T) == 4 ? 87 : 708, sizeof(T) == 4 ? 91 : 712);
  std::vector<T> x(n);
  for (size_t i = 0; i < n; ++i) x[i] = static_cast<T>(i % 2 == 0 ? size(random) : -size(random));
  return x;
}

template <class T>
void check_bounds(size_t n, bool edges) {
  ASSERT_EQ(std::size(kTruth), functions().size());
  mpfr_t in, out;
  mpfr_init2(in, 53);
  mpfr_init2(out, 140);
  for (const FunctionRow& row : functions()) {
    const auto x = edges ? where_exponentials_end<T>(n) : spread<T>(n, 1000 + static_cast<uint64_t>(row.function));
    const bool hyperbolic = row.function == Function::sinh || row.function == Function::cosh;
    const double bound = sizeof(T) == 4 ? row.float_ulp : edges && hyperbolic ? 3 : row.double_ulp;
    std::vector<T> y(n);
    apply(row.function, x.data(), y.data(), n);
    double worst = 0;
    T at = 0;
    for (size_t i = 0; i < n; ++i) {
      mpfr_set_d(in, static_cast<double>(x[i]), MPFR_RNDN);
      kTruth[static_cast<size_t>(row.function)](out, in, MPFR_RNDN);
      const double ulps = error_in_ulps(out, y[i]);
      if (ulps > worst) worst = ulps, at = x[i];
    }
    EXPECT_LE(worst, bound) << row.name << " at " << std::hexfloat << at;
  }
  mpfr_clear(in);
  mpfr_clear(out);
}
TEST_F(ElementaryTest, FloatIsWithinItsBoundOfMpfr) { check_bounds<float>(8000, false); }
TEST_F(ElementaryTest, DoubleIsWithinItsBoundOfMpfr) { check_bounds<double>(8000, false); }
TEST_F(ElementaryTest, FloatsWhereExponentialsEnd) { check_bounds<float>(4000, true); }
TEST_F(ElementaryTest, DoublesWhereExponentialsEnd) { check_bounds<double>(4000, true); }

template <class T>
void check_pow(size_t n) {
  auto x = spread<T>(n, 41);
  auto y = spread<T>(n, 42);
  std::rotate(y.begin(), y.begin() + 7, y.end());
  std::vector<T> z(n);
  pow(x.data(), y.data(), z.data(), n);
  mpfr_t a, b, r;
  mpfr_inits2(140, a, b, r, static_cast<mpfr_ptr>(nullptr));
  for (size_t i = 0; i < n; ++i) {
    mpfr_set_d(a, static_cast<double>(x[i]), MPFR_RNDN);
    mpfr_set_d(b, static_cast<double>(y[i]), MPFR_RNDN);
    mpfr_pow(r, a, b, MPFR_RNDN);
    EXPECT_LE(error_in_ulps(r, z[i]), 1.0) << std::hexfloat << x[i] << " to the power of " << y[i];
  }
  mpfr_clears(a, b, r, static_cast<mpfr_ptr>(nullptr));
}
TEST_F(ElementaryTest, PowIsWithinOneUlpOfMpfr) {
  check_pow<float>(8000);
  check_pow<double>(8000);
}

TEST_F(ElementaryTest, RoundedFormsRoundTheDoubleFunctionOnce) {
  const auto x = spread<float>(1000, 77);
  std::vector<float> y(x.size());
  const Rounding rounding{format(FormatId::float16)};
  apply_rounded(Function::exp, x.data(), y.data(), x.size(), rounding);
  for (size_t i = 0; i < x.size(); ++i) {
    const double want = round(apply(Function::exp, static_cast<double>(x[i])), rounding);
    EXPECT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(static_cast<float>(want)));
  }
}

TEST_F(ElementaryTest, FmodIsExact) {
  const auto x = spread<float>(2000, 5);
  auto y = spread<float>(2000, 6);
  std::rotate(y.begin(), y.begin() + 3, y.end());
  std::vector<float> z(x.size());
  fmod(x.data(), y.data(), z.data(), x.size());
  mpfr_t a, b, r;
  mpfr_inits2(400, a, b, r, static_cast<mpfr_ptr>(nullptr));
  for (size_t i = 0; i < x.size(); ++i) {
    mpfr_set_flt(a, x[i], MPFR_RNDN);
    mpfr_set_flt(b, y[i], MPFR_RNDN);
    mpfr_fmod(r, a, b, MPFR_RNDN);
    const float want = mpfr_get_flt(r, MPFR_RNDN);
    if (std::isnan(want)) {
      EXPECT_EQ(std::bit_cast<uint32_t>(z[i]), 0x7fc00000u);
    } else {
      EXPECT_EQ(std::bit_cast<uint32_t>(z[i]), std::bit_cast<uint32_t>(want)) << x[i] << " " << y[i];
    }
  }
  mpfr_clears(a, b, r, static_cast<mpfr_ptr>(nullptr));
}

}  // namespace
}  // namespace assay::num
