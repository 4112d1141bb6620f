#include "num/elementary.h"

#include <algorithm>
#include <array>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "num/elementary.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

// sleef.h hides the functions of targets that the translation unit is not compiled for, so the ones that this target
// calls are declared here. ASSAY_SLEEF_F / _D give a function's name for this target.
// Clang passes vectors of 256 bits and more in memory unless the whole translation unit is compiled for them, whatever
// the target of the function around the call; there SLEEF's functions of one number serve, which give the same bits.
#if HWY_COMPILER_CLANG && HWY_ARCH_X86
#define ASSAY_SLEEF_F(name) Sleef_finz_##name##f1_u10purecfma
#define ASSAY_SLEEF_D(name) Sleef_finz_##name##d1_u10purecfma
#elif HWY_TARGET == HWY_AVX2
#define ASSAY_SLEEF_F(name) Sleef_finz_##name##f8_u10avx2
#define ASSAY_SLEEF_D(name) Sleef_finz_##name##d4_u10avx2
#elif HWY_TARGET == HWY_AVX3
#define ASSAY_SLEEF_F(name) Sleef_finz_##name##f16_u10avx512f
#define ASSAY_SLEEF_D(name) Sleef_finz_##name##d8_u10avx512f
#elif HWY_TARGET == HWY_NEON
#define ASSAY_SLEEF_F(name) Sleef_finz_##name##f4_u10advsimd
#define ASSAY_SLEEF_D(name) Sleef_finz_##name##d2_u10advsimd
#else
#define ASSAY_SLEEF_F(name) Sleef_finz_##name##f1_u10purecfma
#define ASSAY_SLEEF_D(name) Sleef_finz_##name##d1_u10purecfma
#endif

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

inline constexpr bool kByLane = kEmulated || (HWY_COMPILER_CLANG && HWY_ARCH_X86);
// What SLEEF's functions take and return: a register, or one lane.
template <class T>
using Raw = std::conditional_t<kByLane, T, decltype(hn::Vec<hn::ScalableTag<T>>::raw)>;
using RawFloat = Raw<float>;
using RawDouble = Raw<double>;

extern "C" {
#define ASSAY_ELEMENTARY(name, float_ulp, double_ulp) \
  RawFloat ASSAY_SLEEF_F(name)(RawFloat);             \
  RawDouble ASSAY_SLEEF_D(name)(RawDouble);
#include "num/elementary.def"
#undef ASSAY_ELEMENTARY
RawFloat ASSAY_SLEEF_F(pow)(RawFloat, RawFloat);
RawDouble ASSAY_SLEEF_D(pow)(RawDouble, RawDouble);
}

using FloatFunction = RawFloat (*)(RawFloat);
using DoubleFunction = RawDouble (*)(RawDouble);

constexpr FloatFunction kFloatFunctions[] = {
#define ASSAY_ELEMENTARY(name, float_ulp, double_ulp) ASSAY_SLEEF_F(name),
#include "num/elementary.def"
#undef ASSAY_ELEMENTARY
};
constexpr DoubleFunction kDoubleFunctions[] = {
#define ASSAY_ELEMENTARY(name, float_ulp, double_ulp) ASSAY_SLEEF_D(name),
#include "num/elementary.def"
#undef ASSAY_ELEMENTARY
};

/// f of each lane (of each vector of arguments).
template <class D, class F, class... Vs>
HWY_INLINE V<D> CallLanes(D d, F f, Vs... vs) {
  if constexpr (kByLane) {
    using T = hn::TFromD<D>;
    constexpr size_t kLanes = hn::MaxLanes(D());
    alignas(64) T out[kLanes];
    T in[sizeof...(vs)][kLanes];
    size_t k = 0;
    ((hn::StoreU(vs, d, in[k++])), ...);
    for (size_t i = 0; i < kLanes; ++i) {
      if constexpr (sizeof...(vs) == 1) out[i] = f(in[0][i]);
      if constexpr (sizeof...(vs) == 2) out[i] = f(in[0][i], in[1][i]);
    }
    return hn::Load(d, out);
  } else {
    (void)d;
    return V<D>{f(vs.raw...)};
  }
}

