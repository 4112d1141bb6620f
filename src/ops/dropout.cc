#include <cstring>

#include "ops/infer.h"
#include "ops/kernel.h"
#include "ops/move.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

// Inference: the input itself, and a mask of ones for those who ask.
Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const bool training = c.has(2) && c.in(2).size() == 1 && c.in(2).int_at(0) != 0;
  if (training && !(c.has(1) && c.in(1).float_at(0) == 0))
    return c.fail(Code::op_unsupported, "Dropout in training mode is random and is not supported");
  const ir::Tensor x = as_storage(c.in(0), c.out(0).elem());
  if (x.byte_size() != 0 && x.bytes() != c.out(0).bytes())
    std::memcpy(c.out(0).mutable_bytes(), x.bytes(), x.byte_size());
  if (c.outputs.size() > 1 && c.wants(1)) {
    ir::Tensor& mask = c.out(1);
    for (int64_t i = 0; i < mask.size(); ++i) {
      if (ir::is_float(mask.elem()))
        mask.set_float(i, 1);
      else
        mask.set_int(i, 1);
    }
  }
  return {};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(infer_same(c));
  if (c.wants(1)) c.set(1, ir::ElemType::boolean, c.type(0).shape);
  return {};
}

// Ratio and is_test were attributes; at inference neither matters.
Status drop_attributes(UpgradeContext& c) {
  for (const char* name : {"ratio", "is_test", "consumed_inputs"}) c.op.remove_attr(name);
  return {};
}

constexpr In kIn[] = {
    {"data", kFloats}, {"ratio", kFloats, kOptional | kExempt}, {"training_mode", kBool, kOptional | kExempt}};
constexpr Out kOut[] = {{"output"}, {"mask", kOptional}};
constexpr AttrDoc kAttrs[] = {{"seed", "-"}};
constexpr Upgrade kUpgrades[] = {{12, drop_attributes}};

}  // namespace

extern const OpDef kDropout = {
    .name = "Dropout",
    .since = 22,
    .doc = "The input (inference).",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
};

}  // namespace assay::ops
