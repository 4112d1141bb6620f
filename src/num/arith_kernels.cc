#include "num/arith_kernels.h"

#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "num/arith_kernels.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "num/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace assay::num::HWY_NAMESPACE {

using raw::Operand;

// ---- Steps: what one vector of results is. Each is canonical where it can make a NaN.

#define ASSAY_STEP2(Name, expression)                 \
  struct Name {                                       \
    template <class D>                                \
    static HWY_INLINE V<D> run(D d, V<D> a, V<D> b) { \
      return expression;                              \
    }                                                 \
  };
ASSAY_STEP2(AddStep, CanonicalNan(d, hn::Add(a, b)))
ASSAY_STEP2(SubStep, CanonicalNan(d, hn::Sub(a, b)))
ASSAY_STEP2(MulStep, CanonicalNan(d, hn::Mul(a, b)))
ASSAY_STEP2(DivStep, CanonicalNan(d, hn::Div(a, b)))

ASSAY_STEP2(MaxStep, MaxOf(d, a, b))
ASSAY_STEP2(MinStep, MinOf(d, a, b))
#undef ASSAY_STEP2

// To an integral value, nearest even: exact below 2^23 (2^52) by adding and subtracting that; larger values are
// integral. The sign survives (-0.3 gives -0).
template <class D>
HWY_INLINE V<D> RoundEven(D d, V<D> a) {
  using T = hn::TFromD<D>;
  const auto big = hn::Set(d, sizeof(T) == 4 ? T(0x1p23) : T(0x1p52));
  const auto magnitude = hn::Abs(a);
  const auto rounded = hn::Sub(hn::Add(magnitude, big), big);
  return hn::IfThenElse(hn::Lt(magnitude, big), hn::CopySign(rounded, a), a);
}
template <class D>
HWY_INLINE V<D> FloorOf(D d, V<D> a) {
  const auto r = RoundEven(d, a);
  return hn::CopySign(hn::Sub(r, hn::IfThenElseZero(hn::Gt(r, a), hn::Set(d, hn::TFromD<D>(1)))), a);
}
template <class D>
HWY_INLINE V<D> CeilOf(D d, V<D> a) {
  const auto r = RoundEven(d, a);
  return hn::CopySign(hn::Add(r, hn::IfThenElseZero(hn::Lt(r, a), hn::Set(d, hn::TFromD<D>(1)))), a);
}

#define ASSAY_STEP1(Name, expression)         \
  struct Name {                               \
    template <class D>                        \
    static HWY_INLINE V<D> run(D d, V<D> a) { \
      return CanonicalNan(d, expression);     \
    }                                         \
  };
ASSAY_STEP1(SqrtStep, hn::Sqrt(a))
ASSAY_STEP1(ReluStep, hn::IfThenElse(hn::Lt(a, hn::Zero(d)), hn::Zero(d), a))
ASSAY_STEP1(NegStep, hn::Neg(a))
ASSAY_STEP1(AbsStep, hn::Abs(a))
ASSAY_STEP1(FloorStep, FloorOf(d, a))
ASSAY_STEP1(CeilStep, CeilOf(d, a))
ASSAY_STEP1(RoundStep, RoundEven(d, a))
#undef ASSAY_STEP1

// ---- Loops.

/// A vector of an operand: the scalar in all lanes, or the elements from i on.
template <bool kScalar, class D, class T>
HWY_INLINE V<D> Take(D d, const T* from, size_t i, size_t n) {
  if constexpr (kScalar) {
    (void)i, (void)n;
    return hn::Set(d, *from);
  } else {
    return LoadN(d, from + i, n);
  }
}

template <class Op, bool kA, bool kB, class T>
HWY_INLINE void Loop2(const T* a, const T* b, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  const T sa = kA ? *a : T(0), sb = kB ? *b : T(0);  // before y is written: it may be the scalar's memory
  const auto va = hn::Set(d, sa), vb = hn::Set(d, sb);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const auto x = kA ? va : hn::LoadU(d, a + i);
    const auto z = kB ? vb : hn::LoadU(d, b + i);
    hn::StoreU(Op::run(d, x, z), d, y + i);
  }
  if (i < n) {
    const auto x = kA ? va : LoadN(d, a + i, n - i);
    const auto z = kB ? vb : LoadN(d, b + i, n - i);
    StoreN(Op::run(d, x, z), d, y + i, n - i);
  }
}