/// z[i] = call(d, in[i]...) over whole vectors; the last one is padded, so that the tail takes the same path.
template <class T, class Call, class... In>
HWY_INLINE void Map(Call call, T* out, size_t n, const In*... in) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    hn::StoreU(CanonicalNan(d, call(d, hn::LoadU(d, in + i)...)), d, out + i);
  }
  if (i < n) StoreN(CanonicalNan(d, call(d, LoadN(d, in + i, n - i)...)), d, out + i, n - i);
}

template <class F>
struct Plain {
  F function;
  template <class D, class... Vs>
  HWY_INLINE V<D> operator()(D d, Vs... vs) const {
    return CallLanes(d, function, vs...);
  }
};

/// log1p, asinh and acosh of SLEEF give infinity for large finite arguments. There log1p(x) is log(x), and asinh(x) and
/// acosh(x) are log(2x) = 2 log(2 sqrt(x / 2)), both to within a small fraction of an ULP.
template <class F>
struct MendedForLarge {
  F function, log;
  bool doubled;  ///< asinh, acosh
  bool odd;      ///< asinh
  template <class D>
  HWY_INLINE V<D> operator()(D d, V<D> x) const {
    using T = hn::TFromD<D>;
    const auto y = CallLanes(d, function, x);
    const auto size = odd ? hn::Abs(x) : x;
    const auto large = hn::Ge(size, hn::Set(d, sizeof(T) == 4 ? T(0x1p60) : static_cast<T>(0x1p500)));
    if (HWY_LIKELY(hn::AllFalse(d, large))) return y;
    auto z = CallLanes(d, log, doubled ? hn::Mul(hn::Set(d, T(2)), hn::Sqrt(hn::Mul(size, hn::Set(d, T(0.5))))) : size);
    if (doubled) z = hn::Add(z, z);
    if (odd) z = hn::CopySign(z, x);
    return hn::IfThenElse(large, z, y);
  }
};

template <class T, class F>
HWY_INLINE void Apply(const F* table, size_t function, const T* x, T* y, size_t n) {
  const F log = table[static_cast<size_t>(Function::log)];
  const F f = table[function];
  switch (static_cast<Function>(function)) {
    case Function::log1p:
      return Map(MendedForLarge<F>{f, log, false, false}, y, n, x);
    case Function::asinh:
      return Map(MendedForLarge<F>{f, log, true, true}, y, n, x);
    case Function::acosh:
      return Map(MendedForLarge<F>{f, log, true, false}, y, n, x);
    default:
      return Map(Plain<F>{f}, y, n, x);
  }
}

void ApplyFloat(size_t function, const float* x, float* y, size_t n) { Apply(kFloatFunctions, function, x, y, n); }
void ApplyDouble(size_t function, const double* x, double* y, size_t n) { Apply(kDoubleFunctions, function, x, y, n); }
void PowFloat(const float* x, const float* y, float* z, size_t n) {
  Map(Plain<decltype(&ASSAY_SLEEF_F(pow))>{ASSAY_SLEEF_F(pow)}, z, n, x, y);
}
void PowDouble(const double* x, const double* y, double* z, size_t n) {
  Map(Plain<decltype(&ASSAY_SLEEF_D(pow))>{ASSAY_SLEEF_D(pow)}, z, n, x, y);
}

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#undef ASSAY_SLEEF_F
#undef ASSAY_SLEEF_D

