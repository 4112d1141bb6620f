// Recurrent networks. Gates stand in another order than ONNX's, states as [batch, directions * hidden].
#include <cstring>
#include <limits>

#include "coreml/lift/cell_clip.h"
#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"

namespace assay::coreml {
namespace {

/// For each of ONNX's gates, which of the file's it is.
using GateOrder = std::span<const size_t>;
constexpr size_t kLstmOrder[] = {0, 2, 1, 3};   // i, o, f, c of i, f, o, z
constexpr size_t kPeepholeOrder[] = {0, 2, 1};  // i, o, f of i, f, o
constexpr size_t kGruOrder[] = {2, 0, 1};       // z, r, h of r, o, z
constexpr size_t kRnnOrder[] = {0};

/// A constant parameter; null with a kept error, or when it may be absent and is.
const ir::Tensor* known(MilLift& c, std::string_view parameter, bool required) {
  if (!required && !c.has(parameter)) return nullptr;
  const ir::Tensor* t = c.constant(c.in(parameter));
  if (t == nullptr) c.bad("parameter '" + std::string(parameter) + "' is no constant");
  return t;
}

/// Copies the gates of one matrix or vector, in ONNX's order, to `to`.
void copy_gates(const ir::Tensor& from, GateOrder order, std::byte* to) {
  const size_t bytes = from.byte_size() / order.size();
  for (size_t g = 0; g < order.size(); ++g) std::memcpy(to + g * bytes, from.bytes() + order[g] * bytes, bytes);
}

/// One tensor [directions, ...] of the parameters of all directions.
ValueId stacked(MilLift& c, const std::vector<const ir::Tensor*>& parts, GateOrder order, std::string_view stem) {
  ir::Dims dims = {static_cast<int64_t>(parts.size())};
  for (const ir::Tensor* part : parts)
    if (part == nullptr || part->dims() != parts[0]->dims() || part->rank() < 1 || part->elem() != parts[0]->elem() ||
        part->dims()[0] % static_cast<int64_t>(order.size()) != 0) {
      c.bad("the parameters do not fit together");
      return ir::kNoValue;
    }
  dims.insert(dims.end(), parts[0]->dims().begin(), parts[0]->dims().end());
  ir::Tensor all = ir::Tensor::allocate(parts[0]->elem(), dims);
  for (size_t d = 0; d < parts.size(); ++d)
    copy_gates(*parts[d], order, all.mutable_bytes() + d * parts[0]->byte_size());
  return c.weight(std::move(all), stem);
}

/// ONNX's biases [directions, 2 * gates * hidden]: those of the input, then those of the state; zeros where null.
ValueId biases(MilLift& c, const std::vector<const ir::Tensor*>& input, const std::vector<const ir::Tensor*>& state,
               GateOrder order) {
  const ir::Tensor* some = nullptr;
  for (const auto* list : {&input, &state})
    for (const ir::Tensor* t : *list) some = t != nullptr ? t : some;
  if (some == nullptr) return ir::kNoValue;
  const size_t bytes = some->byte_size();
  ir::Tensor all = ir::Tensor::allocate(some->elem(), {static_cast<int64_t>(input.size()), 2 * some->size()});
  std::memset(all.mutable_bytes(), 0, all.byte_size());
  for (size_t d = 0; d < input.size(); ++d) {
    const ir::Tensor* parts[] = {input[d], state[d]};
    for (size_t k = 0; k < 2; ++k) {
      if (parts[k] == nullptr) continue;
      if (parts[k]->dims() != some->dims() || parts[k]->elem() != some->elem()) {
        c.bad("biases do not fit together");
        return ir::kNoValue;
      }
      copy_gates(*parts[k], order, all.mutable_bytes() + (2 * d + k) * bytes);
    }
  }
  return c.weight(std::move(all), "bias");
}

/// [batch, directions * hidden] as [directions, batch, hidden].
ValueId initial(MilLift& c, std::string_view parameter, int64_t directions) {
  const ValueId state = c.in(parameter);
  if (directions == 1) return c.unsqueeze(state, {0});
  const auto halves = c.ops("Split", {state}, 2, {{"axis", int64_t{1}}, {"num_outputs", int64_t{2}}});
  return c.op("Concat", {c.unsqueeze(halves[0], {0}), c.unsqueeze(halves[1], {0})}, {{"axis", int64_t{0}}});
}

/// The axis of directions joined with the last one.
ValueId joined(MilLift& c, ValueId y, int64_t axis, int64_t directions) {
  if (directions == 1) return c.squeeze(y, {axis});
  const auto halves = c.ops("Split", {y}, 2, {{"axis", axis}, {"num_outputs", int64_t{2}}});
  return c.op("Concat", {c.squeeze(halves[0], {axis}), c.squeeze(halves[1], {axis})}, {{"axis", int64_t{-1}}});
}

struct Settings {
  std::string direction;
  int64_t directions = 1;
  std::vector<ir::Attr> attrs{};
};

/// ONNX's name. Programs state no factors: coremltools' tests compare Core ML with 1 and 1 for scaled_tanh, 0.2 and 0.5
/// for hard_sigmoid.
std::string activation(MilLift& c, std::string_view parameter, std::string_view fallback) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"hard_sigmoid", "HardSigmoid"}, {"sigmoid_hard", "HardSigmoid"}, {"linear", "Affine"}, {"relu", "Relu"},
      {"scaled_tanh", "Tanh"},         {"sigmoid", "Sigmoid"},          {"tanh", "Tanh"}};
  const std::string wanted = c.text(parameter, fallback);
  for (const auto& [name, onnx] : kNames)
    if (name == wanted) return std::string(onnx);
  c.bad("unknown activation '" + wanted + "'");
  return "Tanh";
}

