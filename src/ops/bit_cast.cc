#include "ops/move.h"

namespace assay::ops {
namespace {

Status infer(InferContext& c) {
  const auto to = ir::elem_from_onnx(c.op().attr_int("to", 0));
  if (!to) return c.fail("bit_cast_c1", "unknown target type");
  if (ir::elem_bits(*to) == 0 || ir::elem_bits(*to) != ir::elem_bits(c.elem(0)))
    return c.fail("bit_cast_c2", "the types differ in width");
  c.set(0, *to, c.type(0).shape);
  return {};
}

Status eval(KernelContext& c) {
  if (ir::elem_bits(c.in(0).elem()) != ir::elem_bits(c.storage_out(0)))
    return c.fail(Code::type_unsupported, "the operand or the result is stored in another width than declared");
  return eval_view(c);
}

constexpr In kIn[] = {{"input", kAnything}};
constexpr Out kOut[] = {{"output"}};
constexpr AttrDoc kAttrs[] = {{"to", ""}};

}  // namespace

extern const OpDef kBitCast = {
    .name = "BitCast",
    .since = 26,
    .doc = "The same bits read as another type of the same width.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .infer = infer,
    .eval = eval,
};

}  // namespace assay::ops
