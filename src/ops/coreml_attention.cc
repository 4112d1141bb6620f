// Core ML's scaled_dot_product_attention: softmax(query key^T / sqrt(E) + mask) value.
#include <cmath>
#include <limits>

#include "ops/attention.h"
#include "ops/infer.h"
#include "ops/lower/elementwise.h"
#include "ops/move.h"

namespace assay::ops {
namespace {

struct Shapes {
  int64_t batches = 1;
  size_t queries, keys, width, values;  ///< L, S, E, EV
};

Shapes shapes_of(KernelContext& c) {
  const ir::Dims &q = c.in(0).dims(), &v = c.in(2).dims();
  const size_t rank = q.size();
  Shapes s{};
  s.batches = volume({q.begin(), q.end() - 2});
  s.queries = static_cast<size_t>(q[rank - 2]), s.width = static_cast<size_t>(q[rank - 1]);
  s.keys = static_cast<size_t>(v[rank - 2]), s.values = static_cast<size_t>(v[rank - 1]);
  return s;
}

/// Where the mask of one query begins; its dimensions broadcast to [batch..., L, S].
class Mask {
 public:
  explicit Mask(const KernelContext& c) : mask_(c.has(3) ? &c.in(3) : nullptr) {
    if (mask_ == nullptr) return;
    dims_ = mask_->dims();
    all_ = c.in(0).dims();
    all_.back() = c.in(2).dims()[all_.size() - 2];
    dims_.insert(dims_.begin(), all_.size() - dims_.size(), 1);
  }
  template <class T>
  void apply(const num::Arith<T>& arith, int64_t row, T* scores, size_t n) const {
    if (mask_ == nullptr) return;
    int64_t at = 0, stride = dims_.back();
    for (size_t k = dims_.size() - 1; k-- > 0;) {
      const int64_t index = row % all_[k];
      row /= all_[k];
      if (dims_[k] != 1) at += index * stride;
      stride *= dims_[k];
    }
    const bool repeats = dims_.back() == 1;
    for (size_t i = 0; i < n; ++i) {
      const int64_t from = at + (repeats ? 0 : static_cast<int64_t>(i));
      if (mask_->elem() != ir::ElemType::boolean)
        scores[i] = arith.add(scores[i], static_cast<T>(mask_->float_at(from)));
      else if (mask_->int_at(from) == 0)
        scores[i] = -std::numeric_limits<T>::infinity();
    }
  }

 private:
  const ir::Tensor* mask_;
  ir::Dims dims_, all_;
};

template <class T>
void run(KernelContext& c) {
  const num::Arith<T> arith(c.policy());
  const Shapes s = shapes_of(c);
  const Mask mask(c);
  const T root = arith.sqrt(static_cast<T>(s.width));
  for (int64_t b = 0; b < s.batches; ++b) {
    const auto at = [&](size_t rows, size_t columns) { return b * static_cast<int64_t>(rows * columns); };
    const Head<T> head(c.policy(), wide_copy<T>(c.in(1), at(s.keys, s.width), s.keys * s.width),
                       wide_copy<T>(c.in(2), at(s.keys, s.values), s.keys * s.values), s.keys, s.width, s.values);
    c.threads.for_each(s.queries, queries_per_task(s.keys, s.width + s.values), [&](size_t begin, size_t end) {
      std::vector<T> query(s.width), scores(s.keys), out(s.values), scratch;
      for (size_t i = begin; i < end; ++i) {
        const int64_t row = b * static_cast<int64_t>(s.queries) + static_cast<int64_t>(i);
        const T* q = load(c.in(0), row * static_cast<int64_t>(s.width), s.width, query.data());
        head.score(q, scores.data(), scratch);
        arith.div(scores.data(), root, scores.data(), s.keys);
        mask.apply(arith, row, scores.data(), s.keys);
        softmax_in_place(arith, scores.data(), s.keys);
        head.weigh(scores.data(), out.data(), scratch);
        store(c.out(0), row * static_cast<int64_t>(s.values), s.values, out.data(), c.policy());
      }
    });
  }
}

Status infer(InferContext& c) {
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  std::vector<ir::Dim> out = c.shape(0);
  if (out.size() < 2) return c.fail("attention_c1", "query has rank " + std::to_string(out.size()));
  for (const size_t i : {size_t{1}, size_t{2}})
    if (c.ranked(i) && c.shape(i).size() != out.size())
      return c.fail("attention_c2", "query, key and value have different ranks");
  out.back() = c.ranked(2) ? c.shape(2).back() : ir::Dim();
  c.set(0, c.elem(0), std::move(out));
  return {};
}

Status eval(KernelContext& c) {
  const ir::Dims &q = c.in(0).dims(), &k = c.in(1).dims(), &v = c.in(2).dims();
  const auto fits = [&](size_t i) {
    const ir::Dims& dims = c.in(i).dims();
    return dims.size() == q.size() && std::equal(dims.begin(), dims.end() - 2, q.begin());
  };
  if (!fits(1) || !fits(2) || k.back() != q.back() || k[k.size() - 2] != v[v.size() - 2])
    return c.fail(Code::model_invalid, "query, key and value do not fit together");
  if (c.has(3)) {
    ir::Dims all = q;
    all.back() = k[k.size() - 2];
    const ir::Dims& mask = c.in(3).dims();
    bool spreads = !mask.empty() && mask.size() <= all.size();
    for (size_t i = 0; spreads && i < mask.size(); ++i)
      spreads = mask[mask.size() - 1 - i] == 1 || mask[mask.size() - 1 - i] == all[all.size() - 1 - i];
    if (!spreads) return c.fail(Code::model_invalid, "attn_mask does not broadcast to the scores");
  }
  ASSAY_CHECK(allocate_outputs(c));
  if (c.out(0).size() == 0) return {};
  computes_float64(c) ? run<double>(c) : run<float>(c);
  return {};
}

Status to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  c.need(9, "scaled_dot_product_attention");
  MilParams params = {{"query", c.in(0)}, {"key", c.in(1)}, {"value", c.in(2)}};
  if (c.has(3)) params.push_back({"attn_mask", c.in(3)});
  return c.emit("scaled_dot_product_attention", params);
}

constexpr In kIn[] = {
    {"query", kFloats}, {"key", kFloats}, {"value", kFloats}, {"attn_mask", kFloats | kBool, kOptional}};
constexpr Out kOut[] = {{"output"}};
constexpr num::Function kCalls[] = {num::Function::exp};

}  // namespace

extern const OpDef kCoremlScaledDotProductAttention = {
    .domain = "coreml",
    .name = "ScaledDotProductAttention",
    .since = 1,
    .doc = "softmax(query key^T / sqrt(E) + mask) value; a false element of a boolean mask stands for -infinity.",
    .in = kIn,
    .out = kOut,
    .mixed = true,
    .numeric = Numeric::composite,
    .accumulates = "products over E, then exponentials over the keys, then products over the keys",
    .elementary = kCalls,
    .infer = infer,
    .eval = eval,
    .to_mil = {to_mil, "scaled_dot_product_attention"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops
