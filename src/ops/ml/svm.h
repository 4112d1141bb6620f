// Support vector machines: the kernel of a row with each support vector, and sums weighted by coefficients.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/chain.h"
#include "ops/ml/features.h"

namespace assay::ops {

enum class KernelKind : uint8_t { linear, poly, rbf, sigmoid };

struct SvmKernel {
  KernelKind kind = KernelKind::linear;
  float gamma = 0, coef0 = 0, degree = 0;
};
/// Attributes kernel_type and kernel_params; errors: model_invalid with `label`.
Result<SvmKernel> svm_kernel_of(const ir::Op& op, std::string_view label, const std::string& where);

/// The kernels of rows with each of a list of vectors.
template <class T>
class SvmKernels {
 public:
  /// `vectors`: n of `features` each, one behind the other.
  SvmKernels(const num::Policy& policy, const SvmKernel& kernel, std::vector<T> vectors, size_t features);
  size_t size() const { return n_; }
  const num::Arith<T>& arith() const { return arith_; }
  /// y[i] = kernel(x, vector i).
  void run(const T* x, T* y, std::vector<T>& scratch) const;

 private:
  num::Arith<T> arith_;
  SvmKernel kernel_;
  std::vector<T> vectors_;  ///< of rbf
  size_t features_, n_;
  RowProducts<T> products_;  ///< of the other kinds
};
extern template class SvmKernels<float>;
extern template class SvmKernels<double>;

/// sum of a[i] * b[i] as the policy accumulates products, i ascending.
template <class T>
T weighted_sum(const num::Policy& policy, const std::vector<T>& a, const std::vector<T>& b) {
  const std::vector<double> wide_a(a.begin(), a.end()), wide_b(b.begin(), b.end());
  return static_cast<T>(num::dot_reference(policy, wide_a.data(), wide_b.data(), a.size()));
}

inline constexpr num::Function kSvmFunctions[] = {num::Function::exp, num::Function::log, num::Function::tanh};

}  // namespace assay::ops
