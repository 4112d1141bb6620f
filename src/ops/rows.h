// Kernels along one axis: the tensor as [outer, n, inner].
#pragma once
#include <cstdint>

#include "ir/tensor.h"

namespace assay::ops {

struct AxisSplit {
  int64_t outer = 1, n = 1, inner = 1;
};
/// `axis` in [0, rank); axis == rank gives n = 1.
inline AxisSplit split_at(const ir::Dims& dims, int64_t axis) {
  AxisSplit s;
  for (int64_t k = 0; k < static_cast<int64_t>(dims.size()); ++k)
    (k < axis ? s.outer : k == axis ? s.n : s.inner) *= dims[static_cast<size_t>(k)];
  return s;
}

}  // namespace assay::ops
