// The activation layer, which is one of several functions, and the layers that are one such function each.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

using mil::Message;

ir::Attr number(std::string_view name, const Message& p, std::string_view field) {
  return {std::string(name), static_cast<float>(p.number(field))};
}

ValueId linear(NnLift& c, const Message& p, ValueId x) {
  return c.op("coreml.LinearActivation", {x}, {number("alpha", p, "alpha"), number("beta", p, "beta")});
}
ValueId relu(NnLift& c, const Message&, ValueId x) { return c.op("Relu", {x}); }
ValueId leaky_relu(NnLift& c, const Message& p, ValueId x) {
  return c.op("LeakyRelu", {x}, {number("alpha", p, "alpha")});
}
ValueId thresholded_relu(NnLift& c, const Message& p, ValueId x) {
  return c.op("coreml.ThresholdedRelu", {x}, {number("alpha", p, "alpha")});
}
ValueId prelu(NnLift& c, const Message& p, ValueId x) {
  rank_of(c, x, 3);
  return c.op("PRelu", {x, per_channel(c, p, "alpha")});
}
ValueId tanh(NnLift& c, const Message&, ValueId x) { return c.op("Tanh", {x}); }
ValueId scaled_tanh(NnLift& c, const Message& p, ValueId x) {
  return c.op("coreml.ScaledTanh", {x}, {number("alpha", p, "alpha"), number("beta", p, "beta")});
}
ValueId sigmoid(NnLift& c, const Message&, ValueId x) { return c.op("Sigmoid", {x}); }
ValueId sigmoid_hard(NnLift& c, const Message& p, ValueId x) {
  return c.op("HardSigmoid", {x}, {number("alpha", p, "alpha"), number("beta", p, "beta")});
}
ValueId elu(NnLift& c, const Message& p, ValueId x) { return c.op("Elu", {x}, {number("alpha", p, "alpha")}); }
ValueId softsign(NnLift& c, const Message&, ValueId x) { return c.op("Softsign", {x}); }
ValueId softplus(NnLift& c, const Message&, ValueId x) { return c.op("coreml.Softplus", {x}); }
ValueId parametric_softplus(NnLift& c, const Message& p, ValueId x) {
  rank_of(c, x, 3);
  return c.op("coreml.ParametricSoftplus", {x, per_channel(c, p, "alpha"), per_channel(c, p, "beta")});
}

/// ActivationParams' functions.
struct Function {
  std::string_view field;
  ValueId (*lift)(NnLift& c, const Message& p, ValueId x);
};
constexpr Function kFunctions[] = {
    {"linear", linear},
    {"ReLU", relu},
    {"leakyReLU", leaky_relu},
    {"thresholdedReLU", thresholded_relu},
    {"PReLU", prelu},
    {"tanh", tanh},
    {"scaledTanh", scaled_tanh},
    {"sigmoid", sigmoid},
    {"sigmoidHard", sigmoid_hard},
    {"ELU", elu},
    {"softsign", softsign},
    {"softplus", softplus},
    {"parametricSoftplus", parametric_softplus},
};

void lift_activation(NnLift& c) {
  for (const Function& f : kFunctions)
    if (c.params().has(f.field)) return c.result(f.lift(c, c.params().message(f.field), c.in(0)));
  c.bad("an activation without a function");
}

void lift_clamped_relu(NnLift& c) {
  const Message& p = c.params();
  c.result(c.op("coreml.ClampedRelu", {c.in(0)}, {number("alpha", p, "alpha"), number("beta", p, "beta")}));
}

void lift_clip(NnLift& c) {
  const ValueId x = c.in(0);
  c.result(c.op("Clip", {x, c.number(c.params().number("minVal"), x), c.number(c.params().number("maxVal"), x)}));
}

void lift_gelu(NnLift& c) {
  constexpr int64_t kTanh = 1, kSigmoid = 2;
  const int64_t mode = c.params().integer("mode");
  if (mode == kSigmoid) return c.result(c.op("Swish", {c.in(0)}, {{"alpha", 1.702F}}));
  c.result(c.op("Gelu", {c.in(0)}, {{"approximate", std::string(mode == kTanh ? "tanh" : "none")}}));
}

constexpr NnRow kRows[] = {
    {"activation", lift_activation},
    {"clampedReLU", lift_clamped_relu},
    {"clip", lift_clip},
    {"gelu", lift_gelu},
};

}  // namespace

std::span<const NnRow> nn_activation_rows() { return kRows; }

}  // namespace assay::coreml
