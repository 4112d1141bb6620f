// The policy around the raw loops: operands are flushed or rewritten on the way in, each step's results are rounded,
// flushed and rewritten on the way out, block by block while they are in the first-level cache.
#include "num/arith.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "num/arith_kernels.h"
#include "num/single_rounding.h"
#include "num/special_values.h"

namespace assay::num {
namespace {

constexpr size_t kBlock = 256;

const std::optional<Rounding> kUnrounded;

}  // namespace

template <class T>
Arith<T>::Arith(const Policy& policy)
    : policy_(policy),
      rewriting_{.neural_engine = policy.special_values == SpecialValues::neural_engine,
                 .flush = policy.flush_subnormals && std::is_same_v<T, float>},
      plain_(!policy.step && !rewriting_.any()) {}

template <class T>
const T* Arith<T>::prepare(const T* a, size_t n, T* buffer) const {
  if (!a || !rewriting_.any()) return a;
  enter_step(a, buffer, n, rewriting_);
  return buffer;
}

template <class T>
void Arith<T>::finish(T* y, size_t n, const std::optional<Rounding>& rounding) const {
  if (rewriting_.any() || rounding) leave_step(y, n, rewriting_, rounding ? &*rounding : nullptr);
}

// op(a, b, c, y, n) on blocks, which says whether it has rounded. Operands are read before y is written, so y may be
// any of them.
template <class T>
template <class Op>
void Arith<T>::in_blocks(const T* a, const T* b, const T* c, T* y, size_t n, const std::optional<Rounding>& rounding,
                         Op op) const {
  T x0[kBlock], x1[kBlock], x2[kBlock];
  for (size_t i = 0; i < n; i += kBlock) {
    const size_t m = std::min(kBlock, n - i);
    const auto at = [&](const T* p) { return p ? p + i : nullptr; };
    const bool rounded = op(prepare(at(a), m, x0), prepare(at(b), m, x1), prepare(at(c), m, x2), y + i, m);
    finish(y + i, m, rounded ? kUnrounded : rounding);
  }
}

template <class T>
void Arith<T>::step(T* y, size_t n) const {
  if (!plain_) finish(y, n, policy_.step);
}
template <class T>
T Arith<T>::step(T y) const {
  step(&y, 1);
  return y;
}

// ---- Two operands. The scalar is prepared once.

#define ASSAY_BINARY(name, rounding)                                                                     \
  template <class T>                                                                                     \
  void Arith<T>::name(const T* a, const T* b, T* y, size_t n) const {                                    \
    if (plain_) return raw::binary(raw::Binary::name, {a}, {b}, y, n);                                   \
    in_blocks(a, b, nullptr, y, n, rounding, [&](const T* p, const T* q, const T*, T* z, size_t m) {     \
      return binary_step<T>(raw::Binary::name, {p}, {q}, z, m, rounding);                                \
    });                                                                                                  \
  }                                                                                                      \
  template <class T>                                                                                     \
  void Arith<T>::name(const T* a, T b, T* y, size_t n) const {                                           \
    if (plain_) return raw::binary(raw::Binary::name, {a}, {&b, true}, y, n);                            \
    T buffer;                                                                                            \
    const T* s = prepare(&b, 1, &buffer);                                                                \
    in_blocks(a, nullptr, nullptr, y, n, rounding, [&](const T* p, const T*, const T*, T* z, size_t m) { \
      return binary_step<T>(raw::Binary::name, {p}, {s, true}, z, m, rounding);                          \
    });                                                                                                  \
  }
#define ASSAY_BINARY_LEFT(name)                                                                              \
  template <class T>                                                                                         \
  void Arith<T>::name(T a, const T* b, T* y, size_t n) const {                                               \
    if (plain_) return raw::binary(raw::Binary::name, {&a, true}, {b}, y, n);                                \
    T buffer;                                                                                                \
    const T* s = prepare(&a, 1, &buffer);                                                                    \
    in_blocks(b, nullptr, nullptr, y, n, policy_.step, [&](const T* p, const T*, const T*, T* z, size_t m) { \
      return binary_step<T>(raw::Binary::name, {s, true}, {p}, z, m, policy_.step);                          \
    });                                                                                                      \
  }
ASSAY_BINARY(add, policy_.step)
ASSAY_BINARY(sub, policy_.step)
ASSAY_BINARY(mul, policy_.step)
ASSAY_BINARY(div, policy_.step)
ASSAY_BINARY(max, kUnrounded)
ASSAY_BINARY(min, kUnrounded)
ASSAY_BINARY_LEFT(sub)
ASSAY_BINARY_LEFT(div)
#undef ASSAY_BINARY
#undef ASSAY_BINARY_LEFT

#define ASSAY_SCALAR(name)           \
  template <class T>                 \
  T Arith<T>::name(T a, T b) const { \
    T y;                             \
    name(&a, &b, &y, 1);             \
    return y;                        \
  }
ASSAY_SCALAR(add)
ASSAY_SCALAR(sub)
ASSAY_SCALAR(mul)
ASSAY_SCALAR(div)
#undef ASSAY_SCALAR

// ---- One operand.

#define ASSAY_UNARY(name, kernel, rounding)                                                             \
  template <class T>                                                                                    \
  void Arith<T>::name(const T* a, T* y, size_t n) const {                                               \
    if (plain_) return raw::unary(raw::Unary::kernel, a, y, n);                                         \
    in_blocks(a, nullptr, nullptr, y, n, rounding, [](const T* p, const T*, const T*, T* z, size_t m) { \
      raw::unary(raw::Unary::kernel, p, z, m);                                                          \
      return false;                                                                                     \
    });                                                                                                 \
  }
ASSAY_UNARY(relu, relu, kUnrounded)
ASSAY_UNARY(neg, neg, kUnrounded)
ASSAY_UNARY(abs, abs, kUnrounded)
ASSAY_UNARY(floor, floor, kUnrounded)
ASSAY_UNARY(ceil, ceil, kUnrounded)
ASSAY_UNARY(round, round_even, kUnrounded)
#undef ASSAY_UNARY

template <class T>
void Arith<T>::sqrt(const T* a, T* y, size_t n) const {
  if (plain_) return raw::unary(raw::Unary::sqrt, a, y, n);
  in_blocks(a, nullptr, nullptr, y, n, policy_.step,
            [&](const T* p, const T*, const T*, T* z, size_t m) { return sqrt_step(p, z, m, policy_.step); });
}

template <class T>
T Arith<T>::sqrt(T a) const {
  T y;
  sqrt(&a, &y, 1);
  return y;
}

template <class T>
void Arith<T>::clamp(const T* a, const T* low, const T* high, T* y, size_t n) const {
  if (plain_) return raw::clamp(a, low, high, y, n);
  in_blocks(a, nullptr, nullptr, y, n, kUnrounded,
            [&](const T* p, const T*, const T*, T* z, size_t m) { return raw::clamp(p, low, high, z, m), false; });
}

template <class T>
void Arith<T>::select_negative(const T* c, const T* a, const T* b, T* y, size_t n) const {
  if (plain_) return raw::select_negative(c, a, b, y, n);
  in_blocks(c, a, b, y, n, kUnrounded, [](const T* p, const T* q, const T* r, T* z, size_t m) {
    return raw::select_negative(p, q, r, z, m), false;
  });
}

// ---- Elementary functions.

template <class T>
void Arith<T>::apply_block(Function f, const T* a, T* y, size_t n) const {
  T buffer[kBlock];
  const T* x = prepare(a, n, buffer);
  if (x == y && rewriting_.neural_engine) x = std::copy_n(y, n, buffer) - n;
  if (policy_.elementary == Elementary::correctly_rounded && std::is_same_v<T, float>) {
    double wide[kBlock];
    std::copy_n(x, n, wide);
    num::apply(f, wide, wide, n);
    const auto& rounding = policy_.step ? policy_.step : policy_.result;
    if (rounding) round_in_place(wide, n, *rounding);
    for (size_t i = 0; i < n; ++i) y[i] = static_cast<T>(wide[i]);
  } else {
    num::apply(f, x, y, n);
  }
  if (rewriting_.neural_engine) neural_engine_function(f, x, y, n);
  finish(y, n, policy_.step);
}

template <class T>
void Arith<T>::apply(Function f, const T* a, T* y, size_t n) const {
  if (plain_ && policy_.elementary == Elementary::sleef) return num::apply(f, a, y, n);
  for (size_t i = 0; i < n; i += kBlock) apply_block(f, a + i, y + i, std::min(kBlock, n - i));
}
template <class T>
T Arith<T>::apply(Function f, T a) const {
  T y;
  apply(f, &a, &y, 1);
  return y;
}

template <class T>
void Arith<T>::pow(const T* a, const T* b, T* y, size_t n) const {
  if (plain_ && policy_.elementary == Elementary::sleef) return num::pow(a, b, y, n);
  in_blocks(a, b, nullptr, y, n, policy_.step, [&](const T* p, const T* q, const T*, T* z, size_t m) {
    if (policy_.elementary == Elementary::sleef || !std::is_same_v<T, float>) return num::pow(p, q, z, m), false;
    double base[kBlock], exponent[kBlock];
    std::copy_n(p, m, base);
    std::copy_n(q, m, exponent);
    num::pow(base, exponent, base, m);
    const auto& rounding = policy_.step ? policy_.step : policy_.result;
    if (rounding) round_in_place(base, m, *rounding);
    for (size_t i = 0; i < m; ++i) z[i] = static_cast<T>(base[i]);
    return false;
  });
}

template class Arith<float>;
template class Arith<double>;

}  // namespace assay::num
