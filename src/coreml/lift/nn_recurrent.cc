// Recurrent layers. Blobs are [Seq, Batch, vector, 1, 1]; every gate is clipped before its function.
#include <algorithm>
#include <limits>
#include <optional>

#include "coreml/lift/cell_clip.h"
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

using mil::Message;

/// What activations may be in recurrent layers, and the factors that the format has where a file says neither, as
/// coremltools' builder writes it.
struct Function {
  std::string_view field, op;
  bool takes = false;
  float alpha = 0, beta = 0;  ///< alpha 0: unclear
};
constexpr Function kFunctions[] = {{"linear", "Affine", true, 1, 0},
                                   {"sigmoid", "Sigmoid"},
                                   {"tanh", "Tanh"},
                                   {"ReLU", "Relu"},
                                   {"scaledTanh", "ScaledTanh", true},
                                   {"sigmoidHard", "HardSigmoid", true, 0.2F, 0.5F}};

/// What the layers' functions are called in RNN, GRU and LSTM, and their parameters.
struct Functions {
  std::vector<std::string> names;
  std::vector<float> alpha, beta;

  void add(NnLift& c, const Message& p) {
    const auto found = std::ranges::find_if(kFunctions, [&](const Function& f) { return p.has(f.field); });
    if (found == std::end(kFunctions)) return c.bad("a function that recurrent layers do not have");
    names.emplace_back(found->op);
    if (!found->takes) return;
    const Message& f = p.message(found->field);
    const bool stated = f.number("alpha") != 0 || f.number("beta") != 0;
    if (!stated && found->alpha == 0) return c.unsupported(std::string(found->field) + " without its factors");
    alpha.push_back(stated ? static_cast<float>(f.number("alpha")) : found->alpha);
    beta.push_back(stated ? static_cast<float>(f.number("beta")) : found->beta);
  }
};

Functions functions(NnLift& c, std::span<const Message> stated, std::vector<std::string> otherwise) {
  Functions f;
  for (const Message& p : stated) f.add(c, p);
  if (stated.empty()) f.names = std::move(otherwise);
  return f;
}

/// Gates' matrices or vectors, by the fields that have them. Where `may_lack`, absent ones are zeros; `one` has 1
/// added.
struct Gates {
  std::vector<std::string_view> fields;
  std::string_view one = {};
  bool may_lack = false;
};

/// What each gate of each direction has; nothing where it lacks.
std::vector<std::optional<ir::Tensor>> parts(NnLift& c, std::span<const Message> directions, const Gates& gates,
                                             const ir::Dims& each) {
  std::vector<std::optional<ir::Tensor>> found;
  for (const Message& p : directions)
    for (const std::string_view field : gates.fields) {
      found.emplace_back();
      if (!gates.may_lack || p.has(field)) found.back() = c.weights_tensor(p.weights(field), each).aligned();
    }
  return found;
}

/// The gates below each other for each direction: [directions, gates * rows, columns].
ValueId stacked(NnLift& c, std::span<const Message> directions, const Gates& gates, const ir::Dims& each,
                std::string_view name) {
  constexpr int64_t kMostWithout = 1 << 20;  // of gates that no weights in the file vouch for
  const auto found = parts(c, directions, gates, each);
  const bool any = std::ranges::any_of(found, [](const auto& part) { return part.has_value(); });
  int64_t size = 1;
  for (const int64_t d : each)
    if (__builtin_mul_overflow(size, d, &size)) size = -1;
  if (!any && (size < 0 || size > kMostWithout)) c.bad("gates of shape " + ir::to_string(each) + " without weights");
  if (c.failed()) return c.ints({});
  ir::Dims dims = each;
  dims[0] *= static_cast<int64_t>(gates.fields.size());
  dims.insert(dims.begin(), static_cast<int64_t>(directions.size()));
  ir::Tensor all = ir::Tensor::allocate(ir::ElemType::float32, dims);
  const int64_t n = all.size() / static_cast<int64_t>(found.size());
  float* to = all.mutable_data<float>();
  for (size_t i = 0; i < found.size(); ++i, to += n) {
    if (found[i])
      std::copy_n(found[i]->data<float>(), n, to);
    else
      std::fill_n(to, n, 0.0F);
    const std::string_view field = gates.fields[i % gates.fields.size()];
    if (field.empty() || field != gates.one) continue;
    for (int64_t k = 0; k < n; ++k) to[k] += 1;
  }
  return c.weight(std::move(all), name);
}

/// ONNX has two biases, which it adds: the second is zero.
ValueId biases(NnLift& c, std::span<const Message> directions, Gates gates, int64_t hidden) {
  const size_t n = gates.fields.size();
  gates.fields.resize(2 * n, "");
  gates.may_lack = true;
  return c.reshape(stacked(c, directions, gates, {hidden}, "bias"),
                   {static_cast<int64_t>(directions.size()), 2 * static_cast<int64_t>(n) * hidden});
}

