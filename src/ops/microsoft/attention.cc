// Attention as ONNX Runtime's optimiser finds it in encoders: the projection of its input is part of it.
#include "ops/microsoft/attend.h"
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

/// Queries, keys and values of all heads, [B, S, D] each.
Result<std::vector<Id>> project(Compose& c) {
  Id all = c.op("MatMul", {c.in(0), c.in(1)});
  if (c.has(2)) all = c.op("Add", {all, c.in(2)});
  const ir::Dims sizes = c.node().attr_ints("qkv_hidden_sizes");
  if (sizes.empty()) return c.several("Split", {all}, 3, {{"axis", int64_t{-1}}, {"num_outputs", int64_t{3}}});
  if (sizes.size() != 3) return c.fail("qkv_hidden_sizes has " + std::to_string(sizes.size()) + " elements, not 3");
  return c.several("Split", {all, c.ints(sizes)}, 3, {{"axis", int64_t{-1}}});
}

/// Half `k` of `past`, [2, B, N, P, H], in front of x along the positions.
Id behind_past(Compose& c, Id x, int64_t k) {
  if (!c.has(4)) return x;
  const Id past = c.op("Squeeze", {c.slice(c.in(4), 0, k, k + 1), c.ints({0})});
  return c.concat({past, x}, 2);
}

Status attention(Compose& c) {
  const int64_t heads = c.node().attr_int("num_heads", 0);
  if (heads <= 0) return c.fail("num_heads is " + std::to_string(heads));
  if (c.node().attr_int("do_rotary", 0) != 0)
    return c.refuse("rotary embedding inside Attention is not written", "export RotaryEmbedding as a node of its own");
  if (c.node().attr_int("past_present_share_buffer", 0) != 0)
    return c.refuse("one buffer for past and present is not written", "export with past_present_share_buffer = 0");
  ASSAY_TRY(const std::vector<Id> parts, project(c));
  const Id k_new = split_heads(c, parts[1], heads), v_new = split_heads(c, parts[2], heads);
  const Heads all{split_heads(c, parts[0], heads), behind_past(c, k_new, 0), behind_past(c, v_new, 1)};
  if (c.wants(1)) c.give(1, c.concat({c.unsqueeze(all.k, {0}), c.unsqueeze(all.v, {0})}, 0));
  ASSAY_TRY(const float scale, scale_of(c, all.q));
  const Id products = scores(c, all, scale);
  const Id past = c.has(4) ? c.shape(c.in(4), 3, 4) : c.ints({0});
  const MaskForm form{
      3, c.shape(c.in(0), 0, 1), c.shape(c.in(0), 1, 2), past, c.shape(all.k, 2, 3), c.extent(c.in(0), 0), true};
  ASSAY_TRY(const Id mask, key_mask(c, form, products));
  const bool causal = c.node().attr_int("unidirectional", 0) != 0;
  const Id behind = causal ? causal_mask(c, form, kHidden, products) : ir::kNoValue;
  const Id added = sum_of(c, {c.in(5), mask, behind});
  const Id masked = sum_of(c, {products, added});
  const Id shares = c.op("Softmax", {masked}, {{"axis", int64_t{-1}}});
  c.give(0, merge_heads(c, c.op("MatMul", {shares, all.v})));
  return {};
}

constexpr ir::TypeSet kInt32 = type_set(ir::ElemType::int32);
constexpr In kIn[] = {{"input", kFloats},
                      {"weights", kFloats},
                      {"bias", kFloats, kOptional},
                      {"mask_index", kInt32, kOptional},
                      {"past", kFloats, kOptional},
                      {"attention_bias", kFloats, kOptional},
                      {"past_sequence_length", kInt32, kOptional}};
constexpr Out kOut[] = {{"output"}, {"present", kOptional}};
constexpr AttrDoc kAttrs[] = {
    {"do_rotary", "0"},        {"mask_filter_value", "-10000"}, {"num_heads", ""}, {"past_present_share_buffer", "0"},
    {"qkv_hidden_sizes", "-"}, {"rotary_embedding_dim", "-"},   {"scale", "-"},    {"unidirectional", "0"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftAttention, kMicrosoft, "Attention", kIn, kOut, kAttrs, attention,
               "MatMul and Add for queries, keys and values; scaled products, masks, Softmax; times the values.")

}  // namespace assay::ops
