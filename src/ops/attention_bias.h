// What Attention adds to the scores of one query: the mask, and -infinity for keys that it must not see.
#pragma once
#include <vector>

#include "ops/attention_shapes.h"
#include "ops/kernel.h"

namespace assay::ops {

template <class T>
class AttentionBias {
 public:
  AttentionBias(const KernelContext& c, const AttentionShapes& s);
  /// Fills one element a key; true when the query may see none of them. `scratch` is any vector of the caller's.
  bool fill(int64_t batch, int64_t head, int64_t query, T* bias, std::vector<T>& scratch) const;

 private:
  void copy_mask(int64_t batch, int64_t head, int64_t query, T* bias, std::vector<T>& scratch) const;

  const ir::Tensor* mask_;
  int64_t mask_strides_[3] = {0, 0, 0};  ///< of batch, head, query
  int64_t mask_keys_ = 0;
  int64_t queries_, total_, past_;
  std::vector<int64_t> valid_;  ///< keys that are no padding, a batch; empty: all
  bool causal_;
  int64_t left_, right_;  ///< -1: unbounded
};

}  // namespace assay::ops