template <class Op, class T>
void Loop2Any(Operand<T> a, Operand<T> b, T* y, size_t n) {
  if (n == 0) return;
  if (b.scalar) return Loop2<Op, false, true>(a.data, b.data, y, n);
  if (a.scalar) return Loop2<Op, true, false>(a.data, b.data, y, n);
  Loop2<Op, false, false>(a.data, b.data, y, n);
}

template <class Op, class T>
void Loop1(const T* a, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(Op::run(d, hn::LoadU(d, a + i)), d, y + i);
  if (i < n) StoreN(Op::run(d, LoadN(d, a + i, n - i)), d, y + i, n - i);
}

template <class T>
void Binary(raw::Binary op, Operand<T> a, Operand<T> b, T* y, size_t n) {
  using raw::Binary;
  switch (op) {
    case Binary::add:
      return Loop2Any<AddStep>(a, b, y, n);
    case Binary::sub:
      return Loop2Any<SubStep>(a, b, y, n);
    case Binary::mul:
      return Loop2Any<MulStep>(a, b, y, n);
    case Binary::div:
      return Loop2Any<DivStep>(a, b, y, n);
    case Binary::max:
      return Loop2Any<MaxStep>(a, b, y, n);
    case Binary::min:
      return Loop2Any<MinStep>(a, b, y, n);
  }
}

template <class T>
void Unary(raw::Unary op, const T* a, T* y, size_t n) {
  using raw::Unary;
  switch (op) {
    case Unary::sqrt:
      return Loop1<SqrtStep>(a, y, n);
    case Unary::relu:
      return Loop1<ReluStep>(a, y, n);
    case Unary::neg:
      return Loop1<NegStep>(a, y, n);
    case Unary::abs:
      return Loop1<AbsStep>(a, y, n);
    case Unary::floor:
      return Loop1<FloorStep>(a, y, n);
    case Unary::ceil:
      return Loop1<CeilStep>(a, y, n);
    case Unary::round_even:
      return Loop1<RoundStep>(a, y, n);
  }
}

template <bool kB, bool kC, class T>
void FmaLoop(const T* a, const T* b, const T* c, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  const T sb = *b, sc = *c;
  const auto vb = hn::Set(d, sb), vc = hn::Set(d, sc);
  size_t i = 0;
  for (; i + step <= n; i += step) {
    const auto z = kB ? vb : hn::LoadU(d, b + i), w = kC ? vc : hn::LoadU(d, c + i);
    hn::StoreU(CanonicalNan(d, Fma(d, hn::LoadU(d, a + i), z, w)), d, y + i);
  }
  if (i < n) {
    const auto z = kB ? vb : LoadN(d, b + i, n - i), w = kC ? vc : LoadN(d, c + i, n - i);
    StoreN(CanonicalNan(d, Fma(d, LoadN(d, a + i, n - i), z, w)), d, y + i, n - i);
  }
}
template <class T>
void FmaAny(const T* a, Operand<T> b, Operand<T> c, T* y, size_t n) {
  if (n == 0) return;
  if (b.scalar && c.scalar) return FmaLoop<true, true>(a, b.data, c.data, y, n);
  if (b.scalar) return FmaLoop<true, false>(a, b.data, c.data, y, n);
  if (c.scalar) return FmaLoop<false, true>(a, b.data, c.data, y, n);
  FmaLoop<false, false>(a, b.data, c.data, y, n);
}

template <class T>
void SelectNegative(const T* c, const T* a, const T* b, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const size_t left = n - i;
    const auto negative = hn::Lt(LoadN(d, c + i, left), hn::Zero(d));
    const auto chosen = hn::IfThenElse(negative, LoadN(d, a + i, left), LoadN(d, b + i, left));
    StoreN(CanonicalNan(d, chosen), d, y + i, left);
  }
}

