// Attention whose scores and weights nested graphs may change. They take all of them at once, so that all are kept:
// as computed where no graph reads them, as stored where one does.
#include "ops/attention_shapes.h"
#include "ops/move.h"
#include "ops/nested.h"
#include "ops/softmax_precision.h"

namespace assay::ops {
namespace {

using namespace attention;
constexpr const char* kScoreMod = "score_mod";
constexpr const char* kProbMod = "prob_mod";

/// The type of scores and weights.
ir::ElemType precision_of(const ir::Op& op, ir::ElemType q) {
  const auto natural = q == ir::ElemType::float64 ? ir::ElemType::float64 : ir::ElemType::float32;
  return static_cast<ir::ElemType>(op.attr_int("softmax_precision", static_cast<int64_t>(natural)));
}

ir::Type type_of_scores(const InferContext& c, const std::optional<AttentionShapes>& s) {
  std::vector<ir::Dim> shape(4);
  if (s) shape = {s->batches, s->q_heads, s->queries, s->keys};
  return ir::Type::tensor(precision_of(c.op(), c.elem(kQ)), std::move(shape));
}

Result<std::optional<AttentionShapes>> shapes_of(const InputShapes& in) {
  ASSAY_CHECK(in.check_rank(kQ, 4, "flexattention_c1"));
  return attention_shapes(in);
}

Status nested_inputs(InferContext& c, const ir::Graph* inferred, std::vector<ir::Type>& types) {
  if (inferred) return {};
  ASSAY_TRY(const auto shapes, shapes_of(InputShapes(c)));
  types = {type_of_scores(c, shapes)};
  return {};
}

/// A modifier takes and gives one tensor, of the same type.
Status check_modifier(const InferContext& c, const char* name, const ir::Type& scores) {
  if (!c.op().has_attr(name)) return {};
  ASSAY_TRY(const ir::Graph* graph, nested_graph(c, name, 1, 1));
  const ir::Type& made = nested_output(*graph, 0);
  if (made.elem == ir::ElemType::undefined || join_types(made, scores)) return {};
  return c.fail("flexattention_c2", std::string(name) + " makes " + to_string(made) + " of " + to_string(scores));
}

Status infer(InferContext& c) {
  for (const size_t i : {kK, kV})
    if (c.elem(i) != c.elem(kQ)) return c.fail("flexattention_c3", "Q, K and V have different types");
  ASSAY_TRY(const auto shapes, shapes_of(InputShapes(c)));
  for (const char* name : {kScoreMod, kProbMod}) ASSAY_CHECK(check_modifier(c, name, type_of_scores(c, shapes)));
  if (shapes)
    c.set(0, c.elem(kQ), std::vector<ir::Dim>{shapes->batches, shapes->q_heads, shapes->queries, shapes->value_width});
  else
    c.set(0, c.elem(kQ), std::nullopt);
  return {};
}

template <class T>
class FlexAttention {
 public:
  FlexAttention(KernelContext& c, const AttentionShapes& s)
      : c_(c),
        arith_(c.policy()),
        softmax_(c.policy(), static_cast<int64_t>(precision_of(c.op, c.declared_in(kQ)))),
        q_{s.batches.value, s.q_heads.value, s.queries.value, s.width.value, false},
        k_{s.batches.value, s.kv_heads.value, s.keys.value, s.width.value, false},
        v_{s.batches.value, s.kv_heads.value, s.keys.value, s.value_width.value, false},
        keys_(static_cast<size_t>(s.keys.value)),
        width_(static_cast<size_t>(s.width.value)),
        value_width_(static_cast<size_t>(s.value_width.value)),
        group_(s.q_heads.value / s.kv_heads.value) {}

  Status run() const {
    const ir::Dims dims = {q_.batches, q_.heads, q_.rows, k_.rows};
    ASSAY_CHECK(check_size(c_, dims));
    ir::Tensor scores = ir::Tensor::allocate(elem_for(kScoreMod), dims);
    for_rows([&](const Head<T>& head, size_t row, Buffers& b) {
      const T* q = load(c_.in(kQ), static_cast<int64_t>(row * width_), width_, b.query.data());
      arith_.mul(q, root_of_scale(), b.query.data(), width_);
      head.score(b.query.data(), b.scores.data(), b.scratch);
      keep(scores, row, b.scores.data(), kScoreMod);
    });
    ASSAY_CHECK(modify(kScoreMod, scores));
    ir::Tensor weights = ir::Tensor::allocate(elem_for(kProbMod), dims);
    c_.threads.for_each(static_cast<size_t>(volume(dims) / std::max<int64_t>(1, k_.rows)), queries_per_task(keys_, 1),
                        [&](size_t begin, size_t end) {
                          std::vector<T> row(keys_);
                          for (size_t i = begin; i < end && keys_ != 0; ++i) {
                            copy_row(scores, i, row.data());
                            softmax_.run(row.data(), keys_);
                            keep(weights, i, row.data(), kProbMod);
                          }
                        });
    ASSAY_CHECK(modify(kProbMod, weights));
    for_rows([&](const Head<T>& head, size_t row, Buffers& b) {
      copy_row(weights, row, b.scores.data());
      head.weigh(b.scores.data(), b.out.data(), b.scratch);
      store(c_.out(0), static_cast<int64_t>(row * value_width_), value_width_, b.out.data(), c_.policy());
    });
    return {};
  }

