// softmax((Q s)(K s)^T + bias) V with s the root of the scale, head by head, as ONNX's function body writes it.
#include "ops/lower/attention.h"

#include <limits>

#include "ops/attention_bias.h"
#include "ops/move.h"
#include "ops/softmax_precision.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using namespace attention;
using num::Function;
constexpr size_t kY = 0, kPresentKey = 1, kPresentValue = 2, kScores = 3;

/// What qk_matmul_output holds.
enum class Shown : uint8_t { raw, capped, biased, weights, nothing };

float rounded_attr(const ir::Op& op, float value) {
  if (op.policy.attribute) num::round_in_place(&value, 1, *op.policy.attribute);
  return value;
}

template <class T>
class Attention {
 public:
  Attention(KernelContext& c, const AttentionShapes& s)
      : c_(c),
        arith_(c.policy()),
        softmax_(c.policy(), precision_of(c.op)),
        bias_(c, s),
        q_{s.batches.value, s.q_heads.value, s.queries.value, s.width.value, s.packed},
        k_{s.batches.value, s.kv_heads.value, s.keys.value, s.width.value, s.packed},
        v_{s.batches.value, s.kv_heads.value, s.keys.value, s.value_width.value, s.packed},
        past_k_{s.batches.value, s.kv_heads.value, s.past.value, s.width.value, false},
        past_v_{s.batches.value, s.kv_heads.value, s.past.value, s.value_width.value, false},
        y_{s.batches.value, s.q_heads.value, s.queries.value, s.value_width.value, s.packed},
        keys_(static_cast<size_t>(s.total().value)),
        width_(static_cast<size_t>(s.width.value)),
        value_width_(static_cast<size_t>(s.value_width.value)),
        group_(s.q_heads.value / s.kv_heads.value),
        cap_(static_cast<T>(rounded_attr(c.op, c.op.attr_float("softcap", 0)))),
        root_(root_of_scale()),
        shown_(c.wants(kScores) ? static_cast<Shown>(c.op.attr_int("qk_matmul_output_mode", 0)) : Shown::nothing) {}

  void run() const {
    const int64_t heads = q_.batches * k_.heads;
    const auto rows = static_cast<size_t>(group_ * q_.rows);
    const size_t grain = queries_per_task(keys_, width_ + value_width_);
    if (rows > grain) {  // one head keeps several threads busy
      for (int64_t i = 0; i < heads; ++i) {
        const Head<T> head = head_of(i);
        c_.threads.for_each(rows, grain, [&](size_t begin, size_t end) { run_rows(head, i, begin, end); });
      }
      return;
    }
    c_.threads.for_each(static_cast<size_t>(heads), std::max<size_t>(1, grain / std::max<size_t>(rows, 1)),
                        [&](size_t begin, size_t end) {
                          for (auto i = static_cast<int64_t>(begin); i < static_cast<int64_t>(end); ++i)
                            run_rows(head_of(i), i, 0, rows);
                        });
  }

 private:
  static std::optional<int64_t> precision_of(const ir::Op& op) {
    return op.has_attr("softmax_precision") ? std::optional(op.attr_int("softmax_precision", 1)) : std::nullopt;
  }
  T root_of_scale() const {
    if (c_.op.has_attr("scale")) return arith_.sqrt(static_cast<T>(rounded_attr(c_.op, c_.op.attr_float("scale", 1))));
    return arith_.sqrt(arith_.div(T(1), arith_.sqrt(static_cast<T>(width_))));
  }

  /// Keys and values that query heads share; i counts over batches and their heads.
  Head<T> head_of(int64_t i) const {
    const int64_t batch = i / k_.heads, head = i % k_.heads;
    std::vector<T> keys, values;
    keys.reserve(keys_ * width_), values.reserve(keys_ * value_width_);
    if (c_.has(kPastKey)) append_rows(c_.in(kPastKey), past_k_, batch, head, keys);
    if (c_.has(kPastValue)) append_rows(c_.in(kPastValue), past_v_, batch, head, values);
    append_rows(c_.in(kK), k_, batch, head, keys);
    append_rows(c_.in(kV), v_, batch, head, values);
    arith_.mul(keys.data(), root_, keys.data(), keys.size());
    return Head<T>(c_.policy(), keys, values, keys_, width_, value_width_);
  }

