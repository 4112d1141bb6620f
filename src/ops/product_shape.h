// Shapes of matrix products as numpy.matmul forms them: leading dimensions broadcast, vectors are rows or columns.
#pragma once
#include <optional>
#include <vector>

#include "ops/infer.h"

namespace assay::ops {

/// Shape of input `a` times input `b`; nullopt while a rank is not known.
Result<std::optional<std::vector<ir::Dim>>> infer_product(InferContext& c, size_t a, size_t b);

struct ProductShapes {
  size_t m = 0, n = 0, k = 0;
  ir::Dims a_batch, b_batch, batch;  ///< of equal rank: missing leading dimensions are 1
};
/// Of operands that inference has accepted.
ProductShapes product_shapes(ir::Dims a, ir::Dims b);

/// Number of elements of a box.
size_t extent_of(const ir::Dims& dims);
/// Where each batch of the result finds its matrix (of `matrix` elements) in an operand whose batch dimensions
/// broadcast.
std::vector<size_t> matrix_offsets(const ir::Dims& own, const ir::Dims& all, size_t matrix);

}  // namespace assay::ops
