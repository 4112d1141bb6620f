// What RNN, GRU and LSTM share: geometry, weights, activations, the walk over the steps.
#pragma once
#include <memory>
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
  std::shared_ptr<const RowProducts<T>> w, r;
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

struct RecurrentGeometry {
  int64_t steps = 0, batch = 0, input = 0, hidden = 0, directions = 1;
  bool batch_first = false;
  bool reverse(int64_t d) const { return first_reversed || d == 1; }
  bool first_reversed = false;

  int64_t x_at(int64_t t, int64_t b) const { return (batch_first ? b * steps + t : t * batch + b) * input; }
  int64_t y_at(int64_t t, int64_t d, int64_t b) const {
    return (batch_first ? (b * steps + t) * directions + d : (t * directions + d) * batch + b) * hidden;
  }
  int64_t state_at(int64_t d, int64_t b) const { return (batch_first ? b * directions + d : d * batch + b) * hidden; }
};

/// Of operands that fit together, else an error. `k_first`: W and R are [directions][k][gates * hidden] rather than
/// [directions][gates * hidden][k].
Result<RecurrentGeometry> recurrent_geometry(const KernelContext& c, size_t gates, bool has_cell, bool k_first);
/// sequence_lens (input 4) lie between 0 and the number of steps.
Status check_lengths(const KernelContext& c, const RecurrentGeometry& g);
/// The activations of all directions; alpha and beta are consumed in order by those that take them.
Result<std::vector<Activation>> recurrent_activations(const KernelContext& c, const RecurrentForm& form,
                                                      size_t directions);
/// Biases, peepholes and attributes of direction `d`; no matrices and no activations.
template <class T>
Cell<T> recurrent_cell(const KernelContext& c, const num::Arith<T>& arith, const RecurrentGeometry& g, size_t gates,
                       bool has_cell, int64_t d);

/// From the gates' inputs i, o, f, c in state.gates to the next h and c.
template <class T>
void finish_lstm(const num::Arith<T>& arith, const Cell<T>& cell, CellState<T>& state);

/// pre = (x W^T) + (h R^T) + (Wb + Rb) for gates [first, first + count) of the cell.
template <class T>
void pre_activation(const num::Arith<T>& arith, const Cell<T>& cell, const T* x, const T* h, size_t first, size_t count,
                    CellState<T>& state, T* pre);

Status infer_recurrent(InferContext& c, size_t gates, bool has_cell);
Status eval_recurrent(KernelContext& c, const RecurrentForm& form, StepFn<float> f32, StepFn<double> f64);
/// Lays out W and R where they are constant.
Result<std::shared_ptr<const void>> prepare_recurrent(PrepareContext& c);

}  // namespace assay::ops
