#include "ops/ml/svm.h"

#include <algorithm>

namespace assay::ops {
namespace {
constexpr std::string_view kKinds[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
}

Result<SvmKernel> svm_kernel_of(const ir::Op& op, std::string_view label, const std::string& where) {
  const std::string name = op.attr_string("kernel_type", "LINEAR");
  const auto* kind = std::ranges::find(kKinds, name);
  if (kind == std::end(kKinds)) return contradiction(label, "kernel_type is not LINEAR, POLY, RBF or SIGMOID", where);
  std::vector<float> params = numbers_of<float>(op, "kernel_params");
  if (params.empty()) params.resize(3);
  if (params.size() != 3) return contradiction(label, "kernel_params are not three numbers", where);
  return SvmKernel{static_cast<KernelKind>(kind - std::begin(kKinds)), params[0], params[1], params[2]};
}

template <class T>
SvmKernels<T>::SvmKernels(const num::Policy& policy, const SvmKernel& kernel, std::vector<T> vectors, size_t features)
    : arith_(policy), kernel_(kernel), features_(features), n_(features == 0 ? 0 : vectors.size() / features) {
  if (kernel.kind == KernelKind::rbf)
    vectors_ = std::move(vectors);
  else
    products_ = RowProducts<T>(policy, vectors.data(), n_, features);
}

template <class T>
void SvmKernels<T>::run(const T* x, T* y, std::vector<T>& scratch) const {
  if (kernel_.kind == KernelKind::rbf) {
    scratch.resize(features_);
    for (size_t i = 0; i < n_; ++i) {
      arith_.sub(x, vectors_.data() + i * features_, scratch.data(), features_);
      y[i] = arith_.sum_of_squares(scratch.data(), features_);
    }
    arith_.mul(y, T(-kernel_.gamma), y, n_);
    arith_.apply(num::Function::exp, y, y, n_);
    return;
  }
  products_.run(x, 0, n_, y, scratch);
  if (kernel_.kind == KernelKind::linear) return;
  arith_.mul(y, T(kernel_.gamma), y, n_);
  arith_.add(y, T(kernel_.coef0), y, n_);
  if (kernel_.kind == KernelKind::sigmoid) return arith_.apply(num::Function::tanh, y, y, n_);
  scratch.assign(n_, T(kernel_.degree));
  arith_.pow(y, scratch.data(), y, n_);
}

template class SvmKernels<float>;
template class SvmKernels<double>;

}  // namespace assay::ops
