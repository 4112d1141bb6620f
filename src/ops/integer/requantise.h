// From sums in 32 bits to codes or floats: times a scale, in the compute type.
#pragma once
#include <algorithm>
#include <type_traits>
#include <vector>

#include "num/arith.h"
#include "ops/code_spans.h"
#include "ops/elementwise.h"
#include "ops/quantised.h"

namespace assay::ops::integer {

/// Sums as T (to the nearest, ties to even) times their scales, in chunks; then `use(i, n, products)`.
template <class T, class Use>
void scaled(const num::Arith<T>& arith, const int32_t* sums, const T* scales, bool each, size_t n, Use use) {
  T values[kChunk];
  for (size_t i = 0; i < n; i += kChunk) {
    const size_t m = std::min(kChunk, n - i);
    if constexpr (std::is_same_v<T, float>)
      singles_of(sums + i, values, m);
    else
      for (size_t j = 0; j < m; ++j) values[j] = static_cast<T>(sums[i + j]);
    each ? arith.mul(values, scales + i, values, m) : arith.mul(values, *scales, values, m);
    use(i, m, values);
  }
}

/// Codes: products to the nearest integer, ties to even, plus zero point, saturated.
template <class T>
void requantise(const num::Arith<T>& arith, const int32_t* sums, const T* scales, bool each, size_t n, double zero,
                ir::Tensor& out, int64_t at) {
  scaled(arith, sums, scales, each, n, [&](size_t i, size_t m, const T* products) {
    store_quantised(out, at + static_cast<int64_t>(i), m, products, zero);
  });
}

/// a * b / y, two steps: what a sum of products of codes is multiplied by to become a code.
template <class T>
T code_scale(const num::Arith<T>& arith, double a, double b, double y) {
  return arith.div(arith.mul(static_cast<T>(a), static_cast<T>(b)), static_cast<T>(y));
}

}  // namespace assay::ops::integer
