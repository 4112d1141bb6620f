// BatchNormalization, LpNormalization, MeanVarianceNormalization and LRN.
#include <algorithm>

#include "ops/lower/families.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

float epsilon_of(const ir::Op& op) { return op.attr_float("epsilon", 1e-5F); }

template <class C>
bool has_constant_parameters(const C& c) {
  return std::ranges::all_of(std::vector<size_t>{1, 2, 3, 4}, [&](size_t i) { return c.constant(i) != nullptr; });
}

template <class C>
bool is_mixed(const C& c) {
  return std::ranges::any_of(std::vector<size_t>{1, 2, 3, 4}, [&](size_t i) { return c.elem(i) != c.elem(0); });
}

/// x * a + b with a = scale / sqrt(variance + epsilon), b = bias - mean * a.
template <class S>
Status batch_norm_by_steps(S s) {
  ir::Dims shape(static_cast<size_t>(s.c.rank(0) - 1), 1);
  shape[0] = -1;
  const auto parameter = [&](size_t i) { return s.reshape(s.in(i), shape); };
  const auto scale = parameter(1), bias = parameter(2), mean = parameter(3), variance = parameter(4);
  const auto a = s.div(scale, s.sqrt(s.add(variance, epsilon_of(s.c.op))));
  const auto b = s.sub(bias, s.mul(mean, a));
  return s.result(s.add(s.mul(s.in(0), a), b));
}

template <class C>
Status check_batch_norm(const C& c) {
  if (c.wants(1) || c.wants(2)) return c.refuse("training mode");
  if (c.rank(0) < 2) return c.refuse("an input without a channel axis");
  if (is_mixed(c)) return c.refuse("parameters of another type than the input");
  return {};
}

}  // namespace

Status batch_norm_to_mil(MilContext& c) {
  ASSAY_CHECK(check_batch_norm(c));
  if (!has_constant_parameters(c)) return batch_norm_by_steps(MilSteps(c));
  MilSteps s(c);
  const bool flat = c.rank(0) == 2;
  const MilParams params = {{"x", flat ? s.expand(c.in(0), {2}) : c.in(0)},
                            {"mean", c.in(3)},
                            {"variance", c.in(4)},
                            {"gamma", c.in(1)},
                            {"beta", c.in(2)},
                            {"epsilon", c.number(epsilon_of(c.op))}};
  if (!flat) return c.emit("batch_norm", params);
  return c.result(s.squeeze(c.make("batch_norm", params, std::get<MilValue>(params[0].value).type), {2}));
}

Status batch_norm_to_nn(NnContext& c) {
  ASSAY_CHECK(check_batch_norm(c));
  const int64_t rank = c.rank(0);
  // The layer's channels are the third axis from the end, and it takes an epsilon of 0 for its default.
  if (!has_constant_parameters(c) || rank > 4 || epsilon_of(c.op) == 0) return batch_norm_by_steps(NnSteps(c));
  mil::Message params = c.params("batchnorm");
  params.set("channels", c.constant(1)->size()).set("epsilon", double{epsilon_of(c.op)});
  params.set("gamma", c.weights(*c.constant(1))).set("beta", c.weights(*c.constant(2)));
  params.set("mean", c.weights(*c.constant(3))).set("variance", c.weights(*c.constant(4)));
  if (rank == 4) return c.layer("batchnorm", {c.in(0)}, std::move(params));
  NnSteps s(c);
  const ir::Dims axes = rank == 3 ? ir::Dims{2} : ir::Dims{2, 3};
  return c.result(s.squeeze(c.make("batchnorm", {s.expand(c.in(0), axes)}, std::move(params)), axes));
}

namespace {

template <class S>
Status lp_norm(S s) {
  const int64_t rank = s.c.rank(0), wanted = s.c.op.attr_int("axis", -1);
  if (rank < 1) return s.c.refuse("an input of unknown rank, or without axes");
  const ir::Dims axes = {wanted < 0 ? wanted + rank : wanted};
  const auto x = s.in(0);
  const auto norm = s.c.op.attr_int("p", 2) == 1 ? s.l1(x, axes) : s.l2(x, axes);
  return s.result(s.zero_where_zero(norm, s.div(x, norm)));
}

template <class S>
Status mean_variance_norm(S s) {
  const int64_t rank = s.c.rank(0);
  ir::Dims axes = s.c.op.attr_ints("axes", {0, 2, 3});
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  if (rank < 0 || std::ranges::any_of(axes, [&](int64_t a) { return a < 0 || a >= rank; }))
    return s.c.refuse("axes that the input does not have");
  std::ranges::sort(axes);
  const auto x = s.in(0);
  const auto mean = s.mean(x, axes);
  const auto mean_square = s.mean(s.mul(x, x), axes);
  const auto variance = s.sub(mean_square, s.mul(mean, mean));
  const auto deviation = s.sub(x, mean);
  return s.result(s.div(deviation, s.add(s.sqrt(variance), 1e-9F)));
}

template <class C>
Status check_local_response(const C& c) {
  if (c.op.attr_int("size", 1) % 2 == 0)
    return c.refuse("an even size: on which side the window is longer is not documented");
  if (c.rank(0) < 3 || c.rank(0) > 4) return c.refuse("an input of other than 3 or 4 axes");
  return {};
}

}  // namespace

Status lp_norm_to_mil(MilContext& c) { return lp_norm(MilSteps(c)); }
Status lp_norm_to_nn(NnContext& c) { return lp_norm(NnSteps(c)); }
Status mean_variance_norm_to_mil(MilContext& c) {
  c.keep_single(kSquares);
  return mean_variance_norm(MilSteps(c, MilSteps::Inside::single));
}
Status mean_variance_norm_to_nn(NnContext& c) { return mean_variance_norm(NnSteps(c)); }

Status local_response_norm_to_mil(MilContext& c) {
  ASSAY_CHECK(check_local_response(c));
  return c.emit("local_response_norm", {{"x", c.in(0)},
                                        {"size", mil::of_int(static_cast<int32_t>(c.op.attr_int("size", 1)))},
                                        {"alpha", c.number(c.op.attr_float("alpha", 1e-4F))},
                                        {"beta", c.number(c.op.attr_float("beta", 0.75F))},
                                        {"k", c.number(c.op.attr_float("bias", 1))}});
}

Status local_response_norm_to_nn(NnContext& c) {
  ASSAY_CHECK(check_local_response(c));
  if (c.op.attr_float("bias", 1) == 0) return c.refuse("a bias of 0, which the layer takes for its default, 1");
  mil::Message params = c.params("lrn");
  params.set("alpha", double{c.op.attr_float("alpha", 1e-4F)}).set("beta", double{c.op.attr_float("beta", 0.75F)});
  params.set("localSize", c.op.attr_int("size", 1)).set("k", double{c.op.attr_float("bias", 1)});
  if (c.rank(0) == 4) return c.layer("lrn", {c.in(0)}, std::move(params));
  NnSteps s(c);
  return c.result(s.squeeze(c.make("lrn", {s.expand(c.in(0), {2})}, std::move(params)), {2}));
}

}  // namespace assay::ops
