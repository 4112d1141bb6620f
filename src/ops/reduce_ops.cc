// The Reduce operators.
#include <algorithm>
#include <limits>
#include <optional>

#include "ops/elementwise.h"
#include "ops/infer.h"
#include "ops/lower/reduce.h"
#include "ops/move.h"
#include "ops/reduce.h"
#include "ops/saturate.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

using ir::ElemType;

/// Which axes are reduced; `none` when it is because noop_with_empty_axes says so.
struct Axes {
  std::vector<bool> reduced;
  bool none = false;
};
std::optional<Axes> axes_of(const ir::Op& op, const std::optional<ir::Dims>& given, size_t rank) {
  Axes axes{std::vector<bool>(rank), false};
  if (!given || given->empty()) {
    axes.none = op.attr_int("noop_with_empty_axes", 0) != 0;
    axes.reduced.assign(rank, !axes.none);
    return axes;
  }
  for (const int64_t wanted : *given) {
    const int64_t axis = normal_axis(wanted, static_cast<int64_t>(rank));
    if (axis < 0) return std::nullopt;
    axes.reduced[static_cast<size_t>(axis)] = true;
  }
  return axes;
}

Status infer(InferContext& c) {
  const bool keep = c.op().attr_int("keepdims", 1) != 0;
  const auto given = constant_ints(c, 1);
  if (!c.ranked(0)) {
    c.set(0, c.elem(0), std::nullopt);
    return {};
  }
  const auto rank = static_cast<size_t>(c.rank(0));
  if (c.has(1) && !given) {  // the axes come with the data
    if (keep) return c.set(0, c.elem(0), std::vector<ir::Dim>(rank)), Status{};
    return c.set(0, c.elem(0), std::nullopt), Status{};
  }
  const auto axes = axes_of(c.op(), given, rank);
  if (!axes) return c.fail("reduce_c1", "an axis beyond rank " + std::to_string(rank));
  std::vector<ir::Dim> shape;
  for (size_t k = 0; k < rank; ++k) {
    if (!axes->reduced[k])
      shape.push_back(c.shape(0)[k]);
    else if (keep)
      shape.emplace_back(1);
  }
  c.set(0, c.elem(0), std::move(shape));
  return {};
}

bool copies_single_terms(Reduction kind) {
  return kind == Reduction::sum || kind == Reduction::mean || kind == Reduction::max || kind == Reduction::min ||
         kind == Reduction::prod;
}

template <class T>
void reduce_floats(KernelContext& c, Reduction kind, const Axes& axes) {
  const num::Arith<T> arith(c.policy());
  const ReducePlan plan(c.in(0).dims(), axes.reduced);
  const auto n = static_cast<size_t>(plan.results());
  std::vector<T> buffer;
  T* out = destination(c.out(0), 0, static_cast<T*>(nullptr));
  if (!out) {
    buffer.resize(n);
    out = buffer.data();
  }
  if (axes.none && copies_single_terms(kind)) {
    const T* from = load(c.in(0), 0, n, out);
    if (from != out) std::copy_n(from, n, out);
  } else {
    reduce(arith, kind, plan, c.in(0), out, c.threads);
  }
  store(c.out(0), 0, n, out, c.policy());
}

// ---- Integers: exact, modulo 2^64; roots and logarithms through float64, toward zero, saturated.

int64_t lowest_of(ElemType type) {
  if (!ir::is_signed_integer(type)) return 0;
  return static_cast<int64_t>(~uint64_t{0} << (ir::elem_bits(type) - 1));
}
int64_t highest_of(ElemType type) {
  if (type == ElemType::boolean) return 1;
  const int bits = ir::elem_bits(type) - ir::is_signed_integer(type);
  return bits >= 64 ? -1 : static_cast<int64_t>((uint64_t{1} << bits) - 1);
}

int64_t reduce_integers(Reduction kind, const std::vector<int64_t>& terms, ElemType type) {
  const bool big = type == ElemType::uint64;
  const auto less = [big](int64_t a, int64_t b) {
    return big ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
  };
  uint64_t sum = kind == Reduction::prod ? 1 : 0;
  int64_t best = kind == Reduction::max ? lowest_of(type) : highest_of(type);
  for (const int64_t signed_term : terms) {
    const auto x = static_cast<uint64_t>(signed_term);
    switch (kind) {
      case Reduction::max:
        best = less(best, signed_term) ? signed_term : best;
        break;
      case Reduction::min:
        best = less(signed_term, best) ? signed_term : best;
        break;
      case Reduction::prod:
        sum *= x;
        break;
      case Reduction::l1:
        sum += !big && signed_term < 0 ? -x : x;
        break;
      case Reduction::l2:
      case Reduction::sum_square:
        sum += x * x;
        break;
      default:
        sum += x;
    }
  }
  if (kind == Reduction::max || kind == Reduction::min) return best;
  if (kind == Reduction::mean && !terms.empty()) {
    if (big) return static_cast<int64_t>(sum / terms.size());
    return static_cast<int64_t>(sum) / static_cast<int64_t>(terms.size());
  }
  return static_cast<int64_t>(sum);
}

/// L2, LogSum and LogSumExp of integers.
int64_t through_float64(Reduction kind, const std::vector<int64_t>& terms, ElemType type) {
  const num::Arith<double> arith{num::Policy{}};
  std::vector<double> wide(terms.size());
  std::ranges::transform(terms, wide.begin(), [type](int64_t x) {
    return type == ElemType::uint64 ? static_cast<double>(static_cast<uint64_t>(x)) : static_cast<double>(x);
  });
  double y = 0;
  if (kind == Reduction::l2) y = arith.sqrt(arith.sum_of_squares(wide.data(), wide.size()));
  if (kind == Reduction::log_sum) y = arith.apply(num::Function::log, arith.sum(wide.data(), wide.size()));
  if (kind == Reduction::log_sum_exp) {
    const double m = wide.empty() ? 0 : arith.max_of(wide.data(), wide.size());
    arith.sub(wide.data(), m, wide.data(), wide.size());
    arith.apply(num::Function::exp, wide.data(), wide.data(), wide.size());
    y = m + arith.apply(num::Function::log, arith.sum(wide.data(), wide.size()));
  }
  return saturated(y, type);
}

