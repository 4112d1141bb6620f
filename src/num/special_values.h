// What happens around every step that Arith takes: operands are rewritten on the way in, results on the way out.
//
// SpecialValues::neural_engine is what the Neural Engine does with NaN, invalid operations and -0. Published
// measurements (M1, `sbryngelson/ane-guide`, part-1-machine/03-numerics.md):
//   NaN enters as +infinity: relu, exp, x + 0 of NaN are +infinity, sigmoid, tanh, erf of NaN are 1
//   -0 enters as +0: sqrt(-0) = +0, 1 / -0 = +infinity, -0 + 0 = +0
//   invalid operations give +0: inf - inf, 0 * inf, sqrt(-1), log(-1)
//   log(+0) = -45440; log(+infinity) = +0, which is why softplus(+infinity) and the log-sum-exp of an overflow are 0
#pragma once
#include <cstddef>

#include "num/elementary.h"
#include "num/format.h"

namespace assay::num {

/// What is rewritten: the Neural Engine's special values, float32 subnormals flushed to zeros of their sign.
struct Rewriting {
  bool neural_engine = false;
  bool flush = false;
  bool any() const { return neural_engine || flush; }
};

/// Magnitudes below `smallest` become zeros of their sign.
void flush_below(float* values, size_t n, float smallest);
void flush_below(double* values, size_t n, double smallest);

/// Operands on their way into a step; `to` may be `from`.
void enter_step(const float* from, float* to, size_t n, const Rewriting& rewriting);
void enter_step(const double* from, double* to, size_t n, const Rewriting& rewriting);

/// Results on their way out: special values, then the rounding, if any, then the flush.
void leave_step(float* values, size_t n, const Rewriting& rewriting, const Rounding* rounding);
void leave_step(double* values, size_t n, const Rewriting& rewriting, const Rounding* rounding);

/// The Neural Engine's y = f(x); `x` are inputs that have entered.
template <class T>
void neural_engine_function(Function f, const T* x, T* y, size_t n) {
  leave_step(y, n, {.neural_engine = true}, nullptr);
  if (f != Function::log) return;
  for (size_t i = 0; i < n; ++i) {
    if (x[i] == 0) y[i] = T(-45440);
    if (x[i] == static_cast<T>(__builtin_inf())) y[i] = T(0);
  }
}

}  // namespace assay::num
