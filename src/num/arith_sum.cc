// Fused multiply-adds and sums under a policy.
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "num/accumulate.h"
#include "num/arith.h"
#include "num/arith_kernels.h"
#include "num/half.h"
#include "num/single_rounding.h"

namespace assay::num {
namespace {

constexpr size_t kBlock = 256;
constexpr size_t kLanes = 16;

bool plain_rounding(const Rounding& r, FormatId id) { return r == Rounding{.format = format(id)}; }

// The in-loop rounding of raw::sum16 that means the same as `r`.
std::optional<raw::Step> raw_step(const std::optional<Rounding>& r) {
  if (!r) return raw::Step::none;
  if (plain_rounding(*r, FormatId::float16)) return raw::Step::float16;
  if (plain_rounding(*r, FormatId::bfloat16)) return raw::Step::bfloat16;
  return std::nullopt;
}

/// The same, where float32 sums of these terms may be rounded again.
template <class T>
std::optional<raw::Step> exact_in_loop(const T* terms, size_t n, const std::optional<Rounding>& r) {
  const auto step = raw_step(r);
  return step && *step != raw::Step::none && !all_in(r->format, terms, n) ? std::nullopt : step;
}

template <class T>
T fma_once(T a, T b, T c, const Rounding& rounding) {
  if constexpr (std::is_same_v<T, float>) {
    if (plain_rounding(rounding, FormatId::float16)) return fma_float16(a, b, c);
    if (plain_rounding(rounding, FormatId::bfloat16)) return fma_bfloat16(a, b, c);
  }
  return static_cast<T>(fma_round(a, b, c, rounding));
}

}  // namespace

// ---- Fused multiply-add: one rounding, to the step's format where there is one.

template <class T>
void Arith<T>::fma_blocks(const T* a, const T* b, bool b_scalar, const T* c, bool c_scalar, T* y, size_t n,
                          const std::optional<Rounding>& rounding) const {
  if (!rounding && !rewriting_.any()) return raw::fma(a, {b, b_scalar}, {c, c_scalar}, y, n);
  T x0[kBlock], x1[kBlock], x2[kBlock];
  for (size_t i = 0; i < n; i += kBlock) {
    const size_t m = std::min(kBlock, n - i);
    const T* p = prepare(a + i, m, x0);
    const T* q = prepare(b_scalar ? b : b + i, b_scalar ? 1 : m, x1);
    const T* r = prepare(c_scalar ? c : c + i, c_scalar ? 1 : m, x2);
    if (!rounding) {
      raw::fma(p, {q, b_scalar}, {r, c_scalar}, y + i, m);
    } else {
      for (size_t k = 0; k < m; ++k) {
        y[i + k] = fma_once(p[k], q[b_scalar ? 0 : k], r[c_scalar ? 0 : k], *rounding);
      }
    }
    finish(y + i, m, std::nullopt);
  }
}

template <class T>
void Arith<T>::fma(const T* a, const T* b, const T* c, T* y, size_t n) const {
  fma_blocks(a, b, false, c, false, y, n, policy_.step);
}
template <class T>
void Arith<T>::fma(const T* a, T b, T c, T* y, size_t n) const {
  fma_blocks(a, &b, true, &c, true, y, n, policy_.step);
}

// ---- Sums.

/// The rounding after each addition of a sum.
template <class T>
const std::optional<Rounding>& Arith<T>::sum_step() const {
  return policy_.sum && policy_.sum->step ? policy_.sum->step : policy_.step;
}

/// The general form: `lanes` chains, each addition rounded; then lanes/2, ..., 1 apart are added.
template <class T>
T Arith<T>::sum_in_lanes(const T* a, size_t n, bool squares, size_t lanes,
                         const std::optional<Rounding>& rounding) const {
  std::vector<T> acc(lanes, T(0));
  const auto add_to = [&](T* y, const T* x, size_t m) {
    T buffer[kBlock], total[kBlock];
    for (size_t i = 0; i < m; i += kBlock) {
      const size_t k = std::min(kBlock, m - i);
      const T* p = prepare(x + i, k, buffer);
      const T* q = prepare(y + i, k, total);
      const bool rounded = binary_step<T>(raw::Binary::add, {q}, {p}, y + i, k, rounding);
      finish(y + i, k, rounded ? std::nullopt : rounding);
    }
  };
  for (size_t i = 0; i < n; i += lanes) {
    const size_t m = std::min(lanes, n - i);
    if (squares) {
      fma_blocks(a + i, a + i, false, acc.data(), false, acc.data(), m, rounding);
    } else {
      add_to(acc.data(), a + i, m);
    }
  }
  for (size_t half = lanes / 2; half > 0; half /= 2) add_to(acc.data(), acc.data() + half, half);
  return acc[0];
}

/// One chain in 16-bit steps, without the machinery of blocks.
template <class T>
T chain_of_steps(const T* a, size_t n, raw::Step step) {
  T acc = 0;
  for (size_t i = 0; i < n; ++i) {
    acc += a[i];
    if constexpr (std::is_same_v<T, float>) {
      if (step == raw::Step::float16) acc = half::from_float16(half::to_float16(acc));
      if (step == raw::Step::bfloat16) acc = half::from_bfloat16(half::to_bfloat16(acc));
    }
  }
  return acc == acc ? acc : std::numeric_limits<T>::quiet_NaN();
}

template <class T>
T Arith<T>::sum(const T* a, size_t n) const {
  if (!policy_.sum) {
    const auto in_loop = exact_in_loop(a, n, policy_.step);
    if (plain_ || (in_loop && !rewriting_.any() && std::is_same_v<T, float>)) {
      if constexpr (std::is_same_v<T, float>) return raw::sum16(a, n, false, *in_loop);
      if constexpr (std::is_same_v<T, double>) return raw::sum16(a, n, false);
    }
    return sum_in_lanes(a, n, false, kLanes, policy_.step);
  }
  const Accumulator& s = *policy_.sum;
  const bool simple = s.kind == Accumulator::Kind::chain || s.kind == Accumulator::Kind::lanes;
  if (simple && !s.flush_subnormals && s.split_k == 1 && !s.step_via_float32) {
    const size_t lanes = s.kind == Accumulator::Kind::lanes ? static_cast<size_t>(std::max(s.lanes, 1)) : 1;
    const auto in_loop = exact_in_loop(a, n, sum_step());
    if (lanes == 1 && in_loop && !rewriting_.any() && (std::is_same_v<T, float> || *in_loop == raw::Step::none))
      return chain_of_steps(a, n, *in_loop);
    if ((lanes & (lanes - 1)) == 0) return sum_in_lanes(a, n, false, lanes, sum_step());
  }
  const std::vector<double> terms(a, a + n);
  const FormatId compute = std::is_same_v<T, float> ? FormatId::float32 : FormatId::float64;
  return step(static_cast<T>(sum_reference(s, compute, terms.data(), n)));
}

template <class T>
T Arith<T>::sum_of_squares(const T* a, size_t n) const {
  if (!policy_.sum) {
    if (plain_) {
      if constexpr (std::is_same_v<T, float>) return raw::sum16(a, n, true, raw::Step::none);
      if constexpr (std::is_same_v<T, double>) return raw::sum16(a, n, true);
    }
    return sum_in_lanes(a, n, true, kLanes, policy_.step);
  }
  if (policy_.sum->kind == Accumulator::Kind::chain || policy_.sum->kind == Accumulator::Kind::lanes) {
    const size_t lanes = policy_.sum->kind == Accumulator::Kind::lanes ? static_cast<size_t>(policy_.sum->lanes) : 1;
    if ((lanes & (lanes - 1)) == 0) return sum_in_lanes(a, n, true, lanes, sum_step());
  }
  std::vector<T> squares(n);
  mul(a, a, squares.data(), n);
  return sum(squares.data(), n);
}

template <class T>
T Arith<T>::max_of(const T* a, size_t n) const {
  if (!rewriting_.any()) return raw::max_of(a, n);
  T result = -std::numeric_limits<T>::infinity();
  T buffer[kBlock];
  for (size_t i = 0; i < n; i += kBlock) {
    const size_t m = std::min(kBlock, n - i);
    const T part = raw::max_of(prepare(a + i, m, buffer), m);
    max(&result, &part, &result, 1);
  }
  return result;
}

template <class T>
void Arith<T>::accumulate(const T* a, T* acc, size_t n) const {
  if (plain_ && !policy_.sum) return raw::accumulate(a, acc, n);
  T x0[kBlock], x1[kBlock];
  for (size_t i = 0; i < n; i += kBlock) {
    const size_t m = std::min(kBlock, n - i);
    const T* p = prepare(a + i, m, x0);
    const T* q = prepare(acc + i, m, x1);
    const bool rounded = binary_step<T>(raw::Binary::add, {q}, {p}, acc + i, m, sum_step());
    finish(acc + i, m, rounded ? std::nullopt : sum_step());
  }
}
template <class T>
void Arith<T>::accumulate_squares(const T* a, T* acc, size_t n) const {
  if (plain_ && !policy_.sum) return raw::accumulate_squares(a, acc, n);
  fma_blocks(a, a, false, acc, false, acc, n, sum_step());
}

#define ASSAY_INSTANCES(T)                                                                                 \
  template void Arith<T>::fma_blocks(const T*, const T*, bool, const T*, bool, T*, size_t,                 \
                                     const std::optional<Rounding>&) const;                                \
  template T Arith<T>::sum_in_lanes(const T*, size_t, bool, size_t, const std::optional<Rounding>&) const; \
  template const std::optional<Rounding>& Arith<T>::sum_step() const;                                      \
  template void Arith<T>::fma(const T*, const T*, const T*, T*, size_t) const;                             \
  template void Arith<T>::fma(const T*, T, T, T*, size_t) const;                                           \
  template T Arith<T>::sum(const T*, size_t) const;                                                        \
  template T Arith<T>::sum_of_squares(const T*, size_t) const;                                             \
  template T Arith<T>::max_of(const T*, size_t) const;                                                     \
  template void Arith<T>::accumulate(const T*, T*, size_t) const;                                          \
  template void Arith<T>::accumulate_squares(const T*, T*, size_t) const;
ASSAY_INSTANCES(float)
ASSAY_INSTANCES(double)
#undef ASSAY_INSTANCES

}  // namespace assay::num
