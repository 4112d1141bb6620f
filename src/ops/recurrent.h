// What RNN, GRU and LSTM share: geometry, weights, activations, the walk over the steps.
#pragma once
#include <string>
#include <vector>

#include "ops/chain.h"
#include "ops/infer.h"
#include "ops/kernel.h"

namespace assay::ops {

/// An activation by its ONNX name with its parameters.
struct Activation {
  enum class Kind : uint8_t {
    relu,
    tanh,
    sigmoid,
    affine,
    leaky_relu,
    thresholded_relu,
    scaled_tanh,
    hard_sigmoid,
    elu,
    softsign,
    softplus
  };
  Kind kind = Kind::tanh;
  float alpha = 0, beta = 0;
};

/// y = f(y) over n values, after clamping to [-clip, clip] where clip > 0.
template <class T>
void activate(const num::Arith<T>& arith, const Activation& f, float clip, T* y, size_t n);

/// One direction of one recurrent operator, ready to step.
template <class T>
struct Cell {
  size_t input = 0, hidden = 0, gates = 1;
  RowProducts<T> w, r;
  std::vector<T> wb, rb, bias;  ///< gates * hidden each, or empty; bias = wb + rb
  std::vector<T> peephole;      ///< LSTM: i, o, f
  std::vector<Activation> functions;
  float clip = 0;
  float cell_clip = 0;   ///< LSTM: the new cell state is kept within [-cell_clip, cell_clip] where it is > 0
  bool coupled = false;  ///< LSTM: input_forget
  bool linear_before_reset = false;  ///< GRU
};

template <class T>
struct CellState {
  std::vector<T> h, c, gates, part, scratch;
};

/// One step: x to the next h (and c).
template <class T>
using StepFn = void (*)(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, CellState<T>& state);

struct RecurrentForm {
  size_t gates;
  bool has_cell;
  std::vector<Activation> defaults;
};

/// pre = (x W^T) + (h R^T) + (Wb + Rb) for gates [first, first + count) of the cell.
template <class T>
void pre_activation(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, const T* h, size_t first, size_t count,
                    CellState<T>& state, T* pre);

Status infer_recurrent(InferContext& c, size_t gates, bool has_cell);
Status eval_recurrent(KernelContext& c, const RecurrentForm& form, StepFn<float> f32, StepFn<double> f64);

}  // namespace assay::ops
