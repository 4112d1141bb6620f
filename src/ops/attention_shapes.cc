#include "ops/attention_shapes.h"

namespace assay::ops {

using namespace attention;

namespace {

/// Q, K and V of rank 3: the numbers of heads are attributes.
Status meet_packed_heads(const InputShapes& in, AttentionShapes& s) {
  const int64_t q_heads = in.op().attr_int("q_num_heads", 0), kv_heads = in.op().attr_int("kv_num_heads", 0);
  if (q_heads <= 0 || kv_heads <= 0)
    return in.fail("attention_c5", "inputs of rank 3 need q_num_heads and kv_num_heads above 0, which are " +
                                       std::to_string(q_heads) + " and " + std::to_string(kv_heads));
  s.q_heads = q_heads;
  s.kv_heads = kv_heads;
  for (const size_t i : {kQ, kK, kV}) {
    ASSAY_CHECK(in.meet(s.batches, i, 0, "attention_c7"));
    ASSAY_CHECK(in.meet(i == kQ ? s.queries : s.keys, i, 1, "attention_c7"));
    ASSAY_CHECK(in.meet_packed(i == kV ? s.value_width : s.width, i, 2, i == kQ ? q_heads : kv_heads, "attention_c6"));
  }
  return {};
}

Status meet_heads(const InputShapes& in, AttentionShapes& s) {
  for (const size_t i : {kQ, kK, kV}) {
    ASSAY_CHECK(in.meet(s.batches, i, 0, "attention_c7"));
    ASSAY_CHECK(in.meet(i == kQ ? s.q_heads : s.kv_heads, i, 1, "attention_c7"));
    ASSAY_CHECK(in.meet(i == kQ ? s.queries : s.keys, i, 2, "attention_c7"));
    ASSAY_CHECK(in.meet(i == kV ? s.value_width : s.width, i, 3, "attention_c7"));
  }
  // For rank 3 alone; where given nevertheless they must say the truth.
  const auto contradicts = [&](const char* attr, const ir::Dim& heads) {
    return in.op().has_attr(attr) && heads.known() && in.op().attr_int(attr, 0) != heads.value;
  };
  if (contradicts("q_num_heads", s.q_heads) || contradicts("kv_num_heads", s.kv_heads))
    return in.fail("attention_c5", "q_num_heads and kv_num_heads are for inputs of rank 3, and are not the " +
                                       std::to_string(s.q_heads.value) + " and " + std::to_string(s.kv_heads.value) +
                                       " heads of these");
  return {};
}

Status meet_past(const InputShapes& in, AttentionShapes& s) {
  s.past = 0;
  if (in.has(kPastKey) != in.has(kPastValue))
    return in.fail("attention_c8", "past_key and past_value are given together or not at all");
  if (!in.has(kPastKey)) return {};
  if (in.has(kNonpad)) return in.fail("attention_c9", "nonpad_kv_seqlen does not go together with past_key");
  s.past = {};
  for (const size_t i : {kPastKey, kPastValue}) {
    ASSAY_CHECK(in.check_rank(i, 4, "attention_c8"));
    ASSAY_CHECK(in.meet(s.batches, i, 0, "attention_c8"));
    ASSAY_CHECK(in.meet(s.kv_heads, i, 1, "attention_c8"));
    ASSAY_CHECK(in.meet(s.past, i, 2, "attention_c8"));
    ASSAY_CHECK(in.meet(i == kPastKey ? s.width : s.value_width, i, 3, "attention_c8"));
  }
  return {};
}

/// The mask broadcasts to the scores, but for its last axis, which may be shorter.
Status check_mask(const InputShapes& in, const AttentionShapes& s) {
  if (!in.ranked(kMask)) return {};
  const size_t rank = in.rank(kMask);
  if (rank < 1 || rank > 4) return in.fail("attention_c10", "attn_mask has rank " + std::to_string(rank));
  const ir::Dim wanted[] = {s.total(), s.queries, s.q_heads, s.batches};
  for (size_t i = 0; i < rank; ++i) {
    const ir::Dim own = in.dim(kMask, rank - 1 - i);
    if (!own.known() || !wanted[i].known() || own.value == wanted[i].value) continue;
    if (i == 0 ? own.value > wanted[i].value : own.value != 1)
      return in.fail("attention_c10", "attn_mask has " + std::to_string(own.value) + " along axis " +
                                          std::to_string(rank - 1 - i) + ", not " + std::to_string(wanted[i].value));
  }
  return {};
}

Status check_attributes(const InputShapes& in) {
  const ir::Op& op = in.op();
  if (const int64_t mode = op.attr_int("qk_matmul_output_mode", 0); mode < 0 || mode > 3)
    return in.fail("attention_c11", "qk_matmul_output_mode is " + std::to_string(mode) + ", not 0 to 3");
  for (const char* side : {"left_window_size", "right_window_size"})
    if (const int64_t size = op.attr_int(side, -1); size < -1)
      return in.fail("attention_c12", std::string(side) + " is " + std::to_string(size) + ", below -1");
  if (!(op.attr_float("softcap", 0) >= 0))
    return in.fail("attention_c13", "softcap is " + std::to_string(op.attr_float("softcap", 0)) + ", not 0 or more");
  const int64_t precision = op.attr_int("softmax_precision", 1);
  if (precision != 1 && precision != 10 && precision != 11 && precision != 16)
    return in.fail("attention_c14", "softmax_precision " + std::to_string(precision) + " is no floating-point type");
  return {};
}

}  // namespace

Result<std::optional<AttentionShapes>> attention_shapes(const InputShapes& in) {
  ASSAY_CHECK(check_attributes(in));
  if (!in.ranked(kQ)) return std::optional<AttentionShapes>();
  const size_t rank = in.rank(kQ);
  if (rank != 3 && rank != 4) return in.fail("attention_c3", "Q has rank " + std::to_string(rank) + ", not 3 or 4");
  ASSAY_CHECK(in.check_rank(kK, rank, "attention_c4"));
  ASSAY_CHECK(in.check_rank(kV, rank, "attention_c4"));
  AttentionShapes s;
  s.packed = rank == 3;
  ASSAY_CHECK(s.packed ? meet_packed_heads(in, s) : meet_heads(in, s));
  ASSAY_CHECK(meet_past(in, s));
  if (s.width.known() && s.width.value == 0) return in.fail("attention_c15", "heads have no elements");
  if (s.q_heads.known() && s.kv_heads.known() && (s.kv_heads.value == 0 || s.q_heads.value % s.kv_heads.value != 0))
    return in.fail("attention_c16", std::to_string(s.q_heads.value) + " query heads cannot share " +
                                        std::to_string(s.kv_heads.value) + " key heads equally");
  if (in.has(kNonpad)) {
    ASSAY_CHECK(in.check_rank(kNonpad, 1, "attention_c17"));
    ASSAY_CHECK(in.meet(s.batches, kNonpad, 0, "attention_c17"));
  }
  ASSAY_CHECK(check_mask(in, s));
  return std::optional<AttentionShapes>(s);
}

}  // namespace assay::ops