  /// Rows of the query heads that share a head, one head behind the other.
  void run_rows(const Head<T>& head, int64_t i, size_t begin, size_t end) const {
    std::vector<T> query(width_), scores(keys_), shown(keys_), bias(keys_), out(value_width_), scratch;
    for (auto row = static_cast<int64_t>(begin); row < static_cast<int64_t>(end); ++row) {
      const int64_t batch = i / k_.heads, q_head = i % k_.heads * group_ + row / q_.rows, at = row % q_.rows;
      const auto show = [&](Shown step) {
        if (step != shown_) return;
        shown = scores;  // storing rounds its operand
        const int64_t place = ((batch * q_.heads + q_head) * q_.rows + at) * static_cast<int64_t>(keys_);
        store(c_.out(kScores), place, keys_, shown.data(), c_.policy());
      };
      const T* q = load(c_.in(kQ), q_.at(batch, q_head, at), width_, query.data());
      arith_.mul(q, root_, query.data(), width_);
      head.score(query.data(), scores.data(), scratch);
      show(Shown::raw);
      if (cap_ != 0) {
        arith_.div(scores.data(), cap_, scores.data(), keys_);
        arith_.apply(Function::tanh, scores.data(), scores.data(), keys_);
        arith_.mul(scores.data(), cap_, scores.data(), keys_);
      }
      show(Shown::capped);
      const bool sees_none = bias_.fill(batch, q_head, at, bias.data(), scratch);
      arith_.add(scores.data(), bias.data(), scores.data(), keys_);
      show(Shown::biased);
      if (sees_none)  // decided by the bias: such a row has no softmax
        std::fill(scores.begin(), scores.end(), T(0));
      else
        softmax_.run(scores.data(), keys_);
      show(Shown::weights);
      head.weigh(scores.data(), out.data(), scratch);
      store(c_.out(kY), y_.at(batch, q_head, at), value_width_, out.data(), c_.policy());
    }
  }

  KernelContext& c_;
  num::Arith<T> arith_;
  PreciseSoftmax<T> softmax_;
  AttentionBias<T> bias_;
  HeadRows q_, k_, v_, past_k_, past_v_, y_;
  size_t keys_, width_, value_width_;
  int64_t group_;  ///< query heads for each key head
  T cap_, root_;
  Shown shown_;
};

/// Past and incoming rows, head by head, bit for bit.
void concat_rows(const KernelContext& c, size_t past, size_t incoming, const HeadRows& rows, ir::Tensor& out) {
  const ir::Tensor now = as_storage(c.in(incoming), out.elem());
  const int64_t before = c.has(past) ? c.in(past).dims()[2] : 0;
  const ir::Tensor cached = c.has(past) ? as_storage(c.in(past), out.elem()) : ir::Tensor();
  int64_t to = 0;
  for (int64_t b = 0; b < rows.batches; ++b) {
    for (int64_t h = 0; h < rows.heads; ++h) {
      if (before != 0) copy_run(cached, (b * rows.heads + h) * before * rows.width, out, to, before * rows.width);
      to += before * rows.width;
      for (int64_t i = 0; i < rows.rows; ++i, to += rows.width) copy_run(now, rows.at(b, h, i), out, to, rows.width);
    }
  }
}

Status check_types(InferContext& c) {
  const auto differs = [&](size_t i, size_t from) { return c.has(i) && c.elem(i) != c.elem(from); };
  if (differs(kK, kQ) || differs(kPastKey, kQ) || differs(kPastValue, kV))
    return c.fail("attention_c18", "keys have the type of Q, and past values that of V");
  return {};
}

Status infer(InferContext& c) {
  ASSAY_CHECK(check_types(c));
  ASSAY_TRY(const auto known, attention_shapes(InputShapes(c)));
  const ir::ElemType q = c.elem(kQ), v = c.elem(kV);
  if (!known) {
    c.set(kY, q, std::nullopt);
    c.set(kPresentKey, q, std::nullopt);
    c.set(kPresentValue, v, std::nullopt);
    c.set(kScores, q, std::nullopt);
    return {};
  }
  const AttentionShapes& s = *known;
  using Shape = std::vector<ir::Dim>;
  const Shape y = s.packed ? Shape{s.batches, s.queries, dim_product(s.q_heads, s.value_width)}
                           : Shape{s.batches, s.q_heads, s.queries, s.value_width};
  c.set(kY, q, y);
  c.set(kPresentKey, q, Shape{s.batches, s.kv_heads, s.total(), s.width});
  c.set(kPresentValue, v, Shape{s.batches, s.kv_heads, s.total(), s.value_width});
  c.set(kScores, q, Shape{s.batches, s.q_heads, s.queries, s.total()});
  return {};
}

Status check_lengths(const KernelContext& c, int64_t keys) {
  if (!c.has(kNonpad)) return {};
  for (int64_t i = 0; i < c.in(kNonpad).size(); ++i)
    if (const int64_t n = c.in(kNonpad).int_at(i); n < 0 || n > keys)
      return c.fail(Code::value_range, "nonpad_kv_seqlen[" + std::to_string(i) + "] is " + std::to_string(n) +
                                           ", not 0 to " + std::to_string(keys));
  return {};
}