// x < low ? low : x, then high < x ? high : x. A bound that is absent or NaN bounds nothing.
template <class T>
void Clamp(const T* a, const T* low, const T* high, T* y, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  const auto lo = hn::Set(d, low ? *low : -std::numeric_limits<T>::infinity());
  const auto hi = hn::Set(d, high ? *high : std::numeric_limits<T>::infinity());
  const auto run = [&](auto x) HWY_ATTR {
    x = hn::IfThenElse(hn::Lt(x, lo), lo, x);
    return CanonicalNan(d, hn::IfThenElse(hn::Lt(hi, x), hi, x));
  };
  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(run(hn::LoadU(d, a + i)), d, y + i);
  if (i < n) StoreN(run(LoadN(d, a + i, n - i)), d, y + i, n - i);
}

// Four plain maxima side by side; NaN and the sign of a zero, which a plain maximum gets wrong, are looked at apart.
template <class T>
T MaxOfRun(const T* a, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  const auto lowest = hn::Set(d, -std::numeric_limits<T>::infinity());
  auto m0 = lowest, m1 = lowest, m2 = lowest, m3 = lowest;
  auto nan = hn::IsNaN(lowest);
  size_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    const auto x0 = hn::LoadU(d, a + i), x1 = hn::LoadU(d, a + i + step);
    const auto x2 = hn::LoadU(d, a + i + 2 * step), x3 = hn::LoadU(d, a + i + 3 * step);
    nan = hn::Or(nan, hn::Or(hn::Or(hn::IsNaN(x0), hn::IsNaN(x1)), hn::Or(hn::IsNaN(x2), hn::IsNaN(x3))));
    m0 = hn::Max(m0, x0);
    m1 = hn::Max(m1, x1);
    m2 = hn::Max(m2, x2);
    m3 = hn::Max(m3, x3);
  }
  for (; i + step <= n; i += step) {
    const auto x = hn::LoadU(d, a + i);
    nan = hn::Or(nan, hn::IsNaN(x));
    m0 = hn::Max(m0, x);
  }
  alignas(64) T lanes[hn::MaxLanes(d)];
  hn::Store(hn::Max(hn::Max(m0, m1), hn::Max(m2, m3)), d, lanes);
  bool has_nan = !hn::AllFalse(d, nan);
  T result = -std::numeric_limits<T>::infinity();
  for (; i < n; ++i) {
    has_nan = has_nan || a[i] != a[i];
    result = a[i] > result ? a[i] : result;
  }
  if (has_nan) return std::numeric_limits<T>::quiet_NaN();
  for (size_t k = 0; k < step; ++k) result = lanes[k] > result ? lanes[k] : result;
  if (result != T(0)) return result;
  for (size_t k = 0; k < n; ++k) {  // +0 if there is one
    if (a[k] == T(0) && !std::signbit(a[k])) return T(0);
  }
  return -T(0);
}

// ---- Sums.

struct ExactStep {
  template <class D>
  static HWY_INLINE V<D> run(D, V<D> v) {
    return v;
  }
  template <class D>
  static HWY_INLINE V<D> square(D d, V<D> x, V<D> acc) {
    return Fma(d, x, x, acc);
  }
};
struct Float16Step {
  template <class D>
  static HWY_INLINE V<D> run(D d, V<D> v) {
    return RoundToFloat16(d, v);
  }
};
struct Bfloat16Step {
  template <class D>
  static HWY_INLINE V<D> run(D d, V<D> v) {
    return RoundToBfloat16(d, v);
  }
};

