// Inside of accumulate*.cc: the terms of a contraction and one function per family of accumulators.
#pragma once
#include <cmath>
#include <cstddef>
#include <limits>

#include "num/exact.h"
#include "num/policy.h"

namespace assay::num {

/// a[i] * b[i], or a[i] alone where there is no b.
struct Terms {
  const double* a;
  const double* b;
  size_t size;

  double left(size_t i) const { return i < size ? a[i] : 0; }
  double right(size_t i) const { return i >= size ? 0 : b != nullptr ? b[i] : 1; }
};

inline double flushed(double value, bool flush, const Format& f) {
  return flush && std::abs(value) < min_normal(f) ? std::copysign(0.0, value) : value;
}

double aligned_dot(const Accumulator& accumulator, const Terms& terms, double c);
double tiles_dot(const Accumulator& accumulator, FormatId compute, const Terms& terms, double c);
double pairs_dot(const Accumulator& accumulator, const Terms& terms, double c);

}  // namespace assay::num
