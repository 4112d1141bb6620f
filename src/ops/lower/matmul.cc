// MatMul.
#include <algorithm>

#include "ops/lower/families.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

/// A constant matrix as the second operand, of a type whose numbers can be written transposed.
const ir::Tensor* matrix_weight(const NnContext& c) {
  const ir::Tensor* w = c.constant(1);
  return w != nullptr && w->rank() == 2 && w->elem() == ir::ElemType::float32 && c.rank(0) >= 2 ? w : nullptr;
}

Status weight_layer(NnContext& c, const ir::Tensor& w) {
  ASSAY_TRY(mil::Weights weights, nn_weights_transposed(w));
  const int64_t in = w.dims()[0], out = w.dims()[1];
  if (c.rank(0) <= 3) {
    mil::Message params = c.params("innerProduct");
    params.set("inputChannels", in).set("outputChannels", out).set("hasBias", int64_t{0});
    return c.layer("innerProduct", {c.in(0)}, std::move(params.set("weights", std::move(weights))));
  }
  mil::Message params = c.params("batchedMatmul");
  params.set("weightMatrixFirstDimension", in).set("weightMatrixSecondDimension", out).set("hasBias", int64_t{0});
  return c.layer("batchedMatmul", {c.in(0)}, std::move(params.set("weights", std::move(weights))));
}

/// Vectors become matrices of one row or column: coremltools has no shape for products of them, layers keep that axis.
template <class S>
typename S::Value as_matrix(S& s, size_t operand) {
  const auto v = s.in(operand);
  return s.c.rank(operand) == 1 ? s.expand(v, {operand == 0 ? 0 : 1}) : v;
}

/// Without the rows and columns that vectors were given.
template <class S>
Status product_of_vectors(S s) {
  const bool row = s.c.rank(0) == 1, column = s.c.rank(1) == 1;
  const int64_t rank = std::max<int64_t>({2, s.c.rank(0), s.c.rank(1)});
  const auto a = as_matrix(s, 0), b = as_matrix(s, 1);
  const auto y = s.matmul(a, b);
  if (row && column) return s.result(s.squeeze(y, s.scalar_axes()));
  return s.result(s.squeeze(y, {row ? rank - 2 : rank - 1}));
}

}  // namespace

Status matmul_to_mil(MilContext& c) {
  if (!ir::is_float(c.elem(0))) return c.refuse("products of integers have no counterpart that is known to be exact");
  if (c.rank(0) == 1 || c.rank(1) == 1) return product_of_vectors(MilSteps(c));
  // linear takes up to three axes; Core ML's own converter writes products with a constant matrix so.
  const ir::Tensor* w = c.constant(1);
  if (w != nullptr && w->rank() == 2 && w->elem() == ir::ElemType::float32 && c.rank(0) >= 2 && c.rank(0) <= 3)
    return c.emit("linear", {{"x", c.in(0)}, {"weight", c.transposed_constant(1)}});
  return c.emit(
      "matmul",
      {{"x", c.in(0)}, {"y", c.in(1)}, {"transpose_x", mil::of_bool(false)}, {"transpose_y", mil::of_bool(false)}});
}

Status matmul_to_nn(NnContext& c) {
  if (!ir::is_float(c.elem(0))) return c.refuse("layers compute in floating point");
  if (const ir::Tensor* w = matrix_weight(c)) return weight_layer(c, *w);
  if (c.rank(0) == 1 || c.rank(1) == 1) return product_of_vectors(NnSteps(c));
  return c.layer("batchedMatmul", {c.in(0), c.in(1)});
}

}  // namespace assay::ops
