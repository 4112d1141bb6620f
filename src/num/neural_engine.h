// SpecialValues::neural_engine: what the Neural Engine does with NaN, invalid operations and -0. Applied around every
// step that Arith takes. Published measurements (M1, `sbryngelson/ane-guide`, part-1-machine/03-numerics.md):
//   NaN enters as +infinity: relu, exp, x + 0 of NaN are +infinity, sigmoid, tanh, erf of NaN are 1
//   -0 enters as +0: sqrt(-0) = +0, 1 / -0 = +infinity, -0 + 0 = +0
//   invalid operations give +0: inf - inf, 0 * inf, sqrt(-1), log(-1)
//   log(+0) = -45440; log(+infinity) = +0, which is why softplus(+infinity) and the log-sum-exp of an overflow are 0
#pragma once
#include <cstddef>

#include "num/elementary.h"

namespace assay::num::neural {

template <class T>
void fix_inputs(T* values, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (values[i] != values[i]) values[i] = static_cast<T>(__builtin_inf());
    values[i] += T(0);  // -0 becomes +0
  }
}

template <class T>
void fix_results(T* values, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (values[i] != values[i]) values[i] = T(0);
  }
}

/// `x` are the fixed inputs of y = f(x).
template <class T>
void fix_function(Function f, const T* x, T* y, size_t n) {
  fix_results(y, n);
  if (f != Function::log) return;
  for (size_t i = 0; i < n; ++i) {
    if (x[i] == 0) y[i] = T(-45440);
    if (x[i] == static_cast<T>(__builtin_inf())) y[i] = T(0);
  }
}

}  // namespace assay::num::neural
