// MatMul.
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

}  // namespace

Status matmul_to_mil(MilContext& c) {
  if (!ir::is_float(c.elem(0))) return c.refuse("products of integers have no counterpart that is known to be exact");
  return c.emit(
      "matmul",
      {{"x", c.in(0)}, {"y", c.in(1)}, {"transpose_x", mil::of_bool(false)}, {"transpose_y", mil::of_bool(false)}});
}

Status matmul_to_nn(NnContext& c) {
  if (!ir::is_float(c.elem(0))) return c.refuse("layers compute in floating point");
  if (const ir::Tensor* w = matrix_weight(c)) return weight_layer(c, *w);
  // Vectors become matrices of one row or column; the layer keeps that axis.
  NnSteps s(c);
  const bool row = c.rank(0) == 1, column = c.rank(1) == 1;
  const std::string a = row ? s.expand(c.in(0), {0}) : c.in(0), b = column ? s.expand(c.in(1), {1}) : c.in(1);
  if (!row && !column) return c.layer("batchedMatmul", {a, b});
  std::string y = s.matmul(a, b);
  if (row && column) return c.result(s.squeeze(y, {0}));  // a scalar is a blob of one element
  return c.result(s.squeeze(y, {row ? int64_t{-2} : int64_t{-1}}));
}

}  // namespace assay::ops
