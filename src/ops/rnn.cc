// RNN, GRU and LSTM: the cells. One node is one rounding: the state between steps stays in the compute type.
#include "ops/lower/families.h"
#include "ops/recurrent.h"

namespace assay::ops {
namespace {

using Kind = Activation::Kind;

template <class T>
void step_rnn(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, CellState<T>& s) {
  s.gates.resize(cell.hidden);
  pre_activation(arith, cell, x, s.h.data(), 0, 1, s, s.gates.data());
  activate(arith, cell.functions[0], cell.clip, s.gates.data(), cell.hidden);
  s.h.swap(s.gates);
}

/// Gates z, r, h.
template <class T>
void step_gru(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, CellState<T>& s) {
  const size_t n = cell.hidden;
  s.gates.resize(4 * n);
  T *z = s.gates.data(), *r = z + n, *candidate = r + n, *reset = candidate + n;
  pre_activation(arith, cell, x, s.h.data(), 0, 2, s, z);
  activate(arith, cell.functions[0], cell.clip, z, 2 * n);
  if (cell.linear_before_reset) {  // x W^T + r * (h R^T + Rb) + Wb
    cell.w->run(x, 2 * n, n, candidate, s.scratch);
    cell.r->run(s.h.data(), 2 * n, n, reset, s.scratch);
    if (!cell.bias.empty()) arith.add(reset, cell.rb.data() + 2 * n, reset, n);
    arith.mul(r, reset, reset, n);
    arith.add(candidate, reset, candidate, n);
    if (!cell.bias.empty()) arith.add(candidate, cell.wb.data() + 2 * n, candidate, n);
  } else {
    arith.mul(r, s.h.data(), reset, n);
    pre_activation(arith, cell, x, reset, 2, 1, s, candidate);
  }
  activate(arith, cell.functions[1], cell.clip, candidate, n);
  arith.mul(z, s.h.data(), s.h.data(), n);  // (1 - z) * candidate + z * h
  arith.sub(T{1}, z, z, n);
  arith.mul(z, candidate, candidate, n);
  arith.add(candidate, s.h.data(), s.h.data(), n);
}

/// gate += peephole * c
template <class T>
void add_peephole(const num::Arith<T>& arith, const Cell<T>& cell, size_t which, CellState<T>& s, T* gate) {
  if (cell.peephole.empty()) return;
  s.part.resize(cell.hidden);
  arith.mul(cell.peephole.data() + which * cell.hidden, s.c.data(), s.part.data(), cell.hidden);
  arith.add(gate, s.part.data(), gate, cell.hidden);
}

}  // namespace

// Gates i, o, f, c; peepholes i, o, f.
template <class T>
void finish_lstm(const num::Arith<T>& arith, const Cell<T>& cell, CellState<T>& s) {
  const size_t n = cell.hidden;
  T *i = s.gates.data(), *o = i + n, *f = o + n, *g = f + n;
  add_peephole(arith, cell, 0, s, i);
  activate(arith, cell.functions[0], cell.clip, i, n);
  if (cell.coupled) {
    arith.sub(T{1}, i, f, n);
  } else {
    add_peephole(arith, cell, 2, s, f);
    activate(arith, cell.functions[0], cell.clip, f, n);
  }
  activate(arith, cell.functions[1], cell.clip, g, n);
  arith.mul(f, s.c.data(), s.c.data(), n);
  arith.mul(i, g, g, n);
  arith.add(s.c.data(), g, s.c.data(), n);
  if (cell.cell_clip > 0) {
    arith.min(s.c.data(), static_cast<T>(cell.cell_clip), s.c.data(), n);
    arith.max(s.c.data(), static_cast<T>(-cell.cell_clip), s.c.data(), n);
  }
  add_peephole(arith, cell, 1, s, o);
  activate(arith, cell.functions[0], cell.clip, o, n);
  s.h = s.c;
  activate(arith, cell.functions[2], 0, s.h.data(), n);
  arith.mul(o, s.h.data(), s.h.data(), n);
}
template void finish_lstm(const num::Arith<float>&, const Cell<float>&, CellState<float>&);
template void finish_lstm(const num::Arith<double>&, const Cell<double>&, CellState<double>&);

namespace {

template <class T>
void step_lstm(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, CellState<T>& s) {
  s.gates.resize(4 * cell.hidden);
  pre_activation(arith, cell, x, s.h.data(), 0, 4, s, s.gates.data());
  finish_lstm(arith, cell, s);
}

Status infer_rnn(InferContext& c) { return infer_recurrent(c, 1, false); }
Status infer_gru(InferContext& c) { return infer_recurrent(c, 3, false); }
Status infer_lstm(InferContext& c) { return infer_recurrent(c, 4, true); }

Status eval_rnn(KernelContext& c) {
  return eval_recurrent(c, {1, false, {{Kind::tanh}}}, step_rnn<float>, step_rnn<double>);
}
Status eval_gru(KernelContext& c) {
  return eval_recurrent(c, {3, false, {{Kind::sigmoid}, {Kind::tanh}}}, step_gru<float>, step_gru<double>);
}
Status eval_lstm(KernelContext& c) {
  return eval_recurrent(c, {4, true, {{Kind::sigmoid}, {Kind::tanh}, {Kind::tanh}}}, step_lstm<float>,
                        step_lstm<double>);
}

constexpr ir::TypeSet kLengths = ir::type_set(ir::ElemType::int32);
constexpr In kIn[] = {{"X", kFloats},
                      {"W", kFloats},
                      {"R", kFloats},
                      {"B", kFloats, kOptional},
                      {"sequence_lens", kLengths, kOptional},
                      {"initial_h", kFloats, kOptional}};
constexpr In kLstmIn[] = {{"X", kFloats},
                          {"W", kFloats},
                          {"R", kFloats},
                          {"B", kFloats, kOptional},
                          {"sequence_lens", kLengths, kOptional},
                          {"initial_h", kFloats, kOptional},
                          {"initial_c", kFloats, kOptional},
                          {"P", kFloats, kOptional}};
constexpr Out kOut[] = {{"Y", kOptional}, {"Y_h", kOptional}};
constexpr Out kLstmOut[] = {{"Y", kOptional}, {"Y_h", kOptional}, {"Y_c", kOptional}};
constexpr AttrDoc kAttrs[] = {{"hidden_size", "-"},     {"direction", "forward"},
                              {"activations", "Tanh"},  {"activation_alpha", "-"},
                              {"activation_beta", "-"}, {"clip", "-"},
                              {"layout", "0"}};
constexpr AttrDoc kGruAttrs[] = {
    {"hidden_size", "-"},      {"direction", "forward"},    {"activations", "Sigmoid, Tanh"},
    {"activation_alpha", "-"}, {"activation_beta", "-"},    {"clip", "-"},
    {"layout", "0"},           {"linear_before_reset", "0"}};
constexpr AttrDoc kLstmAttrs[] = {
    {"hidden_size", "-"},      {"direction", "forward"}, {"activations", "Sigmoid, Tanh, Tanh"},
    {"activation_alpha", "-"}, {"activation_beta", "-"}, {"clip", "-"},
    {"layout", "0"},           {"input_forget", "0"}};
constexpr AttrDoc kCoremlLstmAttrs[] = {
    {"hidden_size", "-"},      {"direction", "forward"}, {"activations", "Sigmoid, Tanh, Tanh"},
    {"activation_alpha", "-"}, {"activation_beta", "-"}, {"clip", "-"},
    {"layout", "0"},           {"input_forget", "0"},    {"cell_clip", "-"}};
constexpr num::Function kFunctions[] = {num::Function::exp, num::Function::tanh};
constexpr std::string_view kSums = "x W^T and h R^T, each as MatMul; then their sum, then + (Wb + Rb)";

}  // namespace

extern const OpDef kRNN = {
    .name = "RNN",
    .since = 22,
    .doc = "One-layer Elman network over a sequence.",
    .in = kIn,
    .out = kOut,
    .attrs = kAttrs,
    .numeric = Numeric::composite,
    .accumulates = kSums,
    .elementary = kFunctions,
    .infer = infer_rnn,
    .eval = eval_rnn,
    .prepare = prepare_recurrent,
    .to_mil = {rnn_to_mil, "rnn"},
    .to_nn = {rnn_to_nn, "simpleRecurrent; what enters a gate is cut to [-50, 50]"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

extern const OpDef kGRU = {
    .name = "GRU",
    .since = 22,
    .doc = "Gated recurrent unit over a sequence.",
    .in = kIn,
    .out = kOut,
    .attrs = kGruAttrs,
    .numeric = Numeric::composite,
    .accumulates = kSums,
    .elementary = kFunctions,
    .infer = infer_gru,
    .eval = eval_gru,
    .prepare = prepare_recurrent,
    .to_mil = {gru_to_mil, "gru; else its steps, once for each element of a sequence"},
    .to_nn = {gru_to_nn,
              "gru; else its steps, once for each element of a sequence; what enters a gate is cut to [-50, 50]"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

extern const OpDef kLSTM = {
    .name = "LSTM",
    .since = 22,
    .doc = "Long short-term memory over a sequence.",
    .in = kLstmIn,
    .out = kLstmOut,
    .attrs = kLstmAttrs,
    .numeric = Numeric::composite,
    .accumulates = kSums,
    .elementary = kFunctions,
    .infer = infer_lstm,
    .eval = eval_lstm,
    .prepare = prepare_recurrent,
    .to_mil = {lstm_to_mil, "lstm"},
    .to_nn = {lstm_to_nn, "uniDirectionalLSTM; what enters a gate is cut to [-50, 50]"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

extern const OpDef kCoremlLSTM = {
    .domain = "coreml",
    .name = "LSTM",
    .since = 1,
    .doc = "LSTM whose cell state is kept within [-cell_clip, cell_clip] at each step.",
    .in = kLstmIn,
    .out = kLstmOut,
    .attrs = kCoremlLstmAttrs,
    .numeric = Numeric::composite,
    .accumulates = kSums,
    .elementary = kFunctions,
    .infer = infer_lstm,
    .eval = eval_lstm,
    .prepare = prepare_recurrent,
    .to_mil = {lstm_to_mil, "lstm with clip"},
    .to_nn = {lstm_to_nn, "uniDirectionalLSTM with cellClipThreshold; what enters a gate is cut to [-50, 50]"},
    .bound = {.f32 = 256, .f16 = 2, .bf16 = 2},
};

}  // namespace assay::ops
