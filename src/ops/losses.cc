// NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss, by the steps of their ONNX function bodies: -x at each target,
// times its weight; then the sum of all, or that over the sum of the weights (over their number where there are none).
#include <optional>
#include <vector>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/mil.h"
#include "ops/lower/nn.h"
#include "ops/move.h"
#include "ops/rows.h"

namespace assay::ops {
namespace {

enum class Reduce : uint8_t { none, mean, sum };

std::optional<Reduce> reduction_of(const ir::Op& op) {
  const std::string name = op.attr_string("reduction", "mean");
  if (name == "none") return Reduce::none;
  if (name == "sum") return Reduce::sum;
  return name == "mean" ? std::optional(Reduce::mean) : std::nullopt;
}

Status infer(InferContext& c) {
  const auto reduction = reduction_of(c.op());
  if (!reduction) return c.fail("loss_c1", "reduction is '" + c.op().attr_string("reduction", "mean") + "'");
  if (c.ranked(0) && c.ranked(1)) {
    const auto &x = c.shape(0), &target = c.shape(1);
    if (x.size() < 2 || target.size() + 1 != x.size())
      return c.fail("loss_c2", to_string(c.type(1)) + " are no targets of scores " + to_string(c.type(0)));
    for (size_t k = 0; k < target.size(); ++k) {
      const ir::Dim& d = x[k == 0 ? 0 : k + 1];
      if (d.known() && target[k].known() && d.value != target[k].value)
        return c.fail("loss_c2", to_string(c.type(1)) + " are no targets of scores " + to_string(c.type(0)));
    }
    if (c.has(2) && c.ranked(2) &&
        (c.rank(2) != 1 || (c.shape(2)[0].known() && x[1].known() && c.shape(2)[0].value != x[1].value)))
      return c.fail("loss_c3", "weights of type " + to_string(c.type(2)));
  }
  std::optional<std::vector<ir::Dim>> shape = std::vector<ir::Dim>{};
  if (*reduction == Reduce::none) shape = c.type(1).shape;
  c.set(0, c.elem(0), std::move(shape));
  if (c.wants(1)) c.set(1, c.type(0));
  return {};
}

/// The scores as [samples][classes][inner]. Logarithms of softmax over the classes: each column as a contiguous row.
template <class T>
std::vector<T> log_softmax(const KernelContext& c, const num::Arith<T>& arith, const AxisSplit& s) {
  const auto classes = static_cast<size_t>(s.n), inner = static_cast<size_t>(s.inner);
  std::vector<T> scores(static_cast<size_t>(c.in(0).size()));
  if (const T* x = load(c.in(0), 0, scores.size(), scores.data()); x != scores.data())
    std::copy_n(x, scores.size(), scores.data());
  const size_t columns = static_cast<size_t>(s.outer) * inner;
  c.threads.for_each(columns, std::max<size_t>(1, kGrain / 4 / std::max<size_t>(classes, 1)), [&](size_t b, size_t e) {
    std::vector<T> row(classes), exps(classes);
    for (size_t i = b; i < e; ++i) {
      T* at = scores.data() + i / inner * classes * inner + i % inner;
      for (size_t k = 0; k < classes; ++k) row[k] = at[k * inner];
      arith.sub(row.data(), arith.max_of(row.data(), classes), row.data(), classes);
      arith.apply(num::Function::exp, row.data(), exps.data(), classes);
      const T total = arith.apply(num::Function::log, arith.sum(exps.data(), classes));
      arith.sub(row.data(), total, row.data(), classes);
      for (size_t k = 0; k < classes; ++k) at[k * inner] = row[k];
    }
  });
  return scores;
}

template <class T>
Status run(KernelContext& c, bool softmax) {
  const num::Arith<T> arith(c.policy());
  const AxisSplit s = split_at(c.in(0).dims(), 1);
  const Reduce reduction = *reduction_of(c.op);
  const bool ignores = c.op.has_attr("ignore_index");
  const int64_t ignored = c.op.attr_int("ignore_index", 0);
  std::vector<T> logs;
  if (softmax) logs = log_softmax(c, arith, s);
  const auto n = static_cast<size_t>(c.in(1).size());
  std::vector<T> loss(n), weight(n, T(1));
  for (size_t i = 0; i < n; ++i) {
    const auto at = static_cast<int64_t>(i);
    const int64_t target = c.in(1).int_at(at);
    if (ignores && target == ignored) {
      weight[i] = T(0);
      continue;
    }
    if (target < 0 || target >= s.n)
      return c.fail(Code::value_range, "target " + std::to_string(i) + " is class " + std::to_string(target) + " of " +
                                           std::to_string(s.n));
    const int64_t from = (at / s.inner * s.n + target) * s.inner + at % s.inner;
    loss[i] = softmax ? logs[static_cast<size_t>(from)] : *load(c.in(0), from, 1, &loss[i]);
    if (c.has(2)) weight[i] = *load(c.in(2), target, 1, &weight[i]);
  }
  arith.neg(loss.data(), loss.data(), n);
  const bool weighted = ignores || c.has(2);
  if (weighted) arith.mul(loss.data(), weight.data(), loss.data(), n);
  if (reduction == Reduce::none) {
    store(c.out(0), 0, n, loss.data(), c.policy());
  } else {
    T total = arith.sum(loss.data(), n);
    if (reduction == Reduce::mean) total = arith.div(total, weighted ? arith.sum(weight.data(), n) : static_cast<T>(n));
    store(c.out(0), 0, 1, &total, c.policy());
  }
  if (c.wants(1)) store(c.out(1), 0, logs.size(), logs.data(), c.policy());
  return {};
}

template <bool kSoftmax>
Status eval(KernelContext& c) {
  const ir::Dims &x = c.in(0).dims(), &target = c.in(1).dims();
  ir::Dims expected = x;
  if (x.size() >= 2) expected.erase(expected.begin() + 1);
  if (x.size() < 2 || target != expected || (c.has(2) && c.in(2).dims() != ir::Dims{x[1]}))
    return c.fail(Code::model_invalid, "scores, targets and weights do not fit together");
  if (!reduction_of(c.op)) return c.fail(Code::model_invalid, "unknown reduction");
  ASSAY_CHECK(allocate_outputs(c));
  return computes_float64(c) ? run<double>(c, kSoftmax) : run<float>(c, kSoftmax);
}

constexpr In kNllIn[] = {{"input", kFloats}, {"target", kIndices}, {"weight", kFloats, kOptional}};
constexpr In kSceIn[] = {{"scores", kFloats}, {"labels", kIndices}, {"weights", kFloats, kOptional}};
constexpr Out kNllOut[] = {{"loss"}};
constexpr Out kSceOut[] = {{"output"}, {"log_prob", kOptional}};
constexpr AttrDoc kAttrs[] = {{"ignore_index", "-"}, {"reduction", "mean"}};
constexpr num::Function kCalls[] = {num::Function::exp, num::Function::log};

}  // namespace

extern const OpDef kNegativeLogLikelihoodLoss = {
    .name = "NegativeLogLikelihoodLoss",
    .since = 22,
    .doc = "The weighted mean (or sum, or each) of -x at the target's class.",
    .in = kNllIn,
    .out = kNllOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "losses, and weights",
    .infer = infer,
    .eval = eval<false>,
    .to_mil = {.says = "a loss is no part of what Core ML runs"},
    .to_nn = {.says = "a loss is no part of what Core ML runs"},
    .bound = {.f32 = 1e6},  // losses may cancel
};

extern const OpDef kSoftmaxCrossEntropyLoss = {
    .name = "SoftmaxCrossEntropyLoss",
    .since = 13,
    .doc = "NegativeLogLikelihoodLoss of the logarithms of softmax over the classes.",
    .in = kSceIn,
    .out = kSceOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = "exponentials of a sample; losses, and weights",
    .elementary = kCalls,
    .infer = infer,
    .eval = eval<true>,
    .to_mil = {.says = "a loss is no part of what Core ML runs"},
    .to_nn = {.says = "a loss is no part of what Core ML runs"},
    .bound = {.f32 = 1e6},
};

}  // namespace assay::ops