template <class R, bool kSquares, class T>
T Sum16(const T* a, size_t n) {
  const hn::CappedTag<T, 16> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kVectors = 16 / kLanes;  // 1 (AVX-512 float), 2, 4 or 8
  using Vec = V<decltype(d)>;
  const auto next = [&](Vec acc, Vec x) HWY_ATTR {
    if constexpr (kSquares) {
      return R::square(d, x, acc);
    } else {
      return R::run(d, hn::Add(acc, x));
    }
  };
  alignas(64) T lanes[16];
  if constexpr (kVectors <= 4) {
    Vec v0 = hn::Zero(d), v1 = v0, v2 = v0, v3 = v0;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
      v0 = next(v0, hn::LoadU(d, a + i));
      if constexpr (kVectors > 1) v1 = next(v1, hn::LoadU(d, a + i + kLanes));
      if constexpr (kVectors > 2) {
        v2 = next(v2, hn::LoadU(d, a + i + 2 * kLanes));
        v3 = next(v3, hn::LoadU(d, a + i + 3 * kLanes));
      }
    }
    if (i < n) {  // zeros behind the end change nothing: a lane is never -0
      T rest[16] = {};
      std::memcpy(rest, a + i, (n - i) * sizeof(T));
      v0 = next(v0, hn::LoadU(d, rest));
      if constexpr (kVectors > 1) v1 = next(v1, hn::LoadU(d, rest + kLanes));
      if constexpr (kVectors > 2) {
        v2 = next(v2, hn::LoadU(d, rest + 2 * kLanes));
        v3 = next(v3, hn::LoadU(d, rest + 3 * kLanes));
      }
    }
    hn::Store(v0, d, lanes);
    if constexpr (kVectors > 1) hn::Store(v1, d, lanes + kLanes);
    if constexpr (kVectors > 2) {
      hn::Store(v2, d, lanes + 2 * kLanes);
      hn::Store(v3, d, lanes + 3 * kLanes);
    }
  } else {
    for (T& lane : lanes) lane = T(0);
    for (size_t i = 0; i < n; i += 16) {
      for (size_t v = 0; v < 16 && i + v < n; v += kLanes) {
        hn::StoreU(next(hn::LoadU(d, lanes + v), LoadN(d, a + i + v, n - i - v)), d, lanes + v);
      }
    }
  }
  const hn::CappedTag<T, 1> one;
  for (size_t half = 8; half > 0; half /= 2) {
    for (size_t i = 0; i < half; ++i) {
      lanes[i] = hn::GetLane(R::run(one, hn::Add(hn::Set(one, lanes[i]), hn::Set(one, lanes[i + half]))));
    }
  }
  return lanes[0] != lanes[0] ? std::numeric_limits<T>::quiet_NaN() : lanes[0];
}

template <bool kSquares, class T>
void Accumulate(const T* a, T* acc, size_t n) {
  const hn::ScalableTag<T> d;
  const size_t step = hn::Lanes(d);
  const auto next = [d](auto x, auto sum)
                        HWY_ATTR { return CanonicalNan(d, kSquares ? Fma(d, x, x, sum) : hn::Add(sum, x)); };
  size_t i = 0;
  for (; i + step <= n; i += step) hn::StoreU(next(hn::LoadU(d, a + i), hn::LoadU(d, acc + i)), d, acc + i);
  if (i < n) StoreN(next(LoadN(d, a + i, n - i), LoadN(d, acc + i, n - i)), d, acc + i, n - i);
}

bool Within(const float* x, size_t n, uint32_t below, float least, float most) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto low = hn::Set(du, below);
  const auto smallest = hn::Set(d, least), largest = hn::Set(d, most);
  auto wrong = hn::Zero(du);
  for (size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = LoadN(d, x + i, n - i), size = hn::Abs(v);
    const auto inside = hn::And(hn::Ge(size, smallest), hn::Le(size, largest));
    const auto outside = hn::Not(hn::Or(inside, hn::Eq(v, hn::Zero(d))));
    wrong = hn::Or(wrong, hn::Or(hn::And(hn::BitCast(du, v), low), hn::BitCast(du, hn::VecFromMask(d, outside))));
  }
  return hn::AllTrue(du, hn::Eq(wrong, hn::Zero(du)));
}

float SumF(const float* a, size_t n, bool squares, raw::Step step) {
  switch (step) {
    case raw::Step::float16:
      return Sum16<Float16Step, false>(a, n);
    case raw::Step::bfloat16:
      return Sum16<Bfloat16Step, false>(a, n);
    case raw::Step::none:
      break;
  }
  return squares ? Sum16<ExactStep, true>(a, n) : Sum16<ExactStep, false>(a, n);
}
double SumD(const double* a, size_t n, bool squares) {
  return squares ? Sum16<ExactStep, true>(a, n) : Sum16<ExactStep, false>(a, n);
}

