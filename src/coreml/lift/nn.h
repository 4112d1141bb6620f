// NeuralNetworks to the IR: one function per layer, in tables by family (lift/nn_*.cc).
#pragma once
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "coreml/lift/builder.h"
#include "mil/network.h"

namespace assay::coreml {

class NnScope;
struct NnRow;

/// What a lifting function sees: one layer and the graph to add to. All values are float32 (indices and truth values
/// too, as the format has it); under the legacy mapping inputs have rank 5, [Seq, Batch, C, H, W].
class NnLift : public GraphBuilder {
 public:
  NnLift(ir::Graph& graph, NnScope& scope, Warnings& warnings);

  const mil::Layer* layer = nullptr;
  const NnRow* row = nullptr;                   ///< its row
  std::span<const mil::Layer> rest{};           ///< the layers behind it in its network
  std::set<std::string, std::less<>> needed{};  ///< blobs that are read behind that network
  /// The driver: the following calls are about this layer.
  void start(const mil::Layer& next, const NnRow& next_row);
  const mil::Message& params() const { return layer->params; }

  size_t input_count() const { return layer->inputs.size(); }
  bool has(size_t i) const { return i < layer->inputs.size(); }
  ValueId in(size_t i);
  std::vector<ValueId> all();
  size_t output_count() const { return layer->outputs.size(); }
  /// The layer's output `i` is `value`: float32 (a Cast is added for integers and booleans), unstated, and under the
  /// output's name. What would have rank 0 has one axis: the format knows no scalars.
  void result(ValueId value, size_t i = 0);

  /// Weights as float32 constant of these dimensions, dequantised (`channels`: axis-0 blocks that scale and bias have);
  /// an error is kept when their number is wrong.
  ValueId weights(std::string_view field, const ir::Dims& dims);
  ir::Tensor weights_tensor(const mil::Weights& weights, const ir::Dims& dims);

  /// `x` (float32 indices) as int64: a constant where `x` is one, and what integers were before they became float32.
  ValueId indices(ValueId x);
  /// `x` (0.0 false, else true) as boolean.
  ValueId truth(ValueId x);

  void bad(std::string message);          ///< model_invalid
  void unsupported(std::string message);  ///< op_unsupported
  /// A warning about this layer.
  void warn(Code code, std::string message);

  NnScope& scope() { return scope_; }
  Warnings& warnings() { return warnings_; }

 private:
  ValueId integers(ValueId x, ir::ElemType to);

  NnScope& scope_;
  Warnings& warnings_;
  ir::OpId first_op_ = 0;
};

struct NnRow {
  std::string_view kind;  ///< "innerProduct"
  void (*lift)(NnLift& c);
  std::string_view op = {};  ///< the operator that the layer is, where one function lifts several
};
/// Every layer that is lifted, sorted by kind.
std::vector<const NnRow*> nn_rows();

/// Layers in order, into the lift's graph. All must have rows.
Status lift_layers(std::span<const mil::Layer> layers, NnLift& lift);

}  // namespace assay::coreml
