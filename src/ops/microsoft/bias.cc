// Additions fused with what follows them.
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

Status add(Compose& c) {
  c.give(0, c.op("Add", {c.op("Add", {c.in(0), c.in(1)}), c.in(2)}));
  return {};
}

/// All axes from `axis` on are one row.
Status softmax(Compose& c) {
  const Id x = c.op("Add", {c.in(0), c.in(1)});
  const int64_t axis = c.node().attr_int("axis", 1);
  if (!c.ranked(x)) return c.fail("the rank of the data is not known");
  const int64_t rank = c.rank(x), first = axis < 0 ? axis + rank : axis;
  if (first < 0 || first >= rank)
    return c.fail("axis " + std::to_string(axis) + " lies outside of rank " + std::to_string(rank));
  if (first == rank - 1) {
    c.give(0, c.op("Softmax", {x}, {{"axis", int64_t{-1}}}));
    return {};
  }
  const Id rows = c.op("Flatten", {x}, {{"axis", first}});
  c.give(0, c.op("Reshape", {c.op("Softmax", {rows}, {{"axis", int64_t{-1}}}), c.op("Shape", {x})}));
  return {};
}

bool known_false(const Compose& c, size_t i) {
  const ir::Tensor* value = c.has(i) ? c.known(c.in(i)) : nullptr;
  return !c.has(i) || (value && value->size() == 1 && value->int_at(0) == 0);
}

Status dropout(Compose& c) {
  if (!known_false(c, 4)) return c.refuse("training_mode is not known to be false", "export the model for inference");
  const Id sum = c.op("Add", {c.in(0), c.in(1)});
  if (c.wants(1)) {
    ir::Tensor kept = ir::Tensor::allocate(ir::ElemType::boolean, {});
    kept.set_int(0, 1);
    c.give(1, c.op("Expand", {c.constant(std::move(kept)), c.op("Shape", {sum})}));
  }
  c.give(0, c.has(2) ? c.op("Add", {sum, c.in(2)}) : sum);
  return {};
}

constexpr In kAddIn[] = {{"X", kFloats}, {"bias", kFloats}, {"skip", kFloats}};
constexpr In kSoftmaxIn[] = {{"data", kFloats}, {"bias", kFloats}};
constexpr In kDropoutIn[] = {{"data", kFloats},
                             {"bias", kFloats},
                             {"residual", kFloats, kOptional},
                             {"ratio", kFloats | kBool, kOptional},  // of a type of its own
                             {"training_mode", kBool, kOptional}};
constexpr Out kY[] = {{"Y"}};
constexpr Out kDropoutOut[] = {{"output"}, {"mask", kOptional}};
constexpr AttrDoc kSoftmaxAttrs[] = {{"axis", "1"}, {"is_inner_broadcast", "-"}};
constexpr AttrDoc kDropoutAttrs[] = {{"seed", "-"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftBiasAdd, kMicrosoft, "BiasAdd", kAddIn, kY, {}, add, "X + bias + skip.")
ASSAY_COMPOSED(kMicrosoftBiasDropout, kMicrosoft, "BiasDropout", kDropoutIn, kDropoutOut, kDropoutAttrs, dropout,
               "data + bias + residual: Dropout of inference.")
ASSAY_COMPOSED(kMicrosoftBiasSoftmax, kMicrosoft, "BiasSoftmax", kSoftmaxIn, kY, kSoftmaxAttrs, softmax,
               "Add, then Softmax over the axes from `axis` on together.")

}  // namespace assay::ops
