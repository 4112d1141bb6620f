#include "num/single_rounding.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace assay::num {

bool all_in(const Format& format, const float* x, size_t n) {
  if (format == num::format(FormatId::float16)) return raw::within(x, n, 0x1fff, 0x1p-14f, 65504.0f);
  const bool brain = format == num::format(FormatId::bfloat16);
  return brain && raw::within(x, n, 0xffff, 0x1p-126f, std::numeric_limits<float>::max());
}

namespace {

double sum_to_odd(double a, double b) {
  const double s = a + b, back = s - a, error = (a - (s - back)) + (b - back);
  if (error == 0 || !std::isfinite(s) || (std::bit_cast<uint64_t>(s) & 1) != 0) return s;
  return std::nextafter(s,
                        error > 0 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity());
}

double exact_step(raw::Binary op, double a, double b) {
  switch (op) {
    case raw::Binary::add:
      return sum_to_odd(a, b);
    case raw::Binary::sub:
      return sum_to_odd(a, -b);
    case raw::Binary::mul:
      return a * b;
    default:
      return a / b;
  }
}

/// y = op(a, b) rounded once; canonical.
void exact_steps(raw::Binary op, raw::Operand<float> a, raw::Operand<float> b, float* y, size_t n,
                 const Rounding& rounding) {
  double wide[kMostOfAStep];
  for (size_t i = 0; i < n; ++i) {
    const double r =
        exact_step(op, static_cast<double>(a.data[a.scalar ? 0 : i]), static_cast<double>(b.data[b.scalar ? 0 : i]));
    wide[i] = r == r ? r : std::numeric_limits<double>::quiet_NaN();
  }
  round_in_place(wide, n, rounding);
  for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(wide[i]);
}

}  // namespace

template <class T>
bool binary_step(raw::Binary op, raw::Operand<T> a, raw::Operand<T> b, T* y, size_t n,
                 const std::optional<Rounding>& rounding) {
  if constexpr (std::is_same_v<T, float>) {
    const auto in = [&](raw::Operand<T> x) { return all_in(rounding->format, x.data, x.scalar ? 1 : n); };
    if (rounding && !(in(a) && in(b))) {
      exact_steps(op, a, b, y, n, *rounding);
      return true;
    }
  }
  raw::binary(op, a, b, y, n);
  return false;
}

template <class T>
bool sqrt_step(const T* a, T* y, size_t n, const std::optional<Rounding>& rounding) {
  if constexpr (std::is_same_v<T, float>) {
    if (rounding && !all_in(rounding->format, a, n)) {
      double wide[kMostOfAStep];
      for (size_t i = 0; i < n; ++i) wide[i] = std::sqrt(static_cast<double>(a[i]));
      for (size_t i = 0; i < n; ++i) wide[i] = wide[i] == wide[i] ? wide[i] : std::numeric_limits<double>::quiet_NaN();
      round_in_place(wide, n, *rounding);
      for (size_t i = 0; i < n; ++i) y[i] = static_cast<float>(wide[i]);
      return true;
    }
  }
  raw::unary(raw::Unary::sqrt, a, y, n);
  return false;
}

#define ASSAY_INSTANCES(T)                                                             \
  template bool binary_step(raw::Binary, raw::Operand<T>, raw::Operand<T>, T*, size_t, \
                            const std::optional<Rounding>&);                           \
  template bool sqrt_step(const T*, T*, size_t, const std::optional<Rounding>&);
ASSAY_INSTANCES(float)
ASSAY_INSTANCES(double)
#undef ASSAY_INSTANCES

}  // namespace assay::num
