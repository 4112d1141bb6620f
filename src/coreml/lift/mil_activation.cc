// Activations: functions of one value, most with settings.
#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"
#include "ops/lower/simple.h"

namespace assay::coreml {
namespace {

using ops::Word;

template <Word kType>
void lift_plain(MilLift& c) {
  c.result(c.op(kType.view(), {c.in("x")}));
}
template <Word kType>
void lift_alpha(MilLift& c) {
  c.result(c.op(kType.view(), {c.in("x")}, {number_attr(c, "alpha", "alpha", 1)}));
}
template <Word kType>
void lift_alpha_beta(MilLift& c) {
  c.result(c.op(kType.view(), {c.in("x")}, {number_attr(c, "alpha", "alpha", 1), number_attr(c, "beta", "beta", 0)}));
}

void lift_gelu(MilLift& c) {
  const std::string mode = c.text("mode", "EXACT");
  const ValueId x = c.in("x");
  if (mode == "EXACT") return c.result(c.op("Gelu", {x}, {{"approximate", std::string("none")}}));
  if (mode == "TANH_APPROXIMATION") return c.result(c.op("Gelu", {x}, {{"approximate", std::string("tanh")}}));
  if (mode == "SIGMOID_APPROXIMATION") return c.result(c.op("Swish", {x}, {{"alpha", 1.702F}}));
  c.bad("unknown mode '" + mode + "'");
}

void lift_silu(MilLift& c) { c.result(c.op("Swish", {c.in("x")}, {{"alpha", 1.0F}})); }

void lift_relu6(MilLift& c) {
  const ValueId x = c.in("x");
  c.result(c.op("Clip", {x, c.number(0.0, x), c.number(6.0, x)}));
}

/// One value a channel (axis 1) as an operand that broadcasts to x.
ValueId per_channel(MilLift& c, std::string_view parameter, ValueId x) {
  const ValueId value = in_like(c, parameter, x);
  const int64_t rank = c.rank(x);
  if (rank < 0 || c.rank(value) != 1) {
    c.bad("parameter '" + std::string(parameter) + "' is no vector of one number a channel");
    return value;
  }
  ir::Dims axes;
  for (int64_t k = 0; k < rank - 2; ++k) axes.push_back(k + 1);
  if (const ir::Tensor* known = c.constant(value)) {
    ir::Dims dims(static_cast<size_t>(std::max<int64_t>(rank - 1, 1)), 1);
    dims[0] = known->size();
    return c.weight(known->reshaped(dims), parameter);
  }
  return c.unsqueeze(value, axes);
}

void lift_prelu(MilLift& c) {
  const ValueId x = in_widest(c, {"alpha"});
  c.result(c.op("PRelu", {x, per_channel(c, "alpha", x)}));
}

void lift_softplus_parametric(MilLift& c) {
  const ValueId x = in_widest(c, {"alpha", "beta"});
  c.result(c.op("coreml.ParametricSoftplus", {x, per_channel(c, "alpha", x), per_channel(c, "beta", x)}));
}

void lift_softmax(MilLift& c) { c.result(c.op("Softmax", {c.in("x")}, {{"axis", c.integer("axis", -1)}})); }

constexpr MilRow kRows[] = {
    {"clamped_relu", lift_alpha_beta<"coreml.ClampedRelu">},
    {"elu", lift_alpha<"Elu">},
    {"gelu", lift_gelu},
    {"leaky_relu", lift_alpha<"LeakyRelu">},
    {"linear_activation", lift_alpha_beta<"coreml.LinearActivation">},
    {"prelu", lift_prelu},
    {"relu", lift_plain<"Relu">},
    {"relu6", lift_relu6},
    {"scaled_tanh", lift_alpha_beta<"coreml.ScaledTanh">},
    {"sigmoid", lift_plain<"Sigmoid">},
    {"sigmoid_hard", lift_alpha_beta<"HardSigmoid">},
    {"silu", lift_silu},
    {"softmax", lift_softmax},
    {"softplus", lift_plain<"coreml.Softplus">},
    {"softplus_parametric", lift_softplus_parametric},
    {"softsign", lift_plain<"Softsign">},
    {"thresholded_relu", lift_alpha<"coreml.ThresholdedRelu">},
};

}  // namespace

std::span<const MilRow> mil_activation_rows() { return kRows; }

}  // namespace assay::coreml
