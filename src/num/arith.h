// Arithmetic on contiguous spans under a policy: each step is computed in T and, when the policy says so, rounded
// (float16 throughout), flushed or clamped. Kernels are written once against it, for T = float and double.
#pragma once
#include <cstddef>

#include "num/elementary.h"
#include "num/policy.h"
#include "num/special_values.h"

namespace assay::num {

template <class T>
class Arith {
 public:
  explicit Arith(const Policy& policy);
  const Policy& policy() const { return policy_; }

  // y[i] = op(a[i], b[i]), one step; y may be a or b.
  void add(const T* a, const T* b, T* y, size_t n) const;
  void sub(const T* a, const T* b, T* y, size_t n) const;
  void mul(const T* a, const T* b, T* y, size_t n) const;
  void div(const T* a, const T* b, T* y, size_t n) const;
  void fma(const T* a, const T* b, const T* c, T* y, size_t n) const;  ///< a * b + c, one rounding
  // With a scalar right (or left) operand.
  void add(const T* a, T b, T* y, size_t n) const;
  void sub(const T* a, T b, T* y, size_t n) const;
  void sub(T a, const T* b, T* y, size_t n) const;
  void mul(const T* a, T b, T* y, size_t n) const;
  void div(const T* a, T b, T* y, size_t n) const;
  void div(T a, const T* b, T* y, size_t n) const;
  void fma(const T* a, T b, T c, T* y, size_t n) const;  ///< a * b + c with scalar b and c
  void sqrt(const T* a, T* y, size_t n) const;
  void apply(Function f, const T* a, T* y, size_t n) const;
  void pow(const T* a, const T* b, T* y, size_t n) const;
  // Exact: no rounding. NaN results are canonical.
  void max(const T* a, const T* b, T* y, size_t n) const;  ///< IEEE 754-2019 maximum
  void min(const T* a, const T* b, T* y, size_t n) const;
  void max(const T* a, T b, T* y, size_t n) const;
  void min(const T* a, T b, T* y, size_t n) const;
  void relu(const T* a, T* y, size_t n) const;  ///< x < 0 ? +0 : x
  void neg(const T* a, T* y, size_t n) const;
  void abs(const T* a, T* y, size_t n) const;
  void floor(const T* a, T* y, size_t n) const;
  void ceil(const T* a, T* y, size_t n) const;
  void round(const T* a, T* y, size_t n) const;  ///< to an integral value, ties to even
  /// x < low ? low : x, then high < x ? high : x; null bounds are absent, NaN bounds bound nothing.
  void clamp(const T* a, const T* low, const T* high, T* y, size_t n) const;
  /// y[i] = c[i] < 0 ? a[i] : b[i]
  void select_negative(const T* c, const T* a, const T* b, T* y, size_t n) const;

  // Sums of a contiguous run in the order of docs/semantics.md (16 lanes, fixed tree), or of Policy::sum.
  T sum(const T* a, size_t n) const;
  T sum_of_squares(const T* a, size_t n) const;  ///< squares enter by fma
  T max_of(const T* a, size_t n) const;          ///< NaN if any is NaN; -infinity for n = 0
  // Plain ascending sums over an outer axis: acc[i] = acc[i] + a[i], acc[i] = fma(a[i], a[i], acc[i]). They follow
  // Policy::sum only when sums_ascending(); otherwise gather each run of terms and use sum().
  bool sums_ascending() const { return !policy_.sum || policy_.sum->kind == Accumulator::Kind::chain; }
  void accumulate(const T* a, T* acc, size_t n) const;
  void accumulate_squares(const T* a, T* acc, size_t n) const;

  // Scalar steps.
  T add(T a, T b) const;
  T sub(T a, T b) const;
  T mul(T a, T b) const;
  T div(T a, T b) const;
  T sqrt(T a) const;
  T apply(Function f, T a) const;
  // For kernels that take several exact steps (maxima) at once: operands as they enter a step (`a` itself or `buffer`,
  // which may be `a`), and results as they leave an exact one.
  const T* entered(const T* a, size_t n, T* buffer) const { return prepare(a, n, buffer); }
  void leave(T* y, size_t n) const { finish(y, n, std::nullopt); }
  /// Rounds as one step does (identity when the policy has no step rounding).
  void step(T* y, size_t n) const;
  T step(T y) const;

 private:
  const T* prepare(const T* a, size_t n, T* buffer) const;
  void finish(T* y, size_t n, const std::optional<Rounding>& rounding) const;
  template <class Op>
  void in_blocks(const T* a, const T* b, const T* c, T* y, size_t n, const std::optional<Rounding>& rounding,
                 Op op) const;
  void fma_blocks(const T* a, const T* b, bool b_scalar, const T* c, bool c_scalar, T* y, size_t n,
                  const std::optional<Rounding>& rounding) const;
  void apply_block(Function f, const T* a, T* y, size_t n) const;
  T sum_in_lanes(const T* a, size_t n, bool squares, size_t lanes, const std::optional<Rounding>& rounding) const;
  const std::optional<Rounding>& sum_step() const;

  Policy policy_;
  Rewriting rewriting_;
  bool plain_;  ///< no step rounding, nothing flushed, IEEE special values: raw loops do
};

extern template class Arith<float>;
extern template class Arith<double>;

}  // namespace assay::num
