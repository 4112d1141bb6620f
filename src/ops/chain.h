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

/// y[j] = fma(x[i], m[i * stride + j], y[j]) for i < k, ascending, j < n; then NaNs are canonical.
void add_fused_products(const float* x, const float* m, size_t stride, size_t k, size_t n, float* y);
void add_fused_products(const double* x, const double* m, size_t stride, size_t k, size_t n, double* y);

/// Whether steps of chain_steps() are nothing but fused multiply-adds in the compute type.
inline bool steps_are_plain(const num::Policy& steps) { return !steps.step && !steps.flush_subnormals; }

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

  /// Of the transposed matrix: `columns` is row-major, k by n.
  static RowProducts of_columns(const num::Policy& policy, const T* columns, size_t n, size_t k) {
    RowProducts products;
    products.policy_ = policy;
    products.k_ = k;
    products.n_ = n;
    if (const auto steps = chain_steps(policy)) products.steps_.emplace(*steps);
    if (products.steps_) {
      products.columns_.assign(columns, columns + n * k);
      if (policy.operand) num::round_in_place(products.columns_.data(), n * k, *policy.operand);
      return products;
    }
    products.wide_.resize(n * k);
    for (size_t i = 0; i < k; ++i)
      for (size_t j = 0; j < n; ++j) products.wide_[j * k + i] = columns[i * n + j];
    return products;
  }

  /// Rows [first, first + count). `scratch` is any vector of the caller's.
  void run(const T* x, size_t first, size_t count, T* y, std::vector<T>& scratch) const {
    if (!steps_) return run_slowly(x, first, count, y);
    std::fill_n(y, count, T{0});
    scratch.resize(count + k_);
    T* operand = scratch.data() + count;
    std::copy_n(x, k_, operand);
    if (policy_.operand) num::round_in_place(operand, k_, *policy_.operand);
    if (steps_are_plain(steps_->policy()))
      return add_fused_products(operand, columns_.data() + first, n_, k_, count, y);
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

/// The same for matrices that change from call to call: y[j] = sum over i of x[i] * m[i][j], m row-major, k by n.
template <class T>
class ColumnProducts {
 public:
  explicit ColumnProducts(const num::Policy& policy) : policy_(policy) {
    if (const auto steps = chain_steps(policy)) steps_.emplace(*steps);
  }

  /// `scratch` is any vector of the caller's.
  void run(const T* x, const T* m, size_t k, size_t n, T* y, std::vector<T>& scratch) const {
    if (!steps_) return run_slowly(x, m, k, n, y);
    std::fill_n(y, n, T{0});
    if (!policy_.operand && steps_are_plain(steps_->policy())) return add_fused_products(x, m, n, k, n, y);
    scratch.resize(2 * n);
    T *factor = scratch.data(), *row = scratch.data() + n;
    for (size_t i = 0; i < k; ++i) {
      T operand = x[i];
      const T* terms = m + i * n;
      if (policy_.operand) {
        num::round_in_place(&operand, 1, *policy_.operand);
        std::copy_n(terms, n, row);
        num::round_in_place(row, n, *policy_.operand);
        terms = row;
      }
      std::fill_n(factor, n, operand);
      steps_->fma(factor, terms, y, y, n);
    }
  }

 private:
  void run_slowly(const T* x, const T* m, size_t k, size_t n, T* y) const {
    const std::vector<double> a(x, x + k);
    std::vector<double> column(k);
    for (size_t j = 0; j < n; ++j) {
      for (size_t i = 0; i < k; ++i) column[i] = m[i * n + j];
      y[j] = static_cast<T>(num::dot_reference(policy_, a.data(), column.data(), k));
    }
  }

  num::Policy policy_;
  std::optional<num::Arith<T>> steps_;
};

}  // namespace assay::ops
