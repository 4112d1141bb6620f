// Normalisations over axes behind the first: LayerNormalization, RMSNormalization, InstanceNormalization,
// GroupNormalization.
#include "ops/lower/families.h"
#include "ops/lower/steps.h"

namespace assay::ops {
namespace {

float epsilon_of(const ir::Op& op) { return op.attr_float("epsilon", 1e-5F); }

/// The shape of `scale` or `bias` per channel: [C, 1, ...].
ir::Dims per_channel(int64_t rank) {
  ir::Dims dims(static_cast<size_t>(rank - 1), 1);
  dims[0] = -1;
  return dims;
}

template <class S>
typename S::Value inverse_root(S& s, const typename S::Value& mean_square, float epsilon) {
  return s.div(1, s.sqrt(s.add(mean_square, epsilon)));
}

/// (x - mean) / sqrt(variance + epsilon) over axes, step by step as the operators say it.
template <class S>
typename S::Value normalised(S& s, const typename S::Value& x, const ir::Dims& axes, float epsilon) {
  const auto d = s.sub(x, s.mean(x, axes));
  return s.mul(d, inverse_root(s, s.mean(s.mul(d, d), axes), epsilon));
}

/// y * scale + bias, one of each per channel.
template <class S>
Status scaled(S& s, typename S::Value y, int64_t rank) {
  y = s.mul(y, s.reshape(s.in(1), per_channel(rank)));
  return s.result(s.add(y, s.reshape(s.in(2), per_channel(rank))));
}

template <class C>
int64_t first_axis(const C& c) {
  const int64_t axis = c.op.attr_int("axis", -1);
  return axis < 0 ? axis + c.rank(0) : axis;
}

/// Extents of the normalised axes; empty when one is not known.
template <class C>
ir::Dims normalised_shape(const C& c, int64_t axis) {
  ir::Dims dims;
  for (int64_t k = axis; k < c.rank(0); ++k) dims.push_back(c.dim(0, k));
  for (const int64_t d : dims)
    if (d < 0) return {};
  return dims;
}

/// A constant whose shape is exactly that of the normalised axes.
template <class C>
bool fits(const C& c, size_t i, const ir::Dims& shape) {
  return c.constant(i) != nullptr && !shape.empty() && c.constant(i)->dims() == shape;
}

/// Ones that broadcast to whatever is normalised.
bool is_one(const ir::Tensor* scale) { return scale != nullptr && scale->size() == 1 && scale->float_at(0) == 1; }

mil::Value ones(const ir::Dims& shape, mil::DataType type) {
  int64_t count = 1;
  for (const int64_t d : shape) count *= d;
  mil::Value value = mil::of_floats(std::vector<float>(static_cast<size_t>(count), 1.0F), type);
  value.type.dims = shape;
  return value;
}

/// Moments in float32 whatever the input is: what stash_type 1 says of float16 inputs.
template <class C>
Status check_layer(const C& c) {
  if (c.rank(0) < 1) return c.refuse("an input of unknown rank");
  if (c.wants(1) || c.wants(2)) return c.refuse("the outputs Mean and InvStdDev");
  if (c.op.attr_int("stash_type", 1) != 1) return c.refuse("a stash_type other than float32");
  return {};
}

template <class S>
Status scale_and_shift(S& s, typename S::Value y, bool scale, bool bias) {
  if (scale) y = s.mul(y, s.in(1));
  if (bias) y = s.add(y, s.in(2));
  return s.result(y);
}

}  // namespace

Status layer_norm_to_mil(MilContext& c) {
  ASSAY_CHECK(check_layer(c));
  // What an ML Program had as this operation has the types that it declares.
  MilSteps s(c, c.op.origin == "layer_norm" ? MilSteps::Inside::declared : MilSteps::Inside::single);
  const int64_t axis = first_axis(c);
  const ir::Dims shape = normalised_shape(c, axis);
  const bool stated = fits(c, 1, shape), scale = stated || is_one(c.constant(1));
  const bool bias = scale && c.has(2) && fits(c, 2, shape);
  const MilValue x = s.in(0);
  MilParams params = {{"x", x}, {"axes", MilContext::ints(axes_between(axis, c.rank(0)))}};
  params.push_back({"epsilon", held_number(epsilon_of(c.op), x.data())});
  if (stated)
    params.push_back({"gamma", s.in(1)});
  else if (bias)  // which comes with a scale alone
    params.push_back({"gamma", ones(shape, x.data())});
  if (bias) params.push_back({"beta", s.in(2)});
  const bool whole = scale && bias == c.has(2);
  if (whole && x.data() == c.in(0).data()) return c.emit("layer_norm", params);
  return scale_and_shift(s, c.make("layer_norm", params, x.type), c.has(1) && !scale, c.has(2) && !bias);
}

Status layer_norm_to_nn(NnContext& c) {
  ASSAY_CHECK(check_layer(c));
  const int64_t axis = first_axis(c);
  const ir::Dims shape = normalised_shape(c, axis);
  NnSteps s(c);
  // The layer needs scale and bias, and takes an epsilon of 0 for its default.
  if (epsilon_of(c.op) == 0 || !fits(c, 1, shape) || (c.has(2) && !fits(c, 2, shape))) {
    const auto y = normalised(s, c.in(0), axes_between(axis, c.rank(0)), epsilon_of(c.op));
    return scale_and_shift(s, y, c.has(1), c.has(2));
  }
  mil::Message params = c.params("layerNormalization");
  params.set("normalizedShape", shape).set("eps", double{epsilon_of(c.op)}).set("gamma", c.weights(*c.constant(1)));
  params.set("beta", c.has(2) ? c.weights(*c.constant(2))
                              : c.weights(std::vector<float>(static_cast<size_t>(c.constant(1)->size()), 0.0F)));
  return c.layer("layerNormalization", {c.in(0)}, std::move(params));
}

namespace {

template <class S>
Status rms_norm(S s) {
  ASSAY_CHECK(check_layer(s.c));
  if (s.c.elem(0) != s.c.elem(1)) return s.c.refuse("a scale of another type than the input");
  const int64_t axis = first_axis(s.c);
  const auto x = s.in(0);
  const auto r = inverse_root(s, s.mean(s.mul(x, x), axes_between(axis, s.c.rank(0))), epsilon_of(s.c.op));
  return scale_and_shift(s, s.mul(x, r), true, false);
}

/// [N, G, elements of a group] of [N, C, ...]; empty when extents that matter are not known.
template <class C>
ir::Dims group_shape(const C& c, int64_t groups) {
  int64_t elements = 1;
  for (int64_t k = 1; k < c.rank(0); ++k) {
    if (c.dim(0, k) < 0) return {};
    elements *= c.dim(0, k);
  }
  return {c.dim(0, 0), groups, groups == 0 ? 0 : elements / groups};
}

template <class C>
ir::Dims own_shape(const C& c) {
  ir::Dims dims;
  for (int64_t k = 0; k < c.rank(0); ++k) dims.push_back(c.dim(0, k));
  return dims;
}

}  // namespace

Status rms_norm_to_mil(MilContext& c) {
  c.keep_single(kSquares);
  return rms_norm(MilSteps(c, MilSteps::Inside::single));
}
Status rms_norm_to_nn(NnContext& c) { return rms_norm(NnSteps(c)); }

Status instance_norm_to_mil(MilContext& c) {
  const int64_t rank = c.rank(0);
  const bool direct = (rank == 3 || rank == 4) && c.constant(1) != nullptr && c.constant(2) != nullptr;
  if (direct)
    return c.emit("instance_norm",
                  {{"x", c.in(0)}, {"gamma", c.in(1)}, {"beta", c.in(2)}, {"epsilon", c.number(epsilon_of(c.op))}});
  if (rank < 3) return c.refuse("an input without spatial axes");
  const MilValue x = c.in(0);
  MilSteps s(c);
  const MilValue y = c.make(
      "layer_norm",
      {{"x", x}, {"axes", MilContext::ints(axes_between(2, rank))}, {"epsilon", c.number(epsilon_of(c.op))}}, x.type);
  return scaled(s, y, rank);
}

Status instance_norm_to_nn(NnContext& c) {
  const int64_t rank = c.rank(0);
  if (rank < 3) return c.refuse("an input without spatial axes");
  NnSteps s(c);
  const bool direct = rank <= 4 && epsilon_of(c.op) != 0 && c.constant(1) != nullptr && c.constant(2) != nullptr;
  if (!direct) return scaled(s, normalised(s, c.in(0), axes_between(2, rank), epsilon_of(c.op)), rank);
  mil::Message params = c.params("batchnorm");
  params.set("channels", c.constant(1)->size()).set("computeMeanVar", int64_t{1});
  params.set("instanceNormalization", int64_t{1}).set("epsilon", double{epsilon_of(c.op)});
  params.set("gamma", c.weights(*c.constant(1))).set("beta", c.weights(*c.constant(2)));
  if (rank == 4) return c.layer("batchnorm", {c.in(0)}, std::move(params));
  return c.result(s.squeeze(c.make("batchnorm", {s.expand(c.in(0), {2})}, std::move(params)), {2}));
}

Status group_norm_to_mil(MilContext& c) {
  const int64_t groups = c.op.attr_int("num_groups", 0);
  const ir::Dims shape = group_shape(c, groups);
  if (shape.empty()) return c.refuse("groups of channels over extents that are not known");
  MilSteps s(c, MilSteps::Inside::single);
  const MilValue x = c.reshape(s.in(0), shape);
  const MilValue y =
      c.make("layer_norm",
             {{"x", x}, {"axes", MilContext::ints({2})}, {"epsilon", held_number(epsilon_of(c.op), x.data())}}, x.type);
  return scaled(s, c.reshape(y, own_shape(c)), c.rank(0));
}

Status group_norm_to_nn(NnContext& c) {
  const ir::Dims shape = group_shape(c, c.op.attr_int("num_groups", 0));
  if (shape.empty()) return c.refuse("groups of channels over extents that are not known");
  NnSteps s(c);
  const auto y = normalised(s, s.reshape(c.in(0), shape), {2}, epsilon_of(c.op));
  return scaled(s, s.reshape(y, own_shape(c)), c.rank(0));
}

}  // namespace assay::ops
