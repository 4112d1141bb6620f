// What an operator's inference rule sees and sets.
#pragma once
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ops/def.h"

namespace assay::ops {

/// Inference over one op. Inputs carry what is known (type, maybe shape, maybe the constant itself); the rule sets each
/// output's type. Unknown dimensions stay unknown; a contradiction is an error that names the rule it breaks.
class InferContext {
 public:
  InferContext(const ir::Graph& graph, const ir::Op& op, std::vector<const ir::Value*> inputs)
      : graph_(graph),
        op_(op),
        inputs_(std::move(inputs)),
        outputs_(op.outputs.size()),
        constants_(op.outputs.size()) {}

  const ir::Op& op() const { return op_; }
  size_t input_count() const { return inputs_.size(); }
  size_t output_count() const { return outputs_.size(); }
  bool has(size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  bool wants(size_t i) const { return i < op_.outputs.size() && op_.outputs[i] != ir::kNoValue; }
  const ir::Type& type(size_t i) const { return inputs_[i]->type; }
  ir::ElemType elem(size_t i) const { return inputs_[i]->type.elem; }
  bool ranked(size_t i) const { return type(i).ranked(); }
  /// The shape; call only when ranked(i).
  const std::vector<ir::Dim>& shape(size_t i) const { return *type(i).shape; }
  int64_t rank(size_t i) const { return static_cast<int64_t>(shape(i).size()); }
  /// The value when it is known now (constant, or folded); else null.
  const ir::Tensor* constant(size_t i) const { return has(i) ? inputs_[i]->constant.get() : nullptr; }

  void set(size_t i, ir::ElemType elem, std::optional<std::vector<ir::Dim>> shape) {
    set(i, ir::Type::tensor(elem, std::move(shape)));
  }
  void set(size_t i, ir::Type type) {
    if (i < outputs_.size()) outputs_[i] = std::move(type);
  }
  /// The output's value is known without running the op (Shape of a static shape).
  void set_constant(size_t i, ir::Tensor value);

  /// Normalises a possibly negative axis; error labelled `label` (for example "softmax_c1") when out of range.
  Result<int64_t> axis(int64_t wanted, int64_t rank, std::string_view label) const;
  /// The op's name for messages.
  std::string where() const { return graph_.describe(op_); }
  /// model_invalid with the rule's label, naming the op.
  Error fail(std::string_view label, std::string message) const;
  /// Output 0: element type of input 0, shape of all inputs broadcast together.
  Status broadcast(ir::ElemType elem);

  const std::vector<std::optional<ir::Type>>& outputs() const { return outputs_; }
  const std::vector<std::shared_ptr<const ir::Tensor>>& constants() const { return constants_; }

 private:
  const ir::Graph& graph_;
  const ir::Op& op_;
  std::vector<const ir::Value*> inputs_;
  std::vector<std::optional<ir::Type>> outputs_;
  std::vector<std::shared_ptr<const ir::Tensor>> constants_;
};

/// NumPy broadcasting of two shapes; nullopt when they contradict. Unknown against 1 stays unknown.
std::optional<std::vector<ir::Dim>> broadcast_shapes(const std::vector<ir::Dim>& a, const std::vector<ir::Dim>& b);

/// The type of a value that has one of two types: dimensions that differ are unknown, and so is a rank that does.
/// An element type that is not known yet may be any; nullopt when both are known and differ. Of two sequences,
/// optionals or maps: of what they hold.
std::optional<ir::Type> join_types(const ir::Type& a, const ir::Type& b);

// Rules that many rows share.
Status infer_same(InferContext& c);            ///< output 0 has input 0's type
Status infer_broadcast(InferContext& c);       ///< output 0: element type of input 0, broadcast shape
Status infer_broadcast_bool(InferContext& c);  ///< the same, boolean

}  // namespace assay::ops