struct Layer {
  int64_t in, hidden, directions = 1;
  bool sequence, reverse = false;
};

ValueId vectors(NnLift& c, ValueId x) {
  rank_of(c, x, 5);
  return c.squeeze(x, {-2, -1});
}
ValueId sequence(NnLift& c, const Layer& l) {
  const ValueId x = vectors(c, c.in(0));
  return l.reverse ? backwards(c, x, {0}) : x;
}
/// Input `i`, and input `i` + 2 for the other direction, as [directions, Batch, hidden].
ValueId initial(NnLift& c, const Layer& l, size_t i) {
  if (!c.has(i)) return ir::kNoValue;
  const ValueId first = vectors(c, c.in(i));
  return l.directions == 1 ? first : c.op("Concat", {first, vectors(c, c.in(i + 2))}, {{"axis", int64_t{0}}});
}
ValueId blob(NnLift& c, ValueId x) { return c.unsqueeze(x, {-2, -1}); }

std::vector<ir::Attr> attributes(const Layer& l, const Functions& f) {
  std::vector<ir::Attr> attrs = {{"hidden_size", l.hidden}, {"clip", 50.0F}};
  Functions all;
  for (int64_t d = 0; d < l.directions; ++d) {
    all.names.insert(all.names.end(), f.names.begin(), f.names.end());
    all.alpha.insert(all.alpha.end(), f.alpha.begin(), f.alpha.end());
    all.beta.insert(all.beta.end(), f.beta.begin(), f.beta.end());
  }
  attrs.push_back({"activations", std::move(all.names)});
  if (!all.alpha.empty()) attrs.push_back({"activation_alpha", std::move(all.alpha)});
  if (!all.beta.empty()) attrs.push_back({"activation_beta", std::move(all.beta)});
  if (l.directions == 2) attrs.push_back({"direction", std::string("bidirectional")});
  return attrs;
}

/// The first output: all steps in the order in which they were computed, or the last one; both directions side by side.
void steps_result(NnLift& c, const Layer& l, ValueId all, ValueId last) {
  if (l.directions == 1) return c.result(blob(c, l.sequence ? c.squeeze(all, {1}) : last), 0);
  const ValueId y = l.sequence ? c.transpose(all, {0, 2, 1, 3}) : c.unsqueeze(c.transpose(last, {1, 0, 2}), {0});
  c.result(blob(c, c.op("Reshape", {y, c.ints({0, 0, 2 * l.hidden})})), 0);
}

/// Output `i` is the state of the first direction, `i` + 2 of the other.
void state_result(NnLift& c, const Layer& l, ValueId state, size_t i) {
  if (l.directions == 1) return c.result(blob(c, state), i);
  c.result(blob(c, slice_axis(c, state, 0, 0, 1)), i);
  c.result(blob(c, slice_axis(c, state, 0, 1, 2)), i + 2);
}

/// simpleRecurrent and gru. Their parameters stand in one message.
void lift_simple(NnLift& c, const Layer& l, const Functions& f, const Gates& w, const Gates& r, const Gates& b,
                 bool has_bias) {
  const std::span<const Message> only(&c.params(), 1);
  const ValueId x = sequence(c, l);
  const ValueId weights = stacked(c, only, w, {l.hidden, l.in}, "weights");
  const ValueId recursion = stacked(c, only, r, {l.hidden, l.hidden}, "recursion");
  const ValueId bias = has_bias ? biases(c, only, b, l.hidden) : ir::kNoValue;
  const auto y = c.ops(c.row->op, {x, weights, recursion, bias, ir::kNoValue, initial(c, l, 1)}, 2, attributes(l, f));
  steps_result(c, l, y[0], y[1]);
  state_result(c, l, y[1], 1);
}

Layer layer_of(const Message& p) {
  return {.in = p.integer("inputVectorSize"),
          .hidden = p.integer("outputVectorSize"),
          .sequence = p.integer("sequenceOutput") != 0,
          .reverse = p.integer("reverseInput") != 0};
}

void lift_simple_recurrent(NnLift& c) {
  const Message& p = c.params();
  Functions f;
  f.add(c, p.message("activation"));
  lift_simple(c, layer_of(p), f, {{"weightMatrix"}}, {{"recursionMatrix"}}, {{"biasVector"}},
              p.integer("hasBiasVector") != 0);
}