Settings settings(MilLift& c, const std::vector<std::string>& activations, int64_t hidden) {
  Settings s{.direction = c.text("direction", "forward")};
  if (s.direction != "forward" && s.direction != "reverse" && s.direction != "bidirectional")
    c.bad("unknown direction '" + s.direction + "'");
  s.directions = s.direction == "bidirectional" ? 2 : 1;
  std::vector<std::string> names;
  for (int64_t d = 0; d < s.directions; ++d) names.insert(names.end(), activations.begin(), activations.end());
  s.attrs = {{"hidden_size", hidden}, {"direction", s.direction}, {"activations", std::move(names)}};
  return s;
}

/// All steps, or the last one as a sequence of one. A reversed sequence comes in the order in which it was computed.
void sequence_result(MilLift& c, const Settings& s, ValueId y, ValueId last) {
  if (!c.flag("output_sequence", false)) return c.result(c.unsqueeze(last, {0}), 0);
  if (s.direction == "reverse")
    y = c.op("Slice", {y, c.ints({-1}), c.ints({std::numeric_limits<int64_t>::min()}), c.ints({0}), c.ints({-1})});
  c.result(joined(c, y, 1, s.directions), 0);
}

int64_t hidden_of(const ir::Tensor* recurrent) {
  return recurrent != nullptr && recurrent->rank() == 2 ? recurrent->dims()[1] : 0;
}

/// rnn and gru: one direction, one state.
void lift_simple(MilLift& c, std::string_view type, GateOrder order, const std::vector<std::string>& activations,
                 const std::vector<ir::Attr>& more) {
  const ir::Tensor *w = known(c, "weight_ih", true), *r = known(c, "weight_hh", true);
  if (c.failed()) return;
  Settings s = settings(c, activations, hidden_of(r));
  if (s.directions != 1) return c.bad("it has one direction");
  s.attrs.insert(s.attrs.end(), more.begin(), more.end());
  const ValueId bias = biases(c, {known(c, "input_bias", false)}, {known(c, "bias", false)}, order);
  const auto y = c.ops(type,
                       {c.in("x"), stacked(c, {w}, order, "weight_ih"), stacked(c, {r}, order, "weight_hh"), bias,
                        ir::kNoValue, initial(c, "initial_h", 1)},
                       2, std::move(s.attrs));
  const ValueId last = joined(c, y[1], 0, 1);
  sequence_result(c, s, y[0], last);
  c.result(last, 1);
}

void lift_rnn(MilLift& c) { lift_simple(c, "RNN", kRnnOrder, {activation(c, "activation", "tanh")}, {}); }

/// The reset gate works on the state (ONNX's linear_before_reset 0), or with reset_after on the product with it.
void lift_gru(MilLift& c) {
  lift_simple(c, "GRU", kGruOrder,
              {activation(c, "recurrent_activation", "sigmoid"), activation(c, "activation", "tanh")},
              {{"linear_before_reset", int64_t{c.flag("reset_after", false)}}});
}

void lift_lstm(MilLift& c) {
  const ir::Tensor* r = known(c, "weight_hh", true);
  if (c.failed()) return;
  const std::vector<std::string> functions = {activation(c, "recurrent_activation", "sigmoid"),
                                              activation(c, "cell_activation", "tanh"),
                                              activation(c, "activation", "tanh")};
  Settings s = settings(c, functions, hidden_of(r));
  const bool both = s.directions == 2;
  const auto parts = [&](const std::string& name, bool required) {
    std::vector<const ir::Tensor*> list = {known(c, name, required)};
    if (both) list.push_back(known(c, name + "_back", required));
    return list;
  };
  const auto w = parts("weight_ih", true), h = parts("weight_hh", true), b = parts("bias", false);
  const std::vector<const ir::Tensor*> none(b.size(), nullptr);
  if (c.failed()) return;
  const ValueId bias = biases(c, b, none, kLstmOrder);
  const ValueId peephole =
      c.has("peephole") ? stacked(c, parts("peephole", true), kPeepholeOrder, "peephole") : ir::kNoValue;
  const ValueId x = c.in("x"), cell = c.in("initial_c");
  if (c.failed()) return;
  const auto limit = static_cast<float>(c.number("clip", 0));
  const CellGrowth growth{.functions = functions, .steps = c.dim(x, 0), .initial = {c.constant(cell)}};
  const bool clips = c.has("clip") && !never_clips(growth, limit);
  if (clips) s.attrs.push_back({"cell_clip", limit});
  const auto y =
      c.ops(clips ? "coreml.LSTM" : "LSTM",
            {x, stacked(c, w, kLstmOrder, "weight_ih"), stacked(c, h, kLstmOrder, "weight_hh"), bias, ir::kNoValue,
             initial(c, "initial_h", s.directions), initial(c, "initial_c", s.directions), peephole},
            3, std::move(s.attrs));
  const ValueId last = joined(c, y[1], 0, s.directions);
  sequence_result(c, s, y[0], last);
  c.result(last, 1);
  c.result(joined(c, y[2], 0, s.directions), 2);
}

constexpr MilRow kRows[] = {
    {"gru", lift_gru},
    {"lstm", lift_lstm},
    {"rnn", lift_rnn},
};

}  // namespace

std::span<const MilRow> mil_recurrent_rows() { return kRows; }

}  // namespace assay::coreml
