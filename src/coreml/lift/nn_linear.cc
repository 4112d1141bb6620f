// Matrix products.
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

/// x W' + b over the last axis for up to three axes; over the last three, flattened, for more.
void lift_inner_product(NnLift& c) {
  const mil::Message& p = c.params();
  const int64_t in = p.integer("inputChannels"), out = p.integer("outputChannels");
  const ValueId w = c.weights("weights", {out, in});
  const ValueId b = p.integer("hasBias") != 0 ? c.weights("bias", {out}) : ir::kNoValue;
  ValueId x = c.in(0);
  const int64_t rank = c.rank(x);
  if (rank == 2) return c.result(c.op("Gemm", {x, w, b}, {{"transB", int64_t{1}}}));
  if (rank < 0) return c.unsupported("an input of unknown rank");
  if (rank > 3) {
    // [.., C, H, W] with C H W = in becomes [.., in] for the product and [.., out, 1, 1] behind it.
    const ValueId flat = c.op("Reshape", {x, c.ints(rank == 4 ? ir::Dims{0, -1} : ir::Dims{0, 0, -1})});
    ValueId y = c.op("MatMul", {flat, c.transpose(w, {1, 0})});
    if (b != ir::kNoValue) y = c.op("Add", {y, b});
    return c.result(c.unsqueeze(y, {-2, -1}));
  }
  const ValueId y = c.op("MatMul", {x, c.transpose(w, {1, 0})});
  c.result(b == ir::kNoValue ? y : c.op("Add", {y, b}));
}

constexpr NnRow kRows[] = {
    {"innerProduct", lift_inner_product},
};

}  // namespace

std::span<const NnRow> nn_linear_rows() { return kRows; }

}  // namespace assay::coreml
