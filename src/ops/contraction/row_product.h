// One row times a matrix, read where it lies: packing would cost more than the product.
#pragma once
#include "ops/contraction/matrix_product.h"

namespace assay::ops::contraction {

/// Computes the product when it is of this shape and policy (one row, B contiguous along n, fused chain, no operand
/// rounding); false, with nothing done, when it is not. Same bits as the blocked driver.
template <class T>
bool row_product(KernelContext& c, const MatrixProduct& product, const Finish<T>& finish);

/// Whether row_product would take a product of `m` rows with this B: then packing B is not worth it.
bool suits_row_product(size_t m, const MatrixView& b, const num::Policy& policy);

}  // namespace assay::ops::contraction
