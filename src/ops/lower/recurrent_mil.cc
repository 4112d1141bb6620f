// RNN, GRU and LSTM as operations of ML Programs, one a direction, each running forward.
#include "ops/lower/families.h"
#include "ops/lower/recurrent.h"

namespace assay::ops {
namespace {

/// Zeros [B, H]; over a batch whose extent is not known they are filled at run time.
MilValue zero_state(MilSteps& s, const RecurrentPlan& plan, const MilValue& x) {
  if (plan.batch >= 0)
    return s.floats(std::vector<float>(static_cast<size_t>(plan.batch * plan.hidden), 0.0F), {plan.batch, plan.hidden});
  const MilValue shape = s.c.make("shape", {{"x", x}}, mil::Type::tensor(mil::DataType::int32, mil::Dims{3}));
  const MilValue hidden = s.c.constant_value(MilContext::ints({plan.hidden}));
  return s.c.make("fill", {{"shape", s.concat({s.slice(shape, 0, 1, 2, 1), hidden}, 0)}, {"value", s.c.number(0)}},
                  mil::Type::tensor(s.c.precision(), mil::Dims{mil::kUnknownDim, plan.hidden}));
}

mil::Type states_of(const MilValue& x, const RecurrentPlan& plan) {
  return mil::Type::tensor(x.data(), mil::Dims{plan.batch, plan.hidden});
}
mil::Type sequence_of(const MilValue& x, const RecurrentPlan& plan) {
  return mil::Type::tensor(x.data(), mil::Dims{plan.steps, plan.batch, plan.hidden});
}

mil::Value matrix(MilContext& c, const RecurrentPlan& plan, size_t operand, int64_t d,
                  const std::vector<size_t>& order) {
  mil::Value value = c.numbers(plan.matrix(*c.constant(operand), d, order));
  value.type.dims = mil::Dims{static_cast<int64_t>(order.size()) * plan.hidden, c.constant(operand)->dims()[2]};
  return value;
}

MilParams common(MilSteps& s, const RecurrentPlan& plan, int64_t d, const RecurrentEnds<MilSteps>& ends,
                 const std::vector<size_t>& order) {
  MilContext& c = s.c;
  MilParams params = {{"x", ends.x}, {"initial_h", ends.h ? *ends.h : zero_state(s, plan, ends.x)}};
  params.push_back({"weight_ih", matrix(c, plan, 1, d, order)});
  params.push_back({"weight_hh", matrix(c, plan, 2, d, order)});
  if (c.has(3)) params.push_back({"bias", c.numbers(plan.bias(c.constant(3), d, order))});
  params.push_back({"direction", mil::of_text("forward")});
  params.push_back({"output_sequence", mil::of_bool(true)});
  return params;
}

mil::Value word(const RecurrentActivation& f) { return mil::of_text(std::string(f.mil)); }
/// `rnn` is documented with another word for the same.
mil::Value rnn_word(const RecurrentActivation& f) {
  return f.mil == "hard_sigmoid" ? mil::of_text("sigmoid_hard") : word(f);
}

Result<RecurrentPlan> program_plan(MilContext& c, size_t gates) {
  ASSAY_TRY(RecurrentPlan plan, recurrent_plan(c.graph, c.op, gates));
  for (const RecurrentActivation* f : plan.activations)
    if (f->mil.empty())
      return c.refuse("the activation " + std::string(f->onnx) + " with its parameters: ML Programs have 1 and 1");
  if (c.precision() == mil::DataType::float16) c.need(8, "recurrent networks in float16");
  return plan;
}

}  // namespace

Status rnn_to_mil(MilContext& c) {
  ASSAY_TRY(const RecurrentPlan plan, program_plan(c, 1));
  MilSteps s(c);
  return write_directions(s, plan, [&](int64_t d, const RecurrentEnds<MilSteps>& ends) {
    MilParams params = common(s, plan, d, ends, {0});
    params.push_back({"activation", rnn_word(plan.activation(d, 0))});
    const auto out = c.make_several("rnn", params, {sequence_of(ends.x, plan), states_of(ends.x, plan)});
    return RecurrentResults<MilSteps>{out[0], out[1], std::nullopt};
  });
}

Status gru_to_mil(MilContext& c) {
  ASSAY_TRY(const RecurrentPlan plan, program_plan(c, 3));
  const bool linear = c.op.attr_int("linear_before_reset", 0) != 0;
  // Batches of more than one have been seen to come back as zeros from the operation.
  const bool direct = !linear && plan.batch == 1;
  if (const std::string why = unrolled_gru_refusal(plan); !direct && !why.empty())
    return c.refuse((linear ? "linear_before_reset over " : "a batch that is not one, over ") + why);
  MilSteps s(c);
  return write_directions(s, plan, [&](int64_t d, const RecurrentEnds<MilSteps>& ends) {
    if (!direct) return unrolled_gru(s, plan, d, ends);
    MilParams params = common(s, plan, d, ends, {1, 2, 0});  // z, r, h to r, o, z
    params.push_back({"recurrent_activation", word(plan.activation(d, 0))});
    params.push_back({"activation", word(plan.activation(d, 1))});
    const auto out = c.make_several("gru", params, {sequence_of(ends.x, plan), states_of(ends.x, plan)});
    return RecurrentResults<MilSteps>{out[0], out[1], std::nullopt};
  });
}

Status lstm_to_mil(MilContext& c) {
  ASSAY_TRY(const RecurrentPlan plan, program_plan(c, 4));
  MilSteps s(c);
  return write_directions(s, plan, [&](int64_t d, const RecurrentEnds<MilSteps>& ends) {
    MilParams params = common(s, plan, d, ends, {0, 2, 1, 3});  // i, o, f, c to i, f, o, z
    params.push_back({"initial_c", ends.c ? *ends.c : zero_state(s, plan, ends.x)});
    if (c.has(7)) {
      std::vector<float> peephole;
      for (const size_t which : {size_t{0}, size_t{2}, size_t{1}}) {  // i, o, f to i, f, o
        const std::vector<float> one = plan.peephole(*c.constant(7), d, which);
        peephole.insert(peephole.end(), one.begin(), one.end());
      }
      params.push_back({"peephole", c.numbers(peephole)});
    }
    if (c.op.has_attr("cell_clip")) params.push_back({"clip", c.number(c.op.attr_float("cell_clip", 0))});
    params.push_back({"recurrent_activation", word(plan.activation(d, 0))});
    params.push_back({"cell_activation", word(plan.activation(d, 1))});
    params.push_back({"activation", word(plan.activation(d, 2))});
    const mil::Type state = states_of(ends.x, plan);
    const auto out = c.make_several("lstm", params, {sequence_of(ends.x, plan), state, state});
    return RecurrentResults<MilSteps>{out[0], out[1], out[2]};
  });
}

}  // namespace assay::ops
