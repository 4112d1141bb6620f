// Reductions over any set of axes, in the orders of docs/semantics.md 1: 16 lanes over the terms when the last axis is
// among the reduced, else plain ascending. What normalisations share with the Reduce operators.
#pragma once
#include <cstdint>
#include <vector>

#include "base/threads.h"
#include "ir/tensor.h"
#include "num/arith.h"

namespace assay::ops {

enum class Reduction : uint8_t { sum, mean, l1, l2, sum_square, log_sum, log_sum_exp, max, min, prod };

/// Where the terms of each result lie.
class ReducePlan {
 public:
  /// `reduced[k]`: axis k is reduced.
  ReducePlan(const ir::Dims& dims, const std::vector<bool>& reduced);

  int64_t results() const { return results_; }
  int64_t terms() const { return terms_; }
  bool last_reduced() const { return last_reduced_; }
  /// Results that lie beside each other, each step of a term too: 1 when the last axis is reduced.
  int64_t width() const { return width_; }
  /// Terms that lie beside each other.
  int64_t run() const { return run_; }
  /// Offset of the first term of result i (a multiple of width()).
  int64_t result_offset(int64_t i) const;
  /// Offsets of the runs of terms of one result, in row-major order.
  const std::vector<int64_t>& term_offsets() const { return term_offsets_; }

 private:
  struct Axis {
    int64_t extent, stride;
    bool reduced;
  };
  std::vector<Axis> kept_;
  std::vector<int64_t> term_offsets_;
  int64_t results_ = 1, terms_ = 1, width_ = 1, run_ = 1;
  bool last_reduced_;
};

/// out[i] = the reduction, unrounded by the policy's result. `out` has plan.results() elements.
template <class T>
void reduce(const num::Arith<T>& arith, Reduction kind, const ReducePlan& plan, const ir::Tensor& in, T* out,
            const Threads& threads);

/// Plain ascending sum of a contiguous run.
template <class T>
T ascending_sum(const num::Arith<T>& arith, const T* a, size_t n);

extern template void reduce(const num::Arith<float>&, Reduction, const ReducePlan&, const ir::Tensor&, float*,
                            const Threads&);
extern template void reduce(const num::Arith<double>&, Reduction, const ReducePlan&, const ir::Tensor&, double*,
                            const Threads&);
extern template float ascending_sum(const num::Arith<float>&, const float*, size_t);
extern template double ascending_sum(const num::Arith<double>&, const double*, size_t);

}  // namespace assay::ops
