// RNN, GRU and LSTM as layers, one a direction, each running forward over [S, B, ., 1, 1].
#include <array>
#include <limits>

#include "ops/lower/families.h"
#include "ops/lower/recurrent.h"

namespace assay::ops {
namespace {

using Ends = RecurrentEnds<NnSteps>;
using Results = RecurrentResults<NnSteps>;

struct MatrixField {
  std::string_view weight, recursion, bias;
  size_t gate;
};

mil::Message activation(const mil::Message& params, std::string_view field, const RecurrentActivation& f) {
  mil::Message one = params.make(field);
  mil::Message function = one.make(f.layer);
  if (f.alpha != 0) function.set("alpha", double{f.alpha}).set("beta", double{f.beta});
  return std::move(one.set(f.layer, std::move(function)));
}

Status check(const NnContext& c, const RecurrentPlan& plan) {
  if (!ir::is_float(c.elem(0))) return c.refuse("layers compute in floating point");
  const bool clipped = c.op.attr_float("clip", 0) != 0;  // as layers do
  for (const RecurrentActivation* f : plan.activations)
    if (!f->bounded && !clipped)
      return c.refuse("the activation " + std::string(f->onnx) + ": layers cut what enters it to [-50, 50]");
  return {};
}

void set_gates(NnContext& c, const RecurrentPlan& plan, int64_t d, std::span<const MatrixField> fields,
               mil::Message& params) {
  for (const MatrixField& field : fields) {
    params.set(field.weight, c.weights(plan.matrix(*c.constant(1), d, {field.gate})));
    params.set(field.recursion, c.weights(plan.matrix(*c.constant(2), d, {field.gate})));
    if (c.has(3)) params.set(field.bias, c.weights(plan.bias(c.constant(3), d, {field.gate})));
  }
}

std::string zero_state(NnSteps& s, const RecurrentPlan& plan) {
  return s.floats(std::vector<float>(static_cast<size_t>(plan.batch * plan.hidden), 0.0F),
                  {1, plan.batch, plan.hidden, 1, 1});
}

/// Layers take both states of an LSTM or none.
std::vector<std::string> operands(NnSteps& s, const RecurrentPlan& plan, const Ends& ends) {
  std::vector<std::string> all = {s.expand(ends.x, {3, 4})};
  if (!ends.h && !ends.c) return all;
  const auto state = [&](const std::optional<std::string>& given) {
    if (given) return s.expand(*given, {0, 3, 4});
    return zero_state(s, plan);
  };
  all.push_back(state(ends.h));
  if (plan.gates == 4) all.push_back(state(ends.c));
  return all;
}

Results results(NnSteps& s, const std::vector<std::string>& out) {
  Results r{s.squeeze(out[0], {3, 4}), s.squeeze(out[1], {0, 3, 4}), std::nullopt};
  if (out.size() == 3) r.c = s.squeeze(out[2], {0, 3, 4});
  return r;
}

mil::Message layer_params(NnContext& c, std::string_view kind, const RecurrentPlan& plan) {
  mil::Message params = c.params(kind);
  params.set("inputVectorSize", plan.input).set("outputVectorSize", plan.hidden);
  return params;
}

}  // namespace

Status rnn_to_nn(NnContext& c) {
  ASSAY_TRY(const RecurrentPlan plan, recurrent_plan(c.graph, c.op, 1, kLayerClip));
  ASSAY_CHECK(check(c, plan));
  if (plan.batch < 0 && !c.has(5)) return c.refuse("no state to begin with, over a batch whose extent is not known");
  static constexpr std::array<MatrixField, 1> kFields = {{{"weightMatrix", "recursionMatrix", "biasVector", 0}}};
  NnSteps s(c);
  return write_directions(s, plan, [&](int64_t d, const Ends& ends) {
    mil::Message params = layer_params(c, "simpleRecurrent", plan);
    params.set("activation", activation(params, "activation", plan.activation(d, 0)));
    params.set("sequenceOutput", int64_t{1}).set("hasBiasVector", int64_t{c.has(3)});
    set_gates(c, plan, d, kFields, params);
    std::vector<std::string> in = operands(s, plan, ends);
    if (in.size() == 1) in.push_back(zero_state(s, plan));  // this layer always takes one
    return results(s, c.make_several("simpleRecurrent", in, 2, std::move(params)));
  });
}

Status gru_to_nn(NnContext& c) {
  ASSAY_TRY(const RecurrentPlan plan, recurrent_plan(c.graph, c.op, 3, kLayerClip));
  ASSAY_CHECK(check(c, plan));
  static constexpr std::array<MatrixField, 3> kFields = {
      {{"updateGateWeightMatrix", "updateGateRecursionMatrix", "updateGateBiasVector", 0},
       {"resetGateWeightMatrix", "resetGateRecursionMatrix", "resetGateBiasVector", 1},
       {"outputGateWeightMatrix", "outputGateRecursionMatrix", "outputGateBiasVector", 2}}};
  const bool linear = c.op.attr_int("linear_before_reset", 0) != 0;
  if (linear && c.op.attr_float("clip", 0) != 0) return c.refuse("linear_before_reset with clip");
  if (const std::string why = unrolled_gru_refusal(plan); linear && !why.empty())
    return c.refuse("linear_before_reset over " + why);
  NnSteps s(c);
  return write_directions(s, plan, [&](int64_t d, const Ends& ends) {
    if (linear) return unrolled_gru(s, plan, d, ends);
    mil::Message params = layer_params(c, "gru", plan);
    params.set("activations", std::vector<mil::Message>{activation(params, "activations", plan.activation(d, 0)),
                                                        activation(params, "activations", plan.activation(d, 1))});
    params.set("sequenceOutput", int64_t{1}).set("hasBiasVectors", int64_t{c.has(3)});
    set_gates(c, plan, d, kFields, params);
    return results(s, c.make_several("gru", operands(s, plan, ends), 2, std::move(params)));
  });
}

Status lstm_to_nn(NnContext& c) {
  ASSAY_TRY(const RecurrentPlan plan, recurrent_plan(c.graph, c.op, 4, kLayerClip));
  ASSAY_CHECK(check(c, plan));
  if (c.op.has_attr("cell_clip") && !(c.op.attr_float("cell_clip", 0) > 0)) return c.refuse("a cell_clip of 0");
  if (plan.batch < 0 && c.has(5) != c.has(6))
    return c.refuse("one of two states, over a batch whose extent is not known");
  static constexpr std::array<MatrixField, 4> kFields = {
      {{"inputGateWeightMatrix", "inputGateRecursionMatrix", "inputGateBiasVector", 0},
       {"outputGateWeightMatrix", "outputGateRecursionMatrix", "outputGateBiasVector", 1},
       {"forgetGateWeightMatrix", "forgetGateRecursionMatrix", "forgetGateBiasVector", 2},
       {"blockInputWeightMatrix", "blockInputRecursionMatrix", "blockInputBiasVector", 3}}};
  static constexpr std::array<std::string_view, 3> kPeepholes = {"inputGatePeepholeVector", "outputGatePeepholeVector",
                                                                 "forgetGatePeepholeVector"};
  NnSteps s(c);
  return write_directions(s, plan, [&](int64_t d, const Ends& ends) {
    mil::Message params = layer_params(c, "uniDirectionalLSTM", plan);
    std::vector<mil::Message> functions;
    for (size_t k = 0; k < 3; ++k) functions.push_back(activation(params, "activations", plan.activation(d, k)));
    params.set("activations", std::move(functions));
    // 0 would be the default of the threshold, 50, which cells may pass.
    const float most = c.op.attr_float("cell_clip", std::numeric_limits<float>::max());
    mil::Message form =
        params.make("params").set("sequenceOutput", int64_t{1}).set("hasBiasVectors", int64_t{c.has(3)});
    form.set("hasPeepholeVectors", int64_t{c.has(7)});
    form.set("cellClipThreshold", double{most});
    params.set("params", std::move(form));
    mil::Message weights = params.make("weightParams");
    set_gates(c, plan, d, kFields, weights);
    if (c.has(7))
      for (size_t k = 0; k < kPeepholes.size(); ++k)
        weights.set(kPeepholes[k], c.weights(plan.peephole(*c.constant(7), d, k)));
    params.set("weightParams", std::move(weights));
    return results(s, c.make_several("uniDirectionalLSTM", operands(s, plan, ends), 3, std::move(params)));
  });
}

}  // namespace assay::ops
