#include <algorithm>
#include <vector>

#include "ops/elementwise.h"
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

/// The bits are those of the declared types: what a policy stores narrower is widened before and rounded behind.
Status eval(KernelContext& c) {
  const ir::Tensor& in = c.in(0);
  const bool narrow_in = in.elem() != c.declared_in(0), narrow_out = c.storage_out(0) != c.declared_out(0);
  if (narrow_in == narrow_out && ir::elem_bits(in.elem()) == ir::elem_bits(c.storage_out(0))) return eval_view(c);
  if (ir::elem_bits(in.elem()) > 32 || ir::elem_bits(c.storage_out(0)) > 32 || narrow_in == narrow_out)
    return c.fail(Code::type_unsupported, "the operand or the result is stored in another width than declared");
  ASSAY_CHECK(allocate_outputs(c));
  const auto n = static_cast<size_t>(in.size());
  std::vector<float> values(n);
  if (narrow_in) {
    const float* wide = load(in, 0, n, values.data());
    std::copy_n(reinterpret_cast<const std::byte*>(wide), n * sizeof(float), c.out(0).mutable_bytes());
  } else {
    std::copy_n(in.bytes(), n * sizeof(float), reinterpret_cast<std::byte*>(values.data()));
    store(c.out(0), 0, n, values.data(), c.policy());
  }
  return {};
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
    .to_mil = {nullptr, "ML Programs have no operation that reads bits as another type"},
    .to_nn = {nullptr, "no layer reads bits as another type"},
};

}  // namespace assay::ops
