// Matrix products.
#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// The extents of x with the last one replaced, for a Reshape: one unknown extent is -1, more are read when it runs.
ValueId shape_with_last(MilLift& c, ValueId x, int64_t last) {
  ir::Dims dims;
  int unknown = 0;
  for (int64_t k = 0; k + 1 < c.rank(x); ++k) {
    dims.push_back(c.dim(x, k));
    unknown += c.dim(x, k) < 0;
  }
  dims.push_back(last);
  if (unknown <= 1) return c.ints(dims);
  const ValueId front = c.op("Shape", {x}, {{"start", int64_t{0}}, {"end", int64_t{-1}}});
  return c.op("Concat", {front, c.ints({last})}, {{"axis", int64_t{0}}});
}

/// x W' + b over the last axis, as one Gemm over all rows: the product and the bias are one operation of the file.
void lift_linear(MilLift& c) {
  const ValueId x = in_widest(c, {"weight", "bias"}), w = in_like(c, "weight", x), b = optional_in_like(c, "bias", x);
  const int64_t inputs = c.dim(w, 1), outputs = c.dim(w, 0);
  if (c.rank(x) < 1 || inputs < 0 || outputs < 0) return c.bad("x has no axes, or weight is no matrix of known size");
  const ValueId rows = c.rank(x) == 2 ? x : c.reshape(x, {-1, inputs});
  const ValueId product = c.op("Gemm", {rows, w, b}, {{"transB", int64_t{1}}});
  if (c.rank(x) == 2) return c.result(product);
  c.result(c.op("Reshape", {product, shape_with_last(c, x, outputs)}, {{"allowzero", int64_t{1}}}));
}

ValueId swapped(MilLift& c, ValueId x) {
  ir::Dims perm;
  for (int64_t k = 0; k < c.rank(x); ++k) perm.push_back(k);
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return c.transpose(x, perm);
}

void lift_matmul(MilLift& c) {
  ValueId x = in_widest(c, {"y"}), y = in_like(c, "y", x);
  const bool turn_x = c.flag("transpose_x", false) && c.rank(x) > 1,
             turn_y = c.flag("transpose_y", false) && c.rank(y) > 1;
  if ((turn_x || turn_y) && c.rank(x) == 2 && c.rank(y) == 2)
    return c.result(c.op("Gemm", {x, y}, {{"transA", int64_t{turn_x}}, {"transB", int64_t{turn_y}}}));
  if (turn_x) x = swapped(c, x);
  if (turn_y) y = swapped(c, y);
  c.result(c.op("MatMul", {x, y}));
}

void lift_einsum(MilLift& c) { c.result(c.op("Einsum", c.all("values"), {{"equation", c.text("equation", "")}})); }

constexpr MilRow kRows[] = {
    {"einsum", lift_einsum},
    {"linear", lift_linear},
    {"matmul", lift_matmul},
};

}  // namespace

std::span<const MilRow> mil_linear_rows() { return kRows; }

}  // namespace assay::coreml
