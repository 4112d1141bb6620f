// Batched matrix products over tensors: what MatMul, Gemm, Einsum and attention share above the blocked driver.
#pragma once
#include <memory>
#include <vector>

#include "ops/contraction/epilogue.h"
#include "ops/contraction/pack.h"

namespace assay::ops::contraction {

/// C[batch][m][n] = A[batch][m][k] * B[batch][k][n].
struct MatrixProduct {
  size_t batches = 1, m = 0, n = 0, k = 0;
  MatrixView a;                              ///< row k, column m
  MatrixView b;                              ///< row k, column n
  std::vector<size_t> a_offsets, b_offsets;  ///< elements, one per batch; empty: 0
  Addend addend{};
  float alpha = 1;
};

/// A view of the transposed or plain matrix [rows][columns] at the start of a tensor, seen with k as its rows.
MatrixView matrix_view(const ir::Tensor& t, size_t rows, size_t columns, bool k_is_column);

/// Computes into output 0 under the operation's policy; `prepared` is what prepare_b made, or null.
Status multiply(KernelContext& c, const MatrixProduct& product, const void* prepared);

/// Packs a constant B for later calls of multiply().
Result<std::shared_ptr<const void>> prepare_b(PrepareContext& c, const MatrixView& b, size_t batches,
                                              const std::vector<size_t>& offsets, size_t n, size_t k);

/// Whether the operation of a prepare context computes in float64.
bool prepares_float64(const PrepareContext& c);

}  // namespace assay::ops::contraction
