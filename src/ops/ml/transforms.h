// What classifiers and regressors do with their scores.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "ir/graph.h"
#include "num/arith.h"

namespace assay::ops {

/// Numbered as TreeEnsemble's attribute.
enum class Transform : uint8_t { none, softmax, logistic, softmax_zero, probit };

/// Attribute `post_transform`, a name; nullopt when it is none.
std::optional<Transform> transform_of(const ir::Op& op);

/// The transform of several scores, in place.
template <class T>
void transform(const num::Arith<T>& arith, Transform kind, T* scores, size_t n);
/// Of a score that stands alone only PROBIT changes anything.
template <class T>
void transform_lone(const num::Arith<T>& arith, Transform kind, T* score);
/// The scores of the first and second of two classes from the one score of the second: logistic(-s) and logistic(s), or
/// `opposite`(s) and s.
enum class Opposite : uint8_t { complement, negative };  ///< 1 - s, -s
template <class T>
void two_scores(const num::Arith<T>& arith, Transform kind, Opposite opposite, T score, T* two);

extern template void transform(const num::Arith<float>&, Transform, float*, size_t);
extern template void transform(const num::Arith<double>&, Transform, double*, size_t);
extern template void transform_lone(const num::Arith<float>&, Transform, float*);
extern template void transform_lone(const num::Arith<double>&, Transform, double*);
extern template void two_scores(const num::Arith<float>&, Transform, Opposite, float, float*);
extern template void two_scores(const num::Arith<double>&, Transform, Opposite, double, double*);

/// The place of the largest score: the first of equal ones, and the first score unless one is above it.
template <class T>
size_t top_of(const T* scores, size_t n) {
  size_t top = 0;
  for (size_t i = 1; i < n; ++i)
    if (scores[i] > scores[top]) top = i;
  return top;
}

inline constexpr num::Function kTransformFunctions[] = {num::Function::exp, num::Function::log};

}  // namespace assay::ops
