// What RNN, GRU and LSTM ask of Core ML's recurrent operations.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ops/lower/mil.h"
#include "ops/lower/nn.h"

namespace assay::ops {

/// An activation as ML Programs and layers name it.
struct RecurrentActivation {
  std::string_view onnx, mil, layer;  ///< mil: empty where programs have it with other factors alone
  float alpha = 0, beta = 0;          ///< the only ones that Core ML has
  bool bounded = true;                ///< the same beyond 50, where layers cut what enters it
};

struct RecurrentPlan {
  size_t gates = 1;
  int64_t steps = -1, batch = -1, input = 0, hidden = 0, directions = 1;
  bool batch_first = false, first_reversed = false;
  std::vector<const RecurrentActivation*> activations;  ///< of each direction in turn

  bool reversed(int64_t d) const { return first_reversed || d == 1; }
  const RecurrentActivation& activation(int64_t d, size_t k) const {
    return *activations[static_cast<size_t>(d) * activations.size() / static_cast<size_t>(directions) + k];
  }

  /// Rows of W or R of one direction, its gates in another order.
  std::vector<float> matrix(const ir::Tensor& t, int64_t d, const std::vector<size_t>& order) const;
  /// The same transposed: [columns, gates * hidden].
  std::vector<float> transposed(const ir::Tensor& t, int64_t d, const std::vector<size_t>& order) const;
  /// Wb + Rb, or one of the two (half 0, 1); zeros where there is no B.
  std::vector<float> bias(const ir::Tensor* b, int64_t d, const std::vector<size_t>& order) const;
  std::vector<float> half_bias(const ir::Tensor* b, int64_t d, size_t gate, size_t half) const;
  /// One of the peepholes i, o, f.
  std::vector<float> peephole(const ir::Tensor& p, int64_t d, size_t which) const;
};

/// Layers limit what enters an activation to [-50, 50].
inline constexpr float kLayerClip = 50;

/// Reads geometry and activations; refuses what no recurrent operation of Core ML's has. `clip`: the limit that the
/// format has of its own, 0 where it has none.
Result<RecurrentPlan> recurrent_plan(const ir::Graph& graph, const ir::Op& op, size_t gates, float clip = 0);

}  // namespace assay::ops