#if HWY_ONCE
namespace assay::num {
namespace {

HWY_EXPORT(ApplyFloat);
HWY_EXPORT(ApplyDouble);
HWY_EXPORT(PowFloat);
HWY_EXPORT(PowDouble);

constexpr std::array kFunctions = {
#define ASSAY_ELEMENTARY(name, float_ulp, double_ulp) FunctionRow{Function::name, #name, float_ulp, double_ulp},
#include "num/elementary.def"
#undef ASSAY_ELEMENTARY
};

// C requires fmod's result to be exact, so the host's function has only one answer to give.
template <class T>
void remainders(const T* x, const T* y, T* z, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    const T r = std::fmod(x[i], y[i]);
    z[i] = std::isnan(r) ? std::numeric_limits<T>::quiet_NaN() : r;
  }
}

void dispatch(Function f, const float* x, float* y, size_t n) {
  HWY_DYNAMIC_DISPATCH(ApplyFloat)(static_cast<size_t>(f), x, y, n);
}
void dispatch(Function f, const double* x, double* y, size_t n) {
  HWY_DYNAMIC_DISPATCH(ApplyDouble)(static_cast<size_t>(f), x, y, n);
}

// sinh and cosh of SLEEF are infinite from 88.5 (709) on, where the functions are not yet: there float32 takes
// float64's, and float64 exp(x / 2) twice (3 ULP).
float beyond(Function f, float x) { return static_cast<float>(apply(f, static_cast<double>(x))); }
double beyond(Function f, double x) {
  const double root = apply(Function::exp, std::fabs(x) / 2), y = 0.5 * root * root;
  return f == Function::sinh ? std::copysign(y, x) : y;
}

template <class T>
void hyperbolic(Function f, const T* x, T* y, size_t n) {
  constexpr T kLargest = sizeof(T) == 4 ? T(88) : T(709);
  std::array<T, 256> in;  // y may be x
  for (size_t i = 0; i < n; i += in.size()) {
    const size_t count = std::min(in.size(), n - i);
    std::copy_n(x + i, count, in.begin());
    dispatch(f, in.data(), y + i, count);
    for (size_t k = 0; k < count; ++k)
      if (std::fabs(in[k]) > kLargest && std::isfinite(in[k])) y[i + k] = beyond(f, in[k]);
  }
}

template <class T>
void apply_any(Function f, const T* x, T* y, size_t n) {
  if (f == Function::sinh || f == Function::cosh) return hyperbolic(f, x, y, n);
  dispatch(f, x, y, n);
}

}  // namespace

std::span<const FunctionRow> functions() { return kFunctions; }
const FunctionRow& function_row(Function function) { return kFunctions[static_cast<size_t>(function)]; }

void apply(Function function, const float* x, float* y, size_t n) { apply_any(function, x, y, n); }
void apply(Function function, const double* x, double* y, size_t n) { apply_any(function, x, y, n); }

void apply_rounded(Function function, const float* x, float* y, size_t n, const Rounding& rounding) {
  std::array<double, 256> wide;
  for (size_t i = 0; i < n; i += wide.size()) {
    const size_t count = std::min(wide.size(), n - i);
    std::copy_n(x + i, count, wide.begin());
    apply(function, wide.data(), wide.data(), count);
    round_in_place(wide.data(), count, rounding);
    for (size_t k = 0; k < count; ++k) y[i + k] = static_cast<float>(wide[k]);
  }
}

void pow(const float* x, const float* y, float* z, size_t n) { HWY_DYNAMIC_DISPATCH(PowFloat)(x, y, z, n); }
void pow(const double* x, const double* y, double* z, size_t n) { HWY_DYNAMIC_DISPATCH(PowDouble)(x, y, z, n); }
void fmod(const float* x, const float* y, float* z, size_t n) { remainders(x, y, z, n); }
void fmod(const double* x, const double* y, double* z, size_t n) { remainders(x, y, z, n); }

float apply(Function function, float x) {
  apply(function, &x, &x, 1);
  return x;
}
double apply(Function function, double x) {
  apply(function, &x, &x, 1);
  return x;
}
float pow(float x, float y) {
  pow(&x, &y, &x, 1);
  return x;
}
double pow(double x, double y) {
  pow(&x, &y, &x, 1);
  return x;
}

}  // namespace assay::num
#endif
