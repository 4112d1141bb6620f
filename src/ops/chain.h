// Products accumulated along vectors of outputs: what recurrent cells and Einsum need of a contraction.
#pragma once
#include <algorithm>
#include <optional>
#include <vector>

#include "num/accumulate.h"
#include "num/arith.h"
#include "num/format.h"
#include "num/policy.h"

namespace assay::ops {

/// The policy whose Arith::fma is one step of the accumulator, when it is a plain chain of fused multiply-adds;
/// operands must be rounded by policy.operand before. Otherwise dot_reference says what to do.
inline std::optional<num::Policy> chain_steps(const num::Policy& policy) {
  num::Accumulator plain;
  plain.step = policy.accumulator.step;
  if (!(policy.accumulator == plain)) return std::nullopt;
  num::Policy steps;
  steps.compute = policy.compute;
  steps.step = policy.accumulator.step;
  steps.flush_subnormals = policy.flush_subnormals;
  return steps;
}

/// A matrix whose rows are dotted with vectors: y[j] = sum over k of x[k] * m[j][k], k ascending, y starting at +0.
template <class T>
class RowProducts {
 public:
  RowProducts() = default;
  /// `rows` is row-major, n by k.
  RowProducts(const num::Policy& policy, const T* rows, size_t n, size_t k) : policy_(policy), k_(k), n_(n) {
    if (const auto steps = chain_steps(policy)) steps_.emplace(*steps);
    if (!steps_) {
      wide_.assign(rows, rows + n * k);
      return;
    }
    columns_.resize(n * k);
    for (size_t j = 0; j < n; ++j)
      for (size_t i = 0; i < k; ++i) columns_[i * n + j] = rows[j * k + i];
    if (policy.operand) num::round_in_place(columns_.data(), columns_.size(), *policy.operand);
  }

  /// Rows [first, first + count). `scratch` is any vector of the caller's.
  void run(const T* x, size_t first, size_t count, T* y, std::vector<T>& scratch) const {
    if (!steps_) return run_slowly(x, first, count, y);
    std::fill_n(y, count, T{0});
    scratch.resize(count + k_);
    T* operand = scratch.data() + count;
    std::copy_n(x, k_, operand);
    if (policy_.operand) num::round_in_place(operand, k_, *policy_.operand);
    for (size_t i = 0; i < k_; ++i) {
      std::fill_n(scratch.data(), count, operand[i]);
      steps_->fma(scratch.data(), columns_.data() + i * n_ + first, y, y, count);
    }
  }

 private:
  void run_slowly(const T* x, size_t first, size_t count, T* y) const {
    const std::vector<double> a(x, x + k_);
    for (size_t j = 0; j < count; ++j)
      y[j] = static_cast<T>(num::dot_reference(policy_, a.data(), wide_.data() + (first + j) * k_, k_));
  }

  num::Policy policy_;
  size_t k_ = 0, n_ = 0;
  std::optional<num::Arith<T>> steps_;
  std::vector<T> columns_;
  std::vector<double> wide_;
};

}  // namespace assay::ops