void lift_gru(NnLift& c) {
  const Message& p = c.params();
  lift_simple(c, layer_of(p), functions(c, p.messages("activations"), {"Sigmoid", "Tanh"}),
              {{"updateGateWeightMatrix", "resetGateWeightMatrix", "outputGateWeightMatrix"}},
              {{"updateGateRecursionMatrix", "resetGateRecursionMatrix", "outputGateRecursionMatrix"}},
              {{"updateGateBiasVector", "resetGateBiasVector", "outputGateBiasVector"}},
              p.integer("hasBiasVectors") != 0);
}

/// The number of steps of x [Seq, Batch, vector], and the cells that it starts with.
CellGrowth growth(NnLift& c, const Layer& l, const Functions& f, ValueId x, bool coupled) {
  CellGrowth cell{.functions = f.names, .coupled = coupled, .steps = c.dim(x, 0)};
  for (size_t i = 2; c.has(2) && i < 2 + 2 * static_cast<size_t>(l.directions); i += 2)
    cell.initial.push_back(c.has(i) ? c.constant(c.in(i)) : nullptr);
  return cell;
}

/// Gates i, o, f and the block's input; peepholes i, o, f. The cell is clipped too.
void lift_lstm(NnLift& c, Layer l, std::span<const Message> directions, const Functions& f) {
  const Message& p = c.params().message("params");
  l.sequence = p.integer("sequenceOutput") != 0;
  const bool coupled = p.integer("coupledInputAndForgetGate") != 0, one = p.integer("forgetBias") != 0;
  const ValueId x = sequence(c, l);
  const ValueId weights =
      stacked(c, directions,
              {{"inputGateWeightMatrix", "outputGateWeightMatrix", "forgetGateWeightMatrix", "blockInputWeightMatrix"},
               "",
               coupled},
              {l.hidden, l.in}, "weights");
  const ValueId recursion = stacked(c, directions,
                                    {{"inputGateRecursionMatrix", "outputGateRecursionMatrix",
                                      "forgetGateRecursionMatrix", "blockInputRecursionMatrix"},
                                     "",
                                     coupled},
                                    {l.hidden, l.hidden}, "recursion");
  const Gates vector = {{"inputGateBiasVector", "outputGateBiasVector", "forgetGateBiasVector", "blockInputBiasVector"},
                        one ? "forgetGateBiasVector" : ""};
  const ValueId bias = p.integer("hasBiasVectors") != 0 || one ? biases(c, directions, vector, l.hidden) : ir::kNoValue;
  const Gates peepholes = {
      {"inputGatePeepholeVector", "outputGatePeepholeVector", "forgetGatePeepholeVector"}, "", coupled};
  const ValueId peephole =
      p.integer("hasPeepholeVectors") != 0 ? stacked(c, directions, peepholes, {l.hidden}, "peephole") : ir::kNoValue;
  std::vector<ir::Attr> attrs = attributes(l, f);
  const auto limit = static_cast<float>(unless_zero(p.number("cellClipThreshold"), 50));
  const bool clips = limit < std::numeric_limits<float>::max() && !never_clips(growth(c, l, f, x, coupled), limit);
  if (clips) attrs.push_back({"cell_clip", limit});
  if (coupled) attrs.push_back({"input_forget", int64_t{1}});
  const auto y = c.ops(clips ? "coreml.LSTM" : "LSTM",
                       {x, weights, recursion, bias, ir::kNoValue, initial(c, l, 1), initial(c, l, 2), peephole}, 3,
                       std::move(attrs));
  steps_result(c, l, y[0], y[1]);
  state_result(c, l, y[1], 1);
  state_result(c, l, y[2], 2);
}

void lift_lstm_one(NnLift& c) {
  const Message& p = c.params();
  lift_lstm(c, layer_of(p), {&p.message("weightParams"), 1},
            functions(c, p.messages("activations"), {"Sigmoid", "Tanh", "Tanh"}));
}

/// Both directions have the same functions.
void lift_lstm_both(NnLift& c) {
  const Message& p = c.params();
  Layer l = layer_of(p);
  l.directions = 2;
  if (p.messages("weightParams").size() != 2)
    return c.bad(std::to_string(p.messages("weightParams").size()) + " sets of weights, not 2");
  lift_lstm(c, l, p.messages("weightParams"),
            functions(c, p.messages("activationsForwardLSTM"), {"Sigmoid", "Tanh", "Tanh"}));
}

constexpr NnRow kRows[] = {
    {"biDirectionalLSTM", lift_lstm_both},
    {"gru", lift_gru, "GRU"},
    {"simpleRecurrent", lift_simple_recurrent, "RNN"},
    {"uniDirectionalLSTM", lift_lstm_one},
};

}  // namespace

std::span<const NnRow> nn_recurrent_rows() { return kRows; }

}  // namespace assay::coreml
