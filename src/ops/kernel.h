// What an operator's kernel sees: its operands as stored, its outputs to fill, its policy.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/threads.h"
#include "ir/graph.h"
#include "ops/def.h"

namespace assay::ops {

/// An elementwise op that the executor fused behind a contraction: run on each hot output tile in turn, its result
/// rounded by its own policy, exactly as if it were a kernel of its own.
struct EpilogueStep {
  const ir::Op* op;
  ir::ElemType storage;  ///< what this step's result would be stored as: rounded to it
  size_t flowing;        ///< which input of `op` is the value that flows through
  std::vector<const ir::Tensor*>
      operands;  ///< one per input of `op`; null at `flowing`. Same shape as the output,
                 ///< a scalar, or one value per output channel (axis 1 of Conv, last axis of MatMul)
};

/// Runs a graph nested in an op (the attribute of that name) on one tensor an input of the graph, each as stored; what
/// the graph captures is as it is now in the graph around it. Results are the caller's own, but share the bytes of
/// inputs that the graph returns as they came in.
using RunNested =
    std::function<Result<std::vector<ir::Tensor>>(std::string_view attr, std::span<const ir::Tensor> inputs)>;

class KernelContext {
 public:
  KernelContext(const ir::Graph& g, const ir::Op& o, const Threads& t) : graph(g), op(o), threads(t) {}

  const ir::Graph& graph;
  const ir::Op& op;
  const Threads& threads;
  const num::Policy& policy() const { return op.policy; }

  std::vector<const ir::Tensor*> inputs;     ///< null where absent. Element type is the *storage* type
  std::vector<ir::Tensor> outputs;           ///< allocated when the shape was inferred; else empty_handle(): allocate()
  std::span<const EpilogueStep> epilogue{};  ///< only for rows that take one (contractions)
  const void* prepared = nullptr;            ///< what the row's prepare() made, or null
  RunNested run_nested{};                    ///< set where the op has nested graphs; its outputs are all allocate()d

  size_t input_count() const { return inputs.size(); }
  bool has(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  const ir::Tensor& in(size_t i) const { return *inputs[i]; }
  ir::Tensor& out(size_t i) { return outputs[i]; }
  bool wants(size_t i) const { return i < op.outputs.size() && op.outputs[i] != ir::kNoValue; }
  /// Declared type of the output (its stored type is out(i).elem()).
  ir::ElemType declared_out(size_t i) const { return graph.at(op.outputs[i]).type.elem; }
  ir::ElemType declared_in(size_t i) const { return graph.at(op.inputs[i]).type.elem; }
  ir::ElemType storage_out(size_t i) const {
    const ir::Value& v = graph.at(op.outputs[i]);
    return v.storage == ir::ElemType::undefined ? v.type.leaf() : v.storage;
  }
  /// For outputs whose shape depends on data.
  void allocate(size_t i, ir::Dims dims) { outputs[i] = ir::Tensor::allocate(storage_out(i), std::move(dims)); }

  /// value_range (a bad index) or model_invalid, naming the op.
  Error fail(Code code, std::string message) const {
    return Error{code, std::move(message), graph.describe(op), "check the model and its inputs"};
  }
};

class PrepareContext {
 public:
  PrepareContext(const ir::Graph& g, const ir::Op& o, const Threads& t) : graph(g), op(o), threads(t) {}
  const ir::Graph& graph;
  const ir::Op& op;
  const Threads& threads;
  /// Constant operands as stored after rounding; null where the operand is not constant.
  std::vector<const ir::Tensor*> constants;
  bool has(size_t i) const { return i < constants.size() && constants[i] != nullptr; }
};

/// True when the row computes in float64 (policy f64, or an output declared float64).
inline bool computes_float64(const KernelContext& c) {
  return c.policy().compute == num::FormatId::float64 ||
         (!c.op.outputs.empty() && c.outputs[0].elem() == ir::ElemType::float64) ||
         (c.has(0) && c.in(0).elem() == ir::ElemType::float64);
}

}  // namespace assay::ops
