// Activations of both formats.
#include "ops/lower/rules.h"

namespace assay::ops {
namespace {

mil::Message leaky_params(double alpha) {
  mil::Message params = NnContext::params("activation");
  params.set("leakyReLU", params.make("leakyReLU").set("alpha", alpha));
  return params;
}

mil::Message hard_sigmoid_params(double alpha, double beta) {
  mil::Message params = NnContext::params("activation");
  params.set("sigmoidHard", params.make("sigmoidHard").set("alpha", alpha).set("beta", beta));
  return params;
}

std::string activation(NnContext& c, std::string_view function, const std::string& x) {
  mil::Message params = NnContext::params("activation");
  params.set(function, params.make(function));
  return c.make("activation", {x}, std::move(params));
}

/// log(exp(x) + 1) step by step, infinite above 88 as ONNX's body is. Core ML's softplus is the form that keeps large
/// x. Under float16, where exp(x) is infinite above 11 already, it alone will do, and layers are float16 on most units.
MilValue softplus(MilContext& c, const MilValue& x) {
  if (x.data() == mil::DataType::float16) return c.unary("softplus", x);
  const MilValue sum = c.binary("add", c.unary("exp", x), 1);
  return c.make("log", {{"x", sum}, {"epsilon", c.number(0)}}, sum.type);
}
std::string softplus(NnContext& c, const std::string& x) { return activation(c, "softplus", x); }

}  // namespace

bool is_per_channel(const LowerContext& c, size_t operand, int64_t axis) {
  const ir::Tensor* known = c.constant(operand);
  if (known == nullptr || axis < 0 || c.rank(0) - axis > known->rank()) return false;
  const int64_t at = known->rank() - (c.rank(0) - axis);
  for (int64_t i = 0; i < known->rank(); ++i)
    if (known->dims()[static_cast<size_t>(i)] != (i == at ? c.dim(0, axis) : 1)) return false;
  return true;
}

Status leaky_relu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit("leaky_relu", {{"x", c.in(0)}, {"alpha", c.number(c.op.attr_float("alpha", 0.01f))}});
}

Status leaky_relu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("activation", {c.in(0)}, leaky_params(c.op.attr_float("alpha", 0.01f)));
}

/// prelu takes channels on axis 1; of other ranks than 4 only where all slopes are equal.
Status prelu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  const MilValue x = c.in(0);
  const ir::Tensor* slope = c.constant(1);
  const bool real = ir::is_float(c.elem(0));
  if (real && slope != nullptr && slope->size() == 1)
    return c.emit("leaky_relu", {{"x", x}, {"alpha", c.number(slope->float_at(0))}});
  if (real && c.rank(0) == 4 && is_per_channel(c, 1, 1)) {
    auto alpha = mil_constant(slope->reshaped({slope->size()}), c.precision());
    if (!alpha.ok()) return c.refuse(alpha.error().message);
    return c.emit("prelu", {{"x", x}, {"alpha", *std::move(alpha)}});
  }
  const MilValue below = c.compare("less", x, c.constant_value(real ? c.number(0) : mil::of_int(0)));
  return c.emit("select", {{"cond", below}, {"a", c.binary("mul", c.in(1), x)}, {"b", x}});
}

/// PReLU's channels are the third axis from the end.
Status prelu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  const std::string x = c.in(0);
  const ir::Tensor* slope = c.constant(1);
  if (slope != nullptr && slope->size() == 1) return c.layer("activation", {x}, leaky_params(slope->float_at(0)));
  if (is_per_channel(c, 1, c.rank(0) - 3)) {
    mil::Message params = c.params("activation");
    params.set("PReLU", params.make("PReLU").set("alpha", c.weights(*slope)));
    return c.layer("activation", {x}, std::move(params));
  }
  const std::string scaled = c.make("multiplyBroadcastable", {c.in(1), x});
  return c.layer("whereBroadcastable", {nn_against(c, "lessThan", x, 0), scaled, x});
}

Status thresholded_relu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const MilValue x = c.in(0);
  const MilValue kept = c.compare("greater", x, c.constant_value(c.number(c.op.attr_float("alpha", 1.0f))));
  return c.emit("select", {{"cond", kept}, {"a", x}, {"b", c.number(0)}});
}

Status thresholded_relu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const std::string x = c.in(0), kept = nn_against(c, "greaterThan", x, c.op.attr_float("alpha", 1.0f));
  return c.layer("whereBroadcastable", {kept, x, c.number(0)});
}

Status hard_sigmoid_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.emit("sigmoid_hard", {{"x", c.in(0)},
                                 {"alpha", c.number(c.op.attr_float("alpha", 0.2f))},
                                 {"beta", c.number(c.op.attr_float("beta", 0.5f))}});
}

Status hard_sigmoid_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("activation", {c.in(0)},
                 hard_sigmoid_params(c.op.attr_float("alpha", 0.2f), c.op.attr_float("beta", 0.5f)));
}

Status hard_swish_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const MilValue x = c.in(0);
  const MilValue gate =
      c.make("sigmoid_hard", {{"x", x}, {"alpha", c.number(1.0f / 6.0f)}, {"beta", c.number(0.5)}}, x.type);
  return c.emit("mul", {{"x", x}, {"y", gate}});
}

Status hard_swish_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const std::string x = c.in(0);
  return c.layer("multiplyBroadcastable", {x, c.make("activation", {x}, hard_sigmoid_params(1.0f / 6.0f, 0.5))});
}

Status softplus_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return c.result(softplus(c, c.in(0)));
}

Status softplus_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.result(softplus(c, c.in(0)));
}

Status mish_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const MilValue x = c.in(0);
  return c.emit("mul", {{"x", x}, {"y", c.unary("tanh", softplus(c, x))}});
}

Status mish_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const std::string x = c.in(0);
  return c.layer("multiplyBroadcastable", {x, c.make("tanh", {softplus(c, x)})});
}

Status swish_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const float alpha = c.op.attr_float("alpha", 1.0f);
  const MilValue x = c.in(0);
  if (alpha == 1) return c.emit("silu", {{"x", x}});
  return c.emit("mul", {{"x", x}, {"y", c.unary("sigmoid", c.binary("mul", x, alpha))}});
}

Status swish_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const float alpha = c.op.attr_float("alpha", 1.0f);
  const std::string x = c.in(0);
  const std::string scaled = alpha == 1 ? x : c.make("multiplyBroadcastable", {x, c.number(alpha)});
  return c.layer("multiplyBroadcastable", {x, activation(c, "sigmoid", scaled)});
}

Status gelu_to_mil(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  const bool tanh = c.op.attr_string("approximate", "none") == "tanh";
  return c.emit("gelu", {{"x", c.in(0)}, {"mode", mil::of_text(tanh ? "TANH_APPROXIMATION" : "EXACT")}});
}

Status gelu_to_nn(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  const bool tanh = c.op.attr_string("approximate", "none") == "tanh";
  return c.layer("gelu", {c.in(0)}, c.params("gelu").set("mode", int64_t{tanh}));
}

}  // namespace assay::ops