Status eval(KernelContext& c) {
  ASSAY_TRY(const auto shapes, attention_shapes(InputShapes(c)));
  const AttentionShapes& s = *shapes;
  ASSAY_CHECK(check_in_range(c, {s.total(), dim_product(s.q_heads, s.value_width)}));
  ASSAY_CHECK(check_lengths(c, s.total().value));
  ASSAY_CHECK(allocate_outputs(c));
  const HeadRows keys{s.batches.value, s.kv_heads.value, s.keys.value, s.width.value, s.packed};
  HeadRows values = keys;
  values.width = s.value_width.value;
  if (c.wants(kPresentKey)) concat_rows(c, kPastKey, kK, keys, c.out(kPresentKey));
  if (c.wants(kPresentValue)) concat_rows(c, kPastValue, kV, values, c.out(kPresentValue));
  if (c.out(kY).size() == 0 && !(c.wants(kScores) && c.out(kScores).size() != 0)) return {};
  const bool wide = computes_float64(c) || c.in(kV).elem() == ir::ElemType::float64;
  wide ? Attention<double>(c, s).run() : Attention<float>(c, s).run();
  return {};
}

// Before version 24 a mask of one element along the keys was repeated for all of them; since then it is one for the
// first key, and the others are masked.
Status repeat_mask(UpgradeContext& c) {
  if (c.op.inputs.size() <= kMask || c.op.inputs[kMask] == ir::kNoValue) return {};
  const ir::Type mask = c.type(kMask);
  if (mask.ranked() && !mask.shape->empty() && mask.shape->back().known() && mask.shape->back().value != 1) return {};
  const ir::Type integers = ir::Type::tensor(ir::ElemType::int64);
  const auto insert = [&](ir::Op op, const ir::Type& type) { return c.insert_before(std::move(op), type); };
  const auto length = [&](size_t i) {
    ir::Op shape{.domain = {}, .type = "Shape", .name = {}, .inputs = {c.op.inputs[i]}};
    shape.set_attr("start", int64_t{-2});
    shape.set_attr("end", int64_t{-1});
    return insert(std::move(shape), integers);
  };
  ir::ValueId keys = length(kK);
  if (c.op.inputs.size() > kPastKey && c.op.inputs[kPastKey] != ir::kNoValue)
    keys = insert(ir::Op{.domain = {}, .type = "Add", .name = {}, .inputs = {length(kPastKey), keys}}, integers);
  c.op.inputs[kMask] = insert(ir::Op{.domain = {}, .type = "Expand", .name = {}, .inputs = {c.op.inputs[kMask], keys}},
                              ir::Type::tensor(mask.elem));
  return {};
}

constexpr In kIn[] = {{"Q", kFloats},
                      {"K", kFloats},
                      {"V", kFloats},
                      {"attn_mask", kFloats | kInts | kBool, kOptional},
                      {"past_key", kFloats, kOptional},
                      {"past_value", kFloats, kOptional},
                      {"nonpad_kv_seqlen", kInt64, kOptional}};
constexpr Out kOut[] = {
    {"Y"}, {"present_key", kOptional}, {"present_value", kOptional}, {"qk_matmul_output", kOptional}};
constexpr AttrDoc kAttrs[] = {{"is_causal", "0"},
                              {"kv_num_heads", "-"},
                              {"left_window_size", "-1"},
                              {"q_num_heads", "-"},
                              {"qk_matmul_output_mode", "0"},
                              {"right_window_size", "-1"},
                              {"scale", "1 / sqrt(head size)"},
                              {"softcap", "0"},
                              {"softmax_precision", "-"}};
constexpr Function kCalls[] = {Function::exp, Function::tanh};
constexpr Upgrade kUpgrades[] = {{24, repeat_mask}};

}  // namespace

extern const OpDef kAttention = {
    .name = "Attention",
    .since = 25,
    .doc =
        "softmax(Q K^T scale + mask) V by heads, which groups of query heads may share; past keys and values come "
        "before K and V.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "products over the head, then exponentials over the keys, then products over the keys",
    .elementary = kCalls,
    .upgrades = kUpgrades,
    .infer = infer,
    .eval = eval,
    .to_mil = {attention_to_mil, "mul, matmul, add, softmax, matmul; select for rows that see no key"},
    .to_nn = {attention_to_nn, "multiplyBroadcastable, batchedMatmul, addBroadcastable, softmaxND, batchedMatmul"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops
