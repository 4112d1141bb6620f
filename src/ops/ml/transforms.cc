#include "ops/ml/transforms.h"

#include <algorithm>
#include <string>
#include <vector>

#include "ops/span.h"

namespace assay::ops {
namespace {

constexpr std::string_view kNames[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};

template <class T>
void logistic(const num::Arith<T>& arith, T* x, size_t n) {
  for_blocks(n, [&](size_t i, size_t m) { sigmoid_block(arith, x + i, x + i, m); });
}

template <class T>
void softmax(const num::Arith<T>& arith, T* x, size_t n) {
  arith.sub(x, arith.max_of(x, n), x, n);
  arith.apply(num::Function::exp, x, x, n);
  arith.div(x, arith.sum(x, n), x, n);
}

/// Scores of 0 (up to 1e-7) stay 0: they become s * exp(-maximum), and are not in the sum.
template <class T>
void softmax_zero(const num::Arith<T>& arith, T* x, size_t n) {
  constexpr float kZero = 1e-7f;
  const T most = arith.max_of(x, n), small = arith.apply(num::Function::exp, -most);
  std::vector<T> terms(n);
  for (size_t i = 0; i < n; ++i) {
    const bool zero = x[i] >= -kZero && x[i] <= kZero;
    x[i] = zero ? arith.mul(x[i], small) : arith.apply(num::Function::exp, arith.sub(x[i], most));
    terms[i] = zero ? T(0) : x[i];
  }
  arith.div(x, arith.sum(terms.data(), n), x, n);
}

/// sqrt(2) * erfinv(2 s - 1) by the approximation that ONNX's reference and ONNX Runtime share: with w = 1 - x^2,
/// a = 0.147 and v = 2 / (pi a) + log(w) / 2, erfinv(x) = sign(x) sqrt(sqrt(v^2 - log(w) / a) - v).
template <class T>
T probit(const num::Arith<T>& arith, T s) {
  const T x = arith.sub(arith.mul(T(2), s), T(1));
  const T w = arith.mul(arith.sub(T(1), x), arith.add(T(1), x));
  const T log = arith.apply(num::Function::log, w);
  const T v = arith.add(arith.div(T(2), arith.mul(T(3.14159f), T(0.147f))), arith.mul(T(0.5f), log));
  const T square = arith.sub(arith.mul(v, v), arith.mul(arith.div(T(1), T(0.147f)), log));
  const T root = arith.sqrt(arith.sub(arith.sqrt(square), v));
  return arith.mul(T(1.41421356f), x < 0 ? -root : root);
}

}  // namespace

std::optional<Transform> transform_of(const ir::Op& op) {
  const std::string name = op.attr_string("post_transform", "NONE");
  const auto* found = std::ranges::find(kNames, name);
  if (found == std::end(kNames)) return std::nullopt;
  return static_cast<Transform>(found - std::begin(kNames));
}

template <class T>
void transform(const num::Arith<T>& arith, Transform kind, T* scores, size_t n) {
  switch (kind) {
    case Transform::none:
      return;
    case Transform::softmax:
      return softmax(arith, scores, n);
    case Transform::logistic:
      return logistic(arith, scores, n);
    case Transform::softmax_zero:
      return softmax_zero(arith, scores, n);
    case Transform::probit:
      for (size_t i = 0; i < n; ++i) scores[i] = probit(arith, scores[i]);
  }
}

template <class T>
void transform_lone(const num::Arith<T>& arith, Transform kind, T* score) {
  if (kind == Transform::probit) transform(arith, kind, score, 1);
}

template <class T>
void two_scores(const num::Arith<T>& arith, Transform kind, Opposite opposite, T score, T* two) {
  two[1] = score;
  if (kind == Transform::logistic) {
    two[0] = -score;
    return logistic(arith, two, 2);
  }
  transform_lone(arith, kind, &two[1]);
  two[0] = opposite == Opposite::negative ? -two[1] : arith.sub(T(1), two[1]);
}

template void transform(const num::Arith<float>&, Transform, float*, size_t);
template void transform(const num::Arith<double>&, Transform, double*, size_t);
template void transform_lone(const num::Arith<float>&, Transform, float*);
template void transform_lone(const num::Arith<double>&, Transform, double*);
template void two_scores(const num::Arith<float>&, Transform, Opposite, float, float*);
template void two_scores(const num::Arith<double>&, Transform, Opposite, double, double*);

}  // namespace assay::ops
