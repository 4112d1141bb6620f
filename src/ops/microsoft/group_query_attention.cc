// Attention of decoders: fewer heads of keys than of queries, and keys and values of former runs, of a length of its
// own for each sample.
#include <cmath>

#include "ops/microsoft/attend.h"
#include "ops/microsoft/rotate.h"
#include "ops/microsoft/row.h"

namespace assay::ops {
namespace {

using Id = Compose::Id;

enum Input : size_t {
  kQuery = 0,
  kKey = 1,
  kValue = 2,
  kPastKey = 3,
  kPastValue = 4,
  kLengths = 5,
  kTotal = 6,
  kCos = 7,
  kSin = 8,
  kPositions = 9,
  kBias = 10,
  kSink = 11,
  kKeyScale = 12,
  kValueScale = 13,
  kQueryNorm = 14,
  kKeyNorm = 15,
  kQueryLengths = 16,
};

struct Sizes {
  int64_t heads = 0, groups = 0, head = 0;  ///< heads of queries, of keys; features of one
};

/// What is not written, so that nobody takes the result for it.
Status check(const Compose& c) {
  const ir::Op& node = c.node();
  for (const char* quantised : {"k_quant_type", "v_quant_type"})
    if (node.attr_string(quantised, "NONE") != "NONE")
      return c.refuse("a quantised cache is not written", "export with a cache of floating-point numbers");
  if (node.attr_int("sliding_window_cache", 0) != 0)
    return c.refuse("a cache that holds a window is not written", "export with sliding_window_cache = 0");
  if (c.has(kKeyScale) || c.has(kValueScale) || c.has(kQueryLengths))
    return c.refuse("k_scale, v_scale and query_seqlens are not written", "export without them");
  if (node.attr_int("qk_output", 0) != 0 || c.wants(3))
    return c.refuse("output_qk is not written", "leave the output out");
  if (c.has(kPastKey) != c.has(kPastValue)) return c.fail("only one of past_key and past_value is given");
  if (c.has(kQueryNorm) != c.has(kKeyNorm)) return c.fail("only one of q_norm_weight and k_norm_weight is given");
  return {};
}

Result<Sizes> sizes_of(const Compose& c) {
  Sizes s{c.node().attr_int("num_heads", 0), c.node().attr_int("kv_num_heads", 0)};
  if (s.heads <= 0 || s.groups <= 0 || s.heads % s.groups != 0)
    return c.fail(std::to_string(s.heads) + " heads of queries for " + std::to_string(s.groups) + " of keys");
  const int64_t parts = c.has(kKey) ? s.heads : s.heads + 2 * s.groups, width = c.extent(c.in(kQuery), -1);
  if (width <= 0 || width % parts != 0)
    return c.fail("a query of width " + std::to_string(width) + " for " + std::to_string(parts) + " heads");
  s.head = width / parts;
  return s;
}

Id head_slices(Compose& c, Id x, int64_t from, int64_t to) { return c.slice(x, 1, from, to); }

Heads heads_of(Compose& c, const Sizes& s) {
  if (c.has(kKey))
    return {split_heads(c, c.in(kQuery), s.heads), split_heads(c, c.in(kKey), s.groups),
            split_heads(c, c.in(kValue), s.groups)};
  const Id all = split_heads(c, c.in(kQuery), s.heads + 2 * s.groups);
  return {head_slices(c, all, 0, s.heads), head_slices(c, all, s.heads, s.heads + s.groups),
          head_slices(c, all, s.heads + s.groups, s.heads + 2 * s.groups)};
}

/// Positions, all int64. Vectors of one element: how many samples, queries, keys of the buffers of past and present;
/// [B, 1]: keys of each sample before this run, and with it.
struct Lengths {
  Id batch, queries, past_buffer, buffer, past, total;
};

Lengths lengths_of(Compose& c) {
  Lengths l{};
  l.batch = c.shape(c.in(kQuery), 0, 1);
  l.queries = c.shape(c.in(kQuery), 1, 2);
  l.past_buffer = c.has(kPastKey) ? c.shape(c.in(kPastKey), 2, 3) : c.ints({0});
  const Id longest = c.reshape(c.cast(c.in(kTotal), ir::ElemType::int64), {1});
  l.buffer = c.op("Max", {l.past_buffer, longest});
  // The length stands in a list of all that fit, so that another is an index out of range; a negative one becomes one.
  const Id last = c.reshape(c.cast(c.in(kLengths), ir::ElemType::int64), {-1, 1});
  const Id place = c.op("Where", {c.op("Less", {last, c.ints({0})}), l.buffer, last});
  l.total = c.op("Gather", {c.op("Add", {counted(c, l.buffer), c.ints({1})}), place});
  // The first run has no past, whatever padding makes of the samples' lengths.
  const Id first = c.op("Equal", {l.queries, longest});
  const Id before = c.op("Max", {c.op("Sub", {l.total, l.queries}), c.ints({0})});
  l.past = c.op("Where", {first, c.ints({0}), before});
  return l;
}

/// What follows the past of each sample: [B, G, P, H] and [B, G, S, H] as [B, G, L, H], zeros behind.
Id present(Compose& c, const Lengths& l, Id past, Id fresh) {
  const Id all = c.transpose(past == ir::kNoValue ? fresh : c.concat({past, fresh}, 2), {0, 2, 1, 3});
  const Id place = c.unsqueeze(counted(c, l.buffer), {0});  // [1, L]
  const Id behind = c.op("Sub", {place, l.past});           // [B, L]
  const Id last = c.op("Sub", {l.queries, c.ints({1})});
  const Id from_fresh = c.op("Add", {c.op("Min", {behind, last}), l.past_buffer});
  const Id index = c.op("Where", {c.op("Less", {place, l.past}), place, from_fresh});
  const Id rows = c.op("GatherND", {all, c.unsqueeze(index, {-1})}, {{"batch_dims", int64_t{1}}});
  const Id filled = c.unsqueeze(c.op("Less", {behind, l.queries}), {2, 3});
  return c.transpose(c.op("Where", {filled, rows, c.number(0, rows)}), {0, 2, 1, 3});
}

/// [B, S]: where the queries stand.
Id positions_of(Compose& c, const Lengths& l) {
  return c.has(kPositions) ? c.in(kPositions) : c.op("Add", {counted(c, l.queries), l.past});
}

Status rotate_heads(Compose& c, const Sizes& s, const Lengths& l, Heads& heads) {
  if (c.node().attr_int("do_rotary", 0) == 0) return {};
  if (!c.has(kCos) || !c.has(kSin)) return c.fail("do_rotary without cos_cache and sin_cache");
  const int64_t half = c.extent(c.in(kCos), 1);
  if (half <= 0 || 2 * half > s.head) return c.fail("cos_cache has " + std::to_string(half) + " columns");
  const Id positions = positions_of(c, l);
  const Id cos = c.unsqueeze(c.op("Gather", {c.in(kCos), positions}), {1});
  const Id sin = c.unsqueeze(c.op("Gather", {c.in(kSin), positions}), {1});
  const bool interleaved = c.node().attr_int("rotary_interleaved", 0) != 0;
  heads.q = rotate(c, heads.q, s.head, cos, sin, 2 * half, interleaved);
  heads.k = rotate(c, heads.k, s.head, cos, sin, 2 * half, interleaved);
  return {};
}

void normalize_heads(Compose& c, Heads& heads) {
  if (!c.has(kQueryNorm)) return;
  const float both = c.node().attr_float("qk_norm_epsilon", 1e-6f);
  const auto normalize = [&](Id x, size_t weight, std::string_view own) {
    return c.op("RMSNormalization", {x, c.in(weight)},
                {{"axis", int64_t{-1}}, {"epsilon", c.node().attr_float(own, both)}});
  };
  heads.q = normalize(heads.q, kQueryNorm, "q_norm_epsilon");
  heads.k = normalize(heads.k, kKeyNorm, "k_norm_epsilon");
}

/// [B, 1, S, L]: the keys that each query sees. What pads a query sees what the last one does.
Id seen(Compose& c, const Lengths& l) {
  const Id keys = counted(c, l.buffer);
  const Id total = c.unsqueeze(l.total, {1, 2});
  if (c.node().attr_int("causal", 1) == 0) return c.op("Less", {keys, total});
  const Id last = c.op("Sub", {l.total, c.ints({1})});
  const Id rows = c.unsqueeze(c.op("Min", {c.op("Add", {counted(c, l.queries), l.past}), last}), {1, 3});
  const Id keep = c.op("LessOrEqual", {keys, rows});
  const int64_t window = c.node().attr_int("local_window_size", -1);
  if (window < 0) return keep;
  return c.op("And", {keep, c.op("Greater", {keys, c.op("Sub", {rows, c.ints({window})})})});
}

/// Softmax; `head_sink` or smooth_softmax add one more term to its sum.
Id shares_of(Compose& c, Id masked, const Lengths& l, int64_t heads) {
  const bool smooth = c.node().attr_int("smooth_softmax", 0) == 1;
  if (!smooth && !c.has(kSink)) return c.op("Softmax", {masked}, {{"axis", int64_t{-1}}});
  const Id sink = c.has(kSink) ? c.reshape(c.in(kSink), {1, heads, 1, 1}) : c.number(0, masked);
  const Id column = c.op("Expand", {sink, c.concat({l.batch, c.ints({heads}), l.queries, c.ints({1})}, 0)});
  const Id shares = c.op("Softmax", {c.concat({masked, column}, -1)}, {{"axis", int64_t{-1}}});
  return c.slice(shares, 3, c.ints({0}), l.buffer);
}

/// Heads of queries that share one of keys stand below each other, so that each key is multiplied once.
Id grouped(Compose& c, Id x, int64_t groups, Id rows, Id last) {
  return c.op("Reshape", {x, c.concat({c.ints({0, groups}), rows, last}, 0)});
}

Status attention(Compose& c) {
  ASSAY_CHECK(check(c));
  ASSAY_TRY(const Sizes s, sizes_of(c));
  const Lengths l = lengths_of(c);
  Heads heads = heads_of(c, s);
  normalize_heads(c, heads);
  ASSAY_CHECK(rotate_heads(c, s, l, heads));
  heads.k = present(c, l, c.in(kPastKey), heads.k);
  heads.v = present(c, l, c.in(kPastValue), heads.v);
  c.give(1, heads.k);
  c.give(2, heads.v);
  ASSAY_TRY(const float scale, scale_of(c, heads.q));
  const Id rows = c.op("Mul", {l.queries, c.ints({s.heads / s.groups})});
  const Id size = c.ints({s.head});
  const Id together = scores(c, {grouped(c, heads.q, s.groups, rows, size), heads.k, heads.v}, scale);
  Id logits = grouped(c, together, s.heads, l.queries, l.buffer);
  if (const float cap = c.node().attr_float("softcap", 0); cap > 0) {
    const Id bound = c.number(cap, logits);
    logits = c.op("Mul", {c.op("Tanh", {c.op("Div", {logits, bound})}), bound});
  }
  // The bias has the keys that there are, not all that the buffer could hold.
  if (c.has(kBias)) {
    const Id missing = c.op("Sub", {l.buffer, c.shape(c.in(kBias), 3, 4)});
    const Id pads = c.concat({c.ints({0, 0, 0, 0, 0, 0, 0}), missing}, 0);
    logits = c.op("Add", {logits, c.op("Pad", {c.in(kBias), pads})});
  }
  const Id hidden = c.number(-INFINITY, logits);
  const Id masked = c.op("Where", {seen(c, l), logits, hidden});
  const Id shares = grouped(c, shares_of(c, masked, l, s.heads), s.groups, rows, l.buffer);
  const Id values = c.op("MatMul", {shares, heads.v});
  c.give(0, merge_heads(c, grouped(c, values, s.heads, l.queries, size)));
  return {};
}

constexpr ir::TypeSet kInt32 = type_set(ir::ElemType::int32);
constexpr ir::TypeSet kCache = kFloats | type_set(ir::ElemType::int8) | type_set(ir::ElemType::uint8);
constexpr In kIn[] = {{"query", kFloats},
                      {"key", kFloats, kOptional},
                      {"value", kFloats, kOptional},
                      {"past_key", kCache, kOptional},
                      {"past_value", kCache, kOptional},
                      {"seqlens_k", kInt32},
                      {"total_sequence_length", kInt32},
                      {"cos_cache", kFloats, kOptional},
                      {"sin_cache", kFloats, kOptional},
                      {"position_ids", kInt64, kOptional},
                      {"attention_bias", kFloats, kOptional},
                      {"head_sink", kFloats, kOptional},
                      {"k_scale", kFloats | kBool, kOptional},
                      {"v_scale", kFloats | kBool, kOptional},
                      {"q_norm_weight", kFloats, kOptional},
                      {"k_norm_weight", kFloats, kOptional},
                      {"query_seqlens", kInt32, kOptional}};
constexpr Out kOut[] = {{"output"}, {"present_key", kOptional}, {"present_value", kOptional}, {"output_qk", kOptional}};
constexpr AttrDoc kAttrs[] = {{"causal", "1"},
                              {"do_rotary", "0"},
                              {"k_norm_epsilon", "-"},
                              {"k_quant_type", "NONE"},
                              {"kv_cache_bit_width", "-"},
                              {"kv_num_heads", ""},
                              {"local_window_size", "-1"},
                              {"num_heads", ""},
                              {"q_norm_epsilon", "-"},
                              {"qk_norm_epsilon", "1e-06"},
                              {"qk_output", "0"},
                              {"rotary_interleaved", "0"},
                              {"scale", "-"},
                              {"sliding_window_cache", "0"},
                              {"smooth_softmax", "-1"},
                              {"softcap", "0"},
                              {"v_quant_type", "NONE"}};

}  // namespace

ASSAY_COMPOSED(kMicrosoftGroupQueryAttention, kMicrosoft, "GroupQueryAttention", kIn, kOut, kAttrs, attention,
               "Rotary embedding, keys and values behind those of former runs, scaled products, Softmax of the keys "
               "that a query sees; times the values.")

}  // namespace assay::ops
