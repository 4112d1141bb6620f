// Temporaries of elementwise functions: a block at a time, in the first-level cache.
#pragma once
#include <algorithm>
#include <cstddef>

#include "num/arith.h"

namespace assay::ops {

inline constexpr size_t kBlock = 512;

/// body(i, m) over [0, n) in blocks of at most kBlock. A body reads all operands of its block before it writes the
/// output's block last: the output may be any operand.
template <class Body>
void for_blocks(size_t n, Body body) {
  for (size_t i = 0; i < n; i += kBlock) body(i, std::min(kBlock, n - i));
}

/// y = sigmoid(x), n <= kBlock: 1 / (1 + exp(-x)) for x >= 0, e / (1 + e) with e = exp(x) otherwise. y may be x.
template <class T>
void sigmoid_block(const num::Arith<T>& arith, const T* x, T* y, size_t n) {
  T e[kBlock], top[kBlock], ones[kBlock];
  std::fill_n(ones, n, T(1));
  arith.abs(x, e, n);
  arith.neg(e, e, n);
  arith.apply(num::Function::exp, e, e, n);
  arith.select_negative(x, e, ones, top, n);
  arith.add(e, T(1), e, n);
  arith.div(top, e, y, n);
}

/// y = x * sigmoid(alpha * x), n <= kBlock. y may be x.
template <class T>
void swish_block(const num::Arith<T>& arith, T alpha, const T* x, T* y, size_t n) {
  T t[kBlock];
  arith.mul(x, alpha, t, n);
  sigmoid_block(arith, t, t, n);
  arith.mul(x, t, y, n);
}

}  // namespace assay::ops
