#include "ops/lower/rules.h"

namespace assay::ops {
namespace {

double epsilon_of(const NnContext& c) { return c.op.attr_float("epsilon", 0); }

/// x + epsilon by the layer's own epsilon, of which 0 stands for another; false where it cannot be.
bool takes_epsilon(const NnContext& c) { return epsilon_of(c) > 0; }

std::string with_epsilon(NnContext& c) {
  return epsilon_of(c) == 0 ? c.in(0) : c.make("addBroadcastable", {c.in(0), c.number(epsilon_of(c))});
}

mil::Message function_with_epsilon(const NnContext& c, NnFunction function) {
  return nn_function_params(function).set("epsilon", epsilon_of(c));
}

/// One number for each channel, which lie along the third axis from the end.
bool has_channels(const NnContext& c, size_t operand) {
  return is_per_channel(c, operand, c.rank(0) - 3) && c.constant(operand)->rank() == 3;
}

}  // namespace

Status nn_activation_of(NnContext& c, std::string_view function) {
  ASSAY_CHECK(nn_takes_floats(c));
  mil::Message params = c.params("activation");
  mil::Message own = params.make(function);
  own.set("alpha", double{c.op.attr_float("alpha", 1)});
  if (own.row()->find("beta") != nullptr) own.set("beta", double{c.op.attr_float("beta", 0)});
  params.set(function, std::move(own));
  return c.layer("activation", {c.in(0)}, std::move(params));
}

Status clamped_relu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  mil::Message params = c.params("clampedReLU");
  params.set("alpha", double{c.op.attr_float("alpha", 1)}).set("beta", double{c.op.attr_float("beta", 0)});
  return c.layer("clampedReLU", {c.in(0)}, std::move(params));
}

Status inverse_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  if (!takes_epsilon(c)) return c.layer("divideBroadcastable", {c.number(1), with_epsilon(c)});
  return c.layer("unary", {c.in(0)}, function_with_epsilon(c, NnFunction::inverse));
}

Status rsqrt_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  if (!takes_epsilon(c))
    return c.layer("divideBroadcastable", {c.number(1), nn_function(c, NnFunction::sqrt, with_epsilon(c))});
  return c.layer("unary", {c.in(0)}, function_with_epsilon(c, NnFunction::rsqrt));
}

/// The layer adds its shift to what it takes the logarithm of.
Status log_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("unary", {c.in(0)}, nn_function_params(NnFunction::log).set("shift", epsilon_of(c)));
}

Status parametric_softplus_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  if (!has_channels(c, 1) || !has_channels(c, 2))
    return c.refuse("alpha and beta are no constants with a number for each channel, the third axis from the end");
  mil::Message params = c.params("activation");
  mil::Message own = params.make("parametricSoftplus");
  own.set("alpha", c.weights(*c.constant(1))).set("beta", c.weights(*c.constant(2)));
  params.set("parametricSoftplus", std::move(own));
  return c.layer("activation", {c.in(0)}, std::move(params));
}

Status l2_normalization_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const int64_t wanted = c.op.attr_int("axis", -3), axis = wanted < 0 ? wanted + c.rank(0) : wanted;
  if (c.rank(0) < 3 || axis != c.rank(0) - 3) return c.refuse("l2normalize takes the last three axes together");
  return c.layer("l2normalize", {c.in(0)}, c.params("l2normalize").set("epsilon", epsilon_of(c)));
}

}  // namespace assay::ops
