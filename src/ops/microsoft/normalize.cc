// Normalisations with the sums in front of them.
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

std::vector<ir::Attr> last_axis(const Compose& c) {
  return {{"axis", int64_t{-1}}, {"epsilon", c.node().attr_float("epsilon", 1e-12f)}};
}

/// Mean and inverse deviation are outputs 1 and 2.
void layer_norm(Compose& c, Id x, Id scale, Id bias) {
  const auto output = [&](size_t i) { return c.wants(i) ? c.node().outputs[i] : ir::kNoValue; };
  std::vector<Id> outputs = {output(0)};
  if (c.wants(1) || c.wants(2)) outputs = {output(0), output(1), output(2)};
  c.write("LayerNormalization", {x, scale, bias}, last_axis(c), std::move(outputs));
}

/// input + skip (+ bias), which is output 3 too.
Id skip_sum(Compose& c, size_t bias) {
  Id sum = c.op("Add", {c.in(0), c.in(1)});
  if (c.has(bias)) sum = c.op("Add", {sum, c.in(bias)});
  if (!c.wants(3)) return sum;
  c.give(3, sum);
  return c.node().outputs[3];
}

Status skip_layer(Compose& c) {
  layer_norm(c, skip_sum(c, 4), c.in(2), c.in(3));
  return {};
}

Status skip_simplified(Compose& c) {
  c.give(0, c.op("RMSNormalization", {skip_sum(c, 3), c.in(2)}, last_axis(c)));
  return {};
}

Status simplified(Compose& c) {
  c.give(0, c.op("RMSNormalization", {c.in(0), c.in(1)}, c.node().attrs));
  return {};
}

/// How many elements of each row of the mask are 1; 0 without a mask.
Id mask_index(Compose& c) {
  if (!c.has(7)) {
    ir::Tensor zero = ir::Tensor::allocate(ir::ElemType::int32, {});
    zero.set_int(0, 0);
    return c.op("Expand", {c.constant(std::move(zero)), c.shape(c.in(0), 0, 1)});
  }
  const Id ones = c.op("Equal", {c.in(7), c.number(1, c.in(7))});
  return c.op("ReduceSum", {c.cast(ones, ir::ElemType::int32), c.ints({1})}, {{"keepdims", int64_t{0}}});
}

Status embed(Compose& c) {
  const Id words = c.op("Gather", {c.in(2), c.in(0)});
  const Id positions =
      c.has(8) ? c.op("Gather", {c.in(3), c.in(8)}) : c.slice(c.in(3), 0, c.ints({0}), c.shape(c.in(0), 1, 2));
  Id sum = c.op("Add", {words, positions});
  if (c.has(4)) {
    if (!c.has(1)) return c.fail("input 4 (segment_embedding) without input 1 (segment_ids)");
    sum = c.op("Add", {sum, c.op("Gather", {c.in(4), c.in(1)})});
  }
  if (c.wants(2)) {
    c.give(2, sum);
    sum = c.node().outputs[2];
  }
  if (c.wants(1)) c.give(1, mask_index(c));
  c.give(0, c.op("LayerNormalization", {sum, c.in(5), c.in(6)}, last_axis(c)));
  return {};
}

constexpr In kSkipIn[] = {{"input", kFloats},
                          {"skip", kFloats},
                          {"gamma", kFloats},
                          {"beta", kFloats, kOptional},
                          {"bias", kFloats, kOptional}};
constexpr In kSkipSimplifiedIn[] = {
    {"input", kFloats}, {"skip", kFloats}, {"gamma", kFloats}, {"bias", kFloats, kOptional}};
constexpr In kSimplifiedIn[] = {{"X", kFloats}, {"scale", kFloats | kInts}};  // may differ in type
constexpr ir::TypeSet kInt32 = type_set(ir::ElemType::int32);
constexpr In kEmbedIn[] = {{"input_ids", kIndices},
                           {"segment_ids", kIndices, kOptional},
                           {"word_embedding", kFloats},
                           {"position_embedding", kFloats},
                           {"segment_embedding", kFloats, kOptional},
                           {"gamma", kFloats},
                           {"beta", kFloats},
                           {"mask", kInt32, kOptional},
                           {"position_ids", kIndices, kOptional}};
constexpr Out kSkipOut[] = {
    {"output"}, {"mean", kOptional}, {"inv_std_var", kOptional}, {"input_skip_bias_sum", kOptional}};
constexpr Out kSimplifiedOut[] = {{"Y"}, {"inv_std_var", kOptional}};
constexpr Out kEmbedOut[] = {{"output"}, {"mask_index", kOptional}, {"embedding_sum", kOptional}};
constexpr AttrDoc kEpsilon[] = {{"epsilon", "1e-12"}};
constexpr AttrDoc kSimplifiedAttrs[] = {{"axis", "-1"}, {"epsilon", "1e-05"}, {"stash_type", "1"}};
constexpr AttrDoc kEmbedAttrs[] = {{"epsilon", "1e-12"}, {"mask_index_type", "-"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftEmbedLayerNormalization, kMicrosoft, "EmbedLayerNormalization", kEmbedIn, kEmbedOut,
               kEmbedAttrs, embed, "The sum of embeddings of words, positions and segments, LayerNormalization.")
ASSAY_COMPOSED(kMicrosoftSkipLayerNormalization, kMicrosoft, "SkipLayerNormalization", kSkipIn, kSkipOut, kEpsilon,
               skip_layer, "input + skip + bias, LayerNormalization.")
ASSAY_COMPOSED(kMicrosoftSkipSimplifiedLayerNormalization, kMicrosoft, "SkipSimplifiedLayerNormalization",
               kSkipSimplifiedIn, kSkipOut, kEpsilon, skip_simplified, "input + skip + bias, RMSNormalization.")
ASSAY_COMPOSED(kSimplifiedLayerNormalization, "", "SimplifiedLayerNormalization", kSimplifiedIn, kSimplifiedOut,
               kSimplifiedAttrs, simplified, "ONNX Runtime's name of RMSNormalization.")

}  // namespace assay::ops
