// Matrix products.
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// x W' + b over the last axis. A matrix is what Gemm takes; other ranks go through MatMul.
void lift_linear(MilLift& c) {
  const ValueId x = c.in("x"), w = c.in("weight"), b = c.optional_in("bias");
  if (c.rank(x) == 2) return c.result(c.op("Gemm", {x, w, b}, {{"transB", int64_t{1}}}));
  const ValueId product = c.op("MatMul", {x, c.transpose(w, {1, 0})});
  c.result(b == ir::kNoValue ? product : c.op("Add", {product, b}));
}

constexpr MilRow kRows[] = {
    {"linear", lift_linear},
};

}  // namespace

std::span<const MilRow> mil_linear_rows() { return kRows; }

}  // namespace assay::coreml