#define ASSAY_FORMS(S, T)                                                                                \
  void Binary##S(raw::Binary op, Operand<T> a, Operand<T> b, T* y, size_t n) { Binary(op, a, b, y, n); } \
  void Unary##S(raw::Unary op, const T* a, T* y, size_t n) { Unary(op, a, y, n); }                       \
  void Fma##S(const T* a, Operand<T> b, Operand<T> c, T* y, size_t n) { FmaAny(a, b, c, y, n); }         \
  void Select##S(const T* c, const T* a, const T* b, T* y, size_t n) { SelectNegative(c, a, b, y, n); }  \
  void Clamp##S(const T* a, const T* low, const T* high, T* y, size_t n) { Clamp(a, low, high, y, n); }  \
  T MaxOf##S(const T* a, size_t n) { return MaxOfRun(a, n); }                                            \
  void Accumulate##S(const T* a, T* acc, size_t n) { Accumulate<false>(a, acc, n); }                     \
  void AccumulateSquares##S(const T* a, T* acc, size_t n) { Accumulate<true>(a, acc, n); }
ASSAY_FORMS(F, float)
ASSAY_FORMS(D, double)
#undef ASSAY_FORMS

}  // namespace assay::num::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::num {
#define ASSAY_FORMS(S, T)                                                                                           \
  HWY_EXPORT(Binary##S);                                                                                            \
  HWY_EXPORT(Unary##S);                                                                                             \
  HWY_EXPORT(Fma##S);                                                                                               \
  HWY_EXPORT(Select##S);                                                                                            \
  HWY_EXPORT(Clamp##S);                                                                                             \
  HWY_EXPORT(MaxOf##S);                                                                                             \
  HWY_EXPORT(Accumulate##S);                                                                                        \
  HWY_EXPORT(AccumulateSquares##S);                                                                                 \
  HWY_EXPORT(Sum##S);                                                                                               \
  namespace raw {                                                                                                   \
  void binary(Binary op, Operand<T> a, Operand<T> b, T* y, size_t n) {                                              \
    HWY_DYNAMIC_DISPATCH(Binary##S)(op, a, b, y, n);                                                                \
  }                                                                                                                 \
  void unary(Unary op, const T* a, T* y, size_t n) { HWY_DYNAMIC_DISPATCH(Unary##S)(op, a, y, n); }                 \
  void fma(const T* a, Operand<T> b, Operand<T> c, T* y, size_t n) { HWY_DYNAMIC_DISPATCH(Fma##S)(a, b, c, y, n); } \
  void select_negative(const T* c, const T* a, const T* b, T* y, size_t n) {                                        \
    HWY_DYNAMIC_DISPATCH(Select##S)(c, a, b, y, n);                                                                 \
  }                                                                                                                 \
  void clamp(const T* a, const T* low, const T* high, T* y, size_t n) {                                             \
    HWY_DYNAMIC_DISPATCH(Clamp##S)(a, low, high, y, n);                                                             \
  }                                                                                                                 \
  T max_of(const T* a, size_t n) { return HWY_DYNAMIC_DISPATCH(MaxOf##S)(a, n); }                                   \
  void accumulate(const T* a, T* acc, size_t n) { HWY_DYNAMIC_DISPATCH(Accumulate##S)(a, acc, n); }                 \
  void accumulate_squares(const T* a, T* acc, size_t n) { HWY_DYNAMIC_DISPATCH(AccumulateSquares##S)(a, acc, n); }  \
  }
ASSAY_FORMS(F, float)
ASSAY_FORMS(D, double)
#undef ASSAY_FORMS

HWY_EXPORT(Within);
namespace raw {
bool within(const float* x, size_t n, uint32_t below, float least, float most) {
  return HWY_DYNAMIC_DISPATCH(Within)(x, n, below, least, most);
}
float sum16(const float* a, size_t n, bool squares, Step step) {
  return HWY_DYNAMIC_DISPATCH(SumF)(a, n, squares, step);
}
double sum16(const double* a, size_t n, bool squares) { return HWY_DYNAMIC_DISPATCH(SumD)(a, n, squares); }
}  // namespace raw
}  // namespace assay::num
#endif
