// GlobalAveragePool, GlobalMaxPool, GlobalLpPool: one value a channel.
#include <cmath>
#include <limits>

#include "num/format.h"
#include "ops/lower/steps.h"
#include "ops/move.h"
#include "ops/pool_rows.h"
#include "ops/upgrade.h"

namespace assay::ops {
namespace {

template <class T>
T sum_of(const KernelContext&, const num::Arith<T>& arith, const T* x, std::vector<T>&, size_t n) {
  return arith.sum(x, n);
}

/// Sums of n elements each, as means.
template <class T>
void divide(const KernelContext& c, const num::Arith<T>& arith, std::vector<T>& sums, size_t n) {
  if (!c.policy().divide_by_reciprocal) return arith.div(sums.data(), static_cast<T>(n), sums.data(), sums.size());
  const T reciprocal = T{1} / static_cast<T>(n);
  const auto& result = c.policy().result;
  const T factor = result ? static_cast<T>(num::round(static_cast<double>(reciprocal), *result)) : reciprocal;
  arith.mul(sums.data(), factor, sums.data(), sums.size());
}

template <class T>
T max_of(const KernelContext&, const num::Arith<T>& arith, const T* x, std::vector<T>&, size_t n) {
  return arith.max_of(x, n);
}

template <class T>
T norm_of(const KernelContext& c, const num::Arith<T>& arith, const T* x, std::vector<T>& terms, size_t n) {
  const int64_t p = c.op.attr_int("p", 2);
  if (p == 2) return arith.sqrt(arith.sum_of_squares(x, n));
  terms.resize(2 * n);
  arith.abs(x, terms.data(), n);
  if (p == 1) return arith.sum(terms.data(), n);
  std::fill(terms.begin() + static_cast<std::ptrdiff_t>(n), terms.end(), static_cast<T>(p));
  arith.pow(terms.data(), terms.data() + n, terms.data(), n);
  T sum = arith.sum(terms.data(), n);
  const T root = T{1} / static_cast<T>(p);
  arith.pow(&sum, &root, &sum, 1);
  return sum;
}

template <class T>
using PlaneFn = T (*)(const KernelContext&, const num::Arith<T>&, const T*, std::vector<T>&, size_t);

template <class T>
void for_each_plane(KernelContext& c, PlaneFn<T> reduce, bool mean) {
  const num::Arith<T> arith(c.policy());
  const ir::Tensor& in = c.in(0);
  const size_t planes = static_cast<size_t>(c.out(0).size());
  if (planes == 0) return;
  const size_t n = static_cast<size_t>(in.size()) / planes;
  std::vector<T> results(planes);
  c.threads.for_each(planes, std::max<size_t>(1, 8192 / std::max<size_t>(n, 1)), [&](size_t begin, size_t end) {
    std::vector<T> buffer(n), terms;
    for (size_t p = begin; p < end; ++p)
      results[p] = reduce(c, arith, load(in, static_cast<int64_t>(p * n), n, buffer.data()), terms, n);
  });
  if (mean) divide(c, arith, results, n);
  store(c.out(0), 0, planes, results.data(), c.policy());
}

Status run(KernelContext& c, PlaneFn<float> f32, PlaneFn<double> f64, bool mean = false) {
  ASSAY_CHECK(allocate_outputs(c));
  if (computes_float64(c))
    for_each_plane(c, f64, mean);
  else
    for_each_plane(c, f32, mean);
  return {};
}

Status eval_average(KernelContext& c) { return run(c, sum_of<float>, sum_of<double>, true); }
Status eval_max(KernelContext& c) { return run(c, max_of<float>, max_of<double>); }
Status eval_norm(KernelContext& c) { return run(c, norm_of<float>, norm_of<double>); }

/// The spatial axes as one reduction; p as in GlobalLpPool.
template <class S>
Status reduce_spatial(S s, std::string_view type) {
  const int64_t rank = s.c.rank(0);
  if (rank < 2) return s.c.refuse("an input of unknown rank");
  const ir::Dims axes = axes_between(2, rank);
  const auto x = s.in(0);
  if (axes.empty()) return s.c.refuse("an input without spatial axes");
  if (type == "mean") return s.result(s.mean(x, axes));
  if (type == "max") return s.result(s.max(x, axes));
  const int64_t p = s.c.op.attr_int("p", 2);
  if (p == 1) return s.result(s.l1(x, axes));
  if (p == 2) return s.result(s.l2(x, axes));
  const auto sum = s.sum(s.pow(s.abs(x), static_cast<double>(p)), axes);
  return s.result(s.pow(sum, 1.0F / static_cast<float>(p)));
}
Status average_to_mil(MilContext& c) { return reduce_spatial(MilSteps(c), "mean"); }
Status average_to_nn(NnContext& c) { return reduce_spatial(NnSteps(c), "mean"); }
Status max_to_mil(MilContext& c) { return reduce_spatial(MilSteps(c), "max"); }
Status max_to_nn(NnContext& c) { return reduce_spatial(NnSteps(c), "max"); }
Status norm_to_mil(MilContext& c) {
  const bool powers = c.op.attr_int("p", 2) > 2;
  if (powers) c.keep_single("float16 holds powers of small numbers alone");
  return reduce_spatial(MilSteps(c, powers ? MilSteps::Inside::single : MilSteps::Inside::declared), "norm");
}
Status norm_to_nn(NnContext& c) { return reduce_spatial(NnSteps(c), "norm"); }

/// p was a float in version 1.
Status upgrade_p(UpgradeContext& c) {
  c.op.set_attr("p", static_cast<int64_t>(std::lround(c.op.attr_float("p", 2))));
  return {};
}

constexpr In kIn[] = {{"X", kFloats}};
constexpr Out kOut[] = {{"Y"}};
constexpr AttrDoc kNormAttrs[] = {{"p", "2"}};
constexpr Upgrade kNormUpgrades[] = {{2, upgrade_p}};

}  // namespace

extern const OpDef kGlobalAveragePool = {
    .name = "GlobalAveragePool",
    .since = 22,
    .doc = "The mean of each channel.",
    .in = kIn,
    .out = kOut,
    .numeric = Numeric::reduction,
    .accumulates = "the channel, as ReduceSum; then / count",
    .infer = infer_global_pool,
    .eval = eval_average,
    .to_mil = {average_to_mil, "reduce_mean"},
    .to_nn = {average_to_nn, "reduceMean"},
};

extern const OpDef kGlobalMaxPool = {
    .name = "GlobalMaxPool",
    .since = 22,
    .doc = "The maximum of each channel (NaN if it holds one).",
    .in = kIn,
    .out = kOut,
    .infer = infer_global_pool,
    .eval = eval_max,
    .to_mil = {max_to_mil, "reduce_max"},
    .to_nn = {max_to_nn, "reduceMax"},
};

extern const OpDef kGlobalLpPool = {
    .name = "GlobalLpPool",
    .since = 22,
    .doc = "The p-norm of each channel.",
    .in = kIn,
    .out = kOut,
    .attrs = kNormAttrs,
    .numeric = Numeric::reduction,
    .accumulates = "|x|^p of the channel, as ReduceSum",
    .upgrades = kNormUpgrades,
    .infer = infer_global_pool,
    .eval = eval_norm,
    .to_mil = {norm_to_mil, "reduce_l1_norm, reduce_l2_norm; else abs, pow, reduce_sum, pow"},
    .to_nn = {norm_to_nn, "reduceL1, reduceL2; else abs, powBroadcastable, reduceSum, powBroadcastable"},
    .bound = {.f32 = 4, .f16 = 1, .bf16 = 1},
};

}  // namespace assay::ops
