// Probabilities of several classes from those of each pair of them.
#pragma once
#include <vector>

#include "num/arith.h"

namespace assay::ops {

/// The second method of Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling"
/// (2004), as libsvm iterates it. `pairs` is k by k: pairs[i][j] is the probability of class i against class j.
template <class T>
std::vector<T> coupled(const num::Arith<T>& arith, const std::vector<T>& pairs, size_t k) {
  constexpr int kMostRounds = 100;
  const auto r = [&](size_t i, size_t j) { return pairs[i * k + j]; };
  std::vector<T> q(k * k), p(k, arith.div(T(1), static_cast<T>(k))), qp(k);
  for (size_t t = 0; t < k; ++t) {
    for (size_t j = 0; j < k; ++j) {
      if (j == t) continue;
      q[t * k + t] = arith.add(q[t * k + t], arith.mul(r(j, t), r(j, t)));
      q[t * k + j] = -arith.mul(r(j, t), r(t, j));
    }
  }
  const T enough = arith.div(T(0.005f), static_cast<T>(k));
  for (int round = 0; round < kMostRounds; ++round) {
    T total = 0, worst = 0;
    for (size_t t = 0; t < k; ++t) {
      qp[t] = 0;
      for (size_t j = 0; j < k; ++j) qp[t] = arith.add(qp[t], arith.mul(q[t * k + j], p[j]));
      total = arith.add(total, arith.mul(p[t], qp[t]));
    }
    for (size_t t = 0; t < k; ++t) {
      const T error = arith.sub(qp[t], total);
      worst = std::max(worst, error < 0 ? -error : error);
    }
    if (worst < enough) break;
    for (size_t t = 0; t < k; ++t) {
      const T diagonal = q[t * k + t], step = arith.div(arith.sub(total, qp[t]), diagonal);
      const T scale = arith.add(T(1), step);
      p[t] = arith.add(p[t], step);
      const T gain = arith.mul(step, arith.add(arith.mul(step, diagonal), arith.mul(T(2), qp[t])));
      total = arith.div(arith.div(arith.add(total, gain), scale), scale);
      for (size_t j = 0; j < k; ++j) {
        qp[j] = arith.div(arith.add(qp[j], arith.mul(step, q[t * k + j])), scale);
        p[j] = arith.div(p[j], scale);
      }
    }
  }
  return p;
}

}  // namespace assay::ops