void reduce_all_integers(KernelContext& c, Reduction kind, const Axes& axes) {
  const ReducePlan plan(c.in(0).dims(), axes.reduced);
  const bool wide = kind == Reduction::l2 || kind == Reduction::log_sum || kind == Reduction::log_sum_exp;
  std::vector<int64_t> terms;
  for (int64_t i = 0; i < plan.results(); ++i) {
    terms.clear();
    for (const int64_t offset : plan.term_offsets()) {
      for (int64_t k = 0; k < plan.run(); ++k) terms.push_back(c.in(0).int_at(plan.result_offset(i) + offset + k));
    }
    c.out(0).set_int(
        i, wide ? through_float64(kind, terms, c.out(0).elem()) : reduce_integers(kind, terms, c.in(0).elem()));
  }
}

template <Reduction kKind>
Status eval(KernelContext& c) {
  ASSAY_CHECK(allocate_outputs(c));
  const auto axes = axes_of(c.op, ints_of(c, 1), c.in(0).dims().size());
  if (!axes) return c.fail(Code::model_invalid, "an axis beyond the rank");
  if (!ir::is_float(c.in(0).elem())) {
    reduce_all_integers(c, kKind, *axes);
  } else if (computes_float64(c)) {
    reduce_floats<double>(c, kKind, *axes);
  } else {
    reduce_floats<float>(c, kKind, *axes);
  }
  return {};
}

Status axes_to_input(UpgradeContext& c) { return ints_attr_to_input(c, "axes", 1); }
constexpr Upgrade kUpgrades13[] = {{13, axes_to_input}};
constexpr Upgrade kUpgrades18[] = {{18, axes_to_input}};

constexpr In kIn[] = {{"data", kNumbers}, {"axes", kInt64, kOptional | kExempt}};
constexpr In kBoolIn[] = {{"data", kNumbers | kBool}, {"axes", kInt64, kOptional | kExempt}};
constexpr Out kOut[] = {{"reduced"}};
constexpr AttrDoc kAttrs[] = {{"keepdims", "1"}, {"noop_with_empty_axes", "0"}};
constexpr num::Function kLog[] = {num::Function::log};
constexpr num::Function kLogExp[] = {num::Function::exp, num::Function::log};
constexpr std::span<const num::Function> kNoCalls = std::span(kLog).first(0);

}  // namespace

#define ASSAY_ROW(row, onnx, version, types, kind, what, calls, rules, sentence, lower, upper) \
  extern const OpDef row = {                                                                   \
      .name = onnx,                                                                            \
      .since = version,                                                                        \
      .doc = sentence,                                                                         \
      .in = types,                                                                             \
      .out = kOut,                                                                             \
      .attrs = kAttrs,                                                                         \
      .numeric = Numeric::reduction,                                                           \
      .accumulates = what,                                                                     \
      .elementary = calls,                                                                     \
      .upgrades = rules,                                                                       \
      .infer = infer,                                                                          \
      .eval = eval<Reduction::kind>,                                                           \
      .to_mil = {reduction_to_mil<Reduction::kind>, "reduce_" lower},                          \
      .to_nn = {reduction_to_nn<Reduction::kind>, "reduce" upper},                             \
  };
ASSAY_ROW(kReduceL1, "ReduceL1", 18, kIn, l1, "absolute values", kNoCalls, kUpgrades18, "Sum of absolute values.",
          "l1_norm", "L1")
ASSAY_ROW(kReduceL2, "ReduceL2", 18, kIn, l2, "squares", kNoCalls, kUpgrades18, "Root of the sum of squares.",
          "l2_norm", "L2")
ASSAY_ROW(kReduceLogSum, "ReduceLogSum", 18, kIn, log_sum, "elements", kLog, kUpgrades18, "Logarithm of the sum.",
          "log_sum", "LogSum")
ASSAY_ROW(kReduceLogSumExp, "ReduceLogSumExp", 18, kIn, log_sum_exp, "exponentials", kLogExp, kUpgrades18,
          "m + log(sum(exp(x - m))), m the largest element.", "log_sum_exp", "LogSumExp")
ASSAY_ROW(kReduceMax, "ReduceMax", 20, kBoolIn, max, "", kNoCalls, kUpgrades18, "The largest element.", "max", "Max")
ASSAY_ROW(kReduceMean, "ReduceMean", 18, kIn, mean, "elements", kNoCalls, kUpgrades18, "The sum over the number.",
          "mean", "Mean")
ASSAY_ROW(kReduceMin, "ReduceMin", 20, kBoolIn, min, "", kNoCalls, kUpgrades18, "The smallest element.", "min", "Min")
ASSAY_ROW(kReduceProd, "ReduceProd", 18, kIn, prod, "factors", kNoCalls, kUpgrades18, "The product, ascending.", "prod",
          "Prod")
ASSAY_ROW(kReduceSum, "ReduceSum", 13, kIn, sum, "elements", kNoCalls, kUpgrades13, "The sum.", "sum", "Sum")
ASSAY_ROW(kReduceSumSquare, "ReduceSumSquare", 18, kIn, sum_square, "squares", kNoCalls, kUpgrades18,
          "The sum of squares.", "sum_square", "SumSquare")
#undef ASSAY_ROW

}  // namespace assay::ops
