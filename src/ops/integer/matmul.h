// What the operators share that multiply matrices of 8-bit codes as numpy.matmul does: shapes, zero points and scales
// of rows and columns, packed constants.
#pragma once
#include <memory>
#include <string_view>

#include "ops/integer/product.h"
#include "ops/kernel.h"
#include "ops/product_shape.h"

namespace assay::ops::integer {

/// Which inputs of an operator are the operands; kNone: there is none.
inline constexpr size_t kNone = SIZE_MAX;
struct Operands {
  size_t a, a_zero, b, b_zero;
};

/// Scales or zero points at input `input` for the rows of A (`rows`) or the columns of B: one for all, a vector of one
/// each, or [..., M, 1] ([..., 1, N]) with the operand's own leading dimensions. Nothing where the input is absent.
template <class T>
Result<PerLine<T>> per_line(const KernelContext& c, size_t input, std::string_view name, const ir::Tensor& operand,
                            const ProductShapes& shapes, bool rows);

/// The product with everything but the scales, checked.
Result<IntegerProduct> integer_product(const KernelContext& c, const Operands& operands);

/// B, when it is one constant matrix whose zero points are constant too; null otherwise. For a row's `prepare`.
Result<std::shared_ptr<const void>> prepare_columns(PrepareContext& c, size_t b, size_t b_zero);

/// A zero point has the type of what it belongs to.
Status check_zero_point_type(InferContext& c, size_t operand, size_t zero, std::string_view label);

}  // namespace assay::ops::integer
