// Packing: operands in any floating-point storage become panels of the compute type, [k][width], zero-padded to the
// panel's width. Widening happens here and nowhere else; operand rounding (TF32, bfloat16 math modes) too.
#pragma once
#include <cstddef>

#include "ir/tensor.h"
#include "num/policy.h"
#include "ops/contraction/tile.h"

namespace assay::ops::contraction {

/// A matrix inside a tensor: element (i, j) at data[begin + i * row_stride + j * column_stride], where one of the
/// strides is 1 (or the matrix has a single row or column).
struct MatrixView {
  const std::byte* data = nullptr;
  ir::ElemType elem = ir::ElemType::undefined;
  size_t begin = 0;
  size_t row_stride = 0;
  size_t column_stride = 1;
};

/// n contiguous elements from `begin`, widened (narrowed once, float64 to float) to T.
template <class T>
void widen(const std::byte* data, ir::ElemType elem, size_t begin, size_t n, T* out);
template <>
void widen<float>(const std::byte*, ir::ElemType, size_t, size_t, float*);
template <>
void widen<double>(const std::byte*, ir::ElemType, size_t, size_t, double*);

/// to[k * width + j] = element (k0 + k, j0 + j) of `from` for k < kc, j < count; zero for count <= j < width.
template <class T>
void pack(const MatrixView& from, size_t k0, size_t kc, size_t j0, size_t count, size_t width, T* to);
template <>
void pack<float>(const MatrixView&, size_t, size_t, size_t, size_t, size_t, float*);
template <>
void pack<double>(const MatrixView&, size_t, size_t, size_t, size_t, size_t, double*);

/// Rounds packed operands as the policy says they enter the contraction.
template <class T>
void round_operands(T* values, size_t n, const num::Policy& policy);
/// What operands stored as `a` and `b` are when they enter.
Operands operands_of(const num::Policy& policy, ir::ElemType a, ir::ElemType b);
/// Whether round_operands changes anything.
bool rounds_operands(const num::Policy& policy);

}  // namespace assay::ops::contraction