 private:
  struct Buffers {
    std::vector<T> query, scores, out, scratch;
  };

  T root_of_scale() const {
    if (!c_.op.has_attr("scale")) return arith_.sqrt(arith_.div(T(1), arith_.sqrt(static_cast<T>(width_))));
    float scale = c_.op.attr_float("scale", 1);
    if (c_.policy().attribute) num::round_in_place(&scale, 1, *c_.policy().attribute);
    return arith_.sqrt(static_cast<T>(scale));
  }

  /// As what the scores or weights are kept: as the modifier's input is stored, or as computed.
  ir::ElemType elem_for(const char* name) const {
    const ir::Graph* graph = c_.op.attr_graph(name);
    if (graph == nullptr) return sizeof(T) == 8 ? ir::ElemType::float64 : ir::ElemType::float32;
    const ir::Value& in = graph->at(graph->inputs[0]);
    return in.storage == ir::ElemType::undefined ? in.type.elem : in.storage;
  }
  void keep(ir::Tensor& t, size_t row, T* values, const char* name) const {
    num::Policy policy = c_.policy();
    if (!c_.op.has_attr(name)) policy.result.reset();
    store(t, static_cast<int64_t>(row * keys_), keys_, values, policy);
  }
  void copy_row(const ir::Tensor& t, size_t row, T* to) const {
    if (keys_ == 0) return;
    if (const T* from = load(t, static_cast<int64_t>(row * keys_), keys_, to); from != to) std::copy_n(from, keys_, to);
  }

  Status modify(const char* name, ir::Tensor& values) const {
    if (!c_.op.has_attr(name)) return {};
    ASSAY_TRY(std::vector<ir::Tensor> made, c_.run_nested(name, std::span(&values, 1)));
    if (made[0].dims() != values.dims() || !ir::is_float(made[0].elem()))
      return c_.fail(Code::value_range, std::string(name) + " makes " + ir::to_string(made[0].dims()) + " of " +
                                            ir::to_string(values.dims()));
    values = std::move(made[0]);
    return {};
  }

  /// body(head, row of all queries, buffers), key head by key head.
  template <class Body>
  void for_rows(const Body& body) const {
    const auto rows = static_cast<size_t>(group_ * q_.rows);
    for (int64_t i = 0; i < k_.batches * k_.heads; ++i) {
      std::vector<T> keys, values;
      append_rows(c_.in(kK), k_, i / k_.heads, i % k_.heads, keys);
      append_rows(c_.in(kV), v_, i / k_.heads, i % k_.heads, values);
      arith_.mul(keys.data(), root_of_scale(), keys.data(), keys.size());
      const Head<T> head(c_.policy(), keys, values, keys_, width_, value_width_);
      c_.threads.for_each(rows, queries_per_task(keys_, width_ + value_width_), [&](size_t begin, size_t end) {
        Buffers b{std::vector<T>(width_), std::vector<T>(keys_), std::vector<T>(value_width_), {}};
        for (size_t row = begin; row < end; ++row) body(head, static_cast<size_t>(i) * rows + row, b);
      });
    }
  }

  KernelContext& c_;
  num::Arith<T> arith_;
  PreciseSoftmax<T> softmax_;
  HeadRows q_, k_, v_;
  size_t keys_, width_, value_width_;
  int64_t group_;
};

Status eval(KernelContext& c) {
  ASSAY_TRY(const auto shapes, shapes_of(InputShapes(c)));
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  return computes_float64(c) ? FlexAttention<double>(c, *shapes).run() : FlexAttention<float>(c, *shapes).run();
}

constexpr In kIn[] = {{"Q", kFloats}, {"K", kFloats}, {"V", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kAttrs[] = {{"prob_mod", "-"},
                              {"scale", "1 / sqrt(head size)"},
                              {"score_mod", "-"},
                              {"softmax_precision", "float32, or float64 for such inputs"}};
constexpr num::Function kCalls[] = {num::Function::exp};

}  // namespace

extern const OpDef kFlexAttention = {
    .domain = "ai.onnx.preview",
    .name = "FlexAttention",
    .since = 1,
    .doc = "Attention by heads, whose scores and weights nested graphs may change.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "products over the head, then exponentials over the keys, then products over the keys",
    .elementary = kCalls,
    .infer = infer,
    .nested_inputs = nested_inputs,
    .eval = eval,
    .to_mil = {nullptr, "its modifiers are graphs"},
    .to_nn = {nullptr, "its modifiers are graphs"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops
