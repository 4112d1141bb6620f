#include <algorithm>

#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  if (c.ranked(0) && c.rank(0) < 2) return c.fail("trilu_c1", "the input is not a matrix");
  return infer_same(c);
}

Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const ir::Tensor& in = c.in(0);
  ir::Tensor& out = c.out(0);
  if (c.has(1) && c.in(1).size() != 1) return c.fail(Code::model_invalid, "k is not one element");
  const bool upper = c.op.attr_int("upper", 1) != 0;
  const int64_t columns = in.dims().back(), rows = in.dims()[in.dims().size() - 2];
  // Beyond the matrix every diagonal means the same.
  const int64_t k = std::clamp<int64_t>(c.has(1) ? c.in(1).int_at(0) : 0, -rows - 1, columns + 1);
  ir::Tensor zero = ir::Tensor::allocate(in.elem(), {});
  if (in.elem() != ir::ElemType::string) std::fill_n(zero.mutable_bytes(), zero.byte_size(), std::byte{0});
  for (int64_t line = 0; columns > 0 && line < in.size() / columns; ++line) {
    const int64_t i = line % rows, at = line * columns;
    const int64_t border = std::clamp<int64_t>(i + k + (upper ? 0 : 1), 0, columns);
    if (upper) {
      fill_run(zero, 0, out, at, border);
      copy_run(in, at + border, out, at + border, columns - border);
    } else {
      copy_run(in, at, out, at, border);
      fill_run(zero, 0, out, at + border, columns - border);
    }
  }
  return {};
}

constexpr In kIn[] = {{"input", kAnything}, {"k", kInt64, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"upper", "1"}};

}  // namespace

extern const OpDef kTrilu = {
    .name = "Trilu",
    .since = 14,
    .doc = "The upper or lower triangle of each matrix; zero elsewhere.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
};

}  // namespace assay::ops
