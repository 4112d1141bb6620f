// Attention whose queries, keys and values are given.
#include "ops/microsoft/attend.h"
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

/// Part `k` of packed data, [B, S, N, parts, H], as [B, S, N * H].
Id unpacked(Compose& c, Id packed, int64_t k) { return c.reshape(c.slice(packed, 3, k, k + 1), {0, 0, -1}); }

/// Part [from, to) of the bias of the projection; int64 vectors of one element.
Id biased(Compose& c, Id x, Id from, Id to) { return c.has(3) ? c.op("Add", {x, c.slice(c.in(3), 0, from, to)}) : x; }

struct Parts {
  Id q, k, v;  ///< [B, S, N * H]; k and v [B, N, T, H] where `split`
  bool split = false;
};

Result<Parts> parts_of(Compose& c) {
  const Id q = c.in(0);
  if (!c.ranked(q)) return c.fail("the rank of the query is not known");
  if (c.rank(q) == 5) return Parts{unpacked(c, q, 0), unpacked(c, q, 1), unpacked(c, q, 2)};
  if (c.rank(q) != 3) return c.fail("a query of rank " + std::to_string(c.rank(q)));
  if (!c.has(1)) return c.fail("neither keys nor packed data are given");
  const Id k = c.in(1);
  if (!c.ranked(k)) return c.fail("the rank of the key is not known");
  if (c.rank(k) == 5) return Parts{q, unpacked(c, k, 0), unpacked(c, k, 1)};
  if (c.rank(k) != 3 && c.rank(k) != 4) return c.fail("a key of rank " + std::to_string(c.rank(k)));
  if (!c.has(2)) return c.fail("keys without values");
  return Parts{q, k, c.in(2), c.rank(k) == 4};
}

/// The parts with their biases, by heads.
Heads heads_of(Compose& c, const Parts& parts, int64_t count) {
  const Id width = c.shape(parts.q, 2, 3), zero = c.ints({0});
  const Id twice = c.op("Add", {width, width});
  const Id q = split_heads(c, biased(c, parts.q, zero, width), count);
  if (parts.split) return {q, parts.k, parts.v};
  return {q, split_heads(c, biased(c, parts.k, width, twice), count),
          split_heads(c, biased(c, parts.v, twice, c.ints({INT64_MAX})), count)};
}

Status attention(Compose& c) {
  const int64_t count = c.node().attr_int("num_heads", 0);
  if (count <= 0) return c.fail("num_heads is " + std::to_string(count));
  if (c.has(8) || c.has(9))
    return c.refuse("buffers that past and present share are not written", "export without past_sequence_length");
  ASSAY_TRY(const Parts parts, parts_of(c));
  Heads heads = heads_of(c, parts, count);
  if (c.has(6) != c.has(7)) return c.fail("only one of past_key and past_value is given");
  if (c.has(6)) {
    heads.k = c.concat({c.in(6), heads.k}, 2);
    heads.v = c.concat({c.in(7), heads.v}, 2);
  }
  c.give(1, heads.k);
  c.give(2, heads.v);
  ASSAY_TRY(const float scale, scale_of(c, heads.q));
  const Id products = scores(c, heads, scale);
  const Id past = c.has(6) ? c.shape(c.in(6), 2, 3) : c.ints({0});
  const MaskForm form{4,    c.shape(c.in(0), 0, 1), c.shape(heads.q, 2, 3),
                      past, c.shape(heads.k, 2, 3), c.extent(c.in(0), 0)};
  ASSAY_TRY(const Id mask, key_mask(c, form, products));
  const bool causal = c.node().attr_int("unidirectional", 0) != 0;
  const Id behind = causal ? causal_mask(c, form, kHidden, products) : ir::kNoValue;
  const Id masked = sum_of(c, {products, sum_of(c, {c.in(5), mask, behind})});
  c.give(3, masked);
  const Id shares = c.op("Softmax", {masked}, {{"axis", int64_t{-1}}});
  c.give(0, merge_heads(c, c.op("MatMul", {shares, heads.v})));
  return {};
}

constexpr ir::TypeSet kInt32 = type_set(ir::ElemType::int32);
constexpr In kIn[] = {{"query", kFloats},
                      {"key", kFloats, kOptional},
                      {"value", kFloats, kOptional},
                      {"bias", kFloats, kOptional},
                      {"key_padding_mask", kInt32, kOptional},
                      {"attention_bias", kFloats, kOptional},
                      {"past_key", kFloats, kOptional},
                      {"past_value", kFloats, kOptional},
                      {"past_sequence_length", kInt32, kOptional},
                      {"cache_indirection", kInt32, kOptional}};
constexpr Out kOut[] = {{"output"}, {"present_key", kOptional}, {"present_value", kOptional}, {"qk", kOptional}};
constexpr AttrDoc kAttrs[] = {
    {"mask_filter_value", "-10000"}, {"num_heads", ""}, {"scale", "-"}, {"unidirectional", "0"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftMultiHeadAttention, kMicrosoft, "MultiHeadAttention", kIn, kOut, kAttrs, attention,
               "Scaled products of queries and keys, masks, Softmax; times the values.")

}  // namespace assay::ops
