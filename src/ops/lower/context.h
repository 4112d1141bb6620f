// What lowerings to both formats see of an operation.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "ir/graph.h"

namespace assay::ops {

class LowerContext {
 public:
  LowerContext(const ir::Graph& g, const ir::Op& o) : graph(g), op(o) {}

  const ir::Graph& graph;
  const ir::Op& op;

  size_t input_count() const { return op.inputs.size(); }
  bool has(size_t i) const { return op.has_input(i); }
  /// The operand's value when it is known now; else null.
  const ir::Tensor* constant(size_t i) const { return has(i) ? graph.at(op.inputs[i]).constant.get() : nullptr; }
  const ir::Type& type(size_t i) const { return graph.at(op.inputs[i]).type; }
  ir::ElemType elem(size_t i) const { return type(i).elem; }
  int64_t rank(size_t i) const { return type(i).ranked() ? static_cast<int64_t>(type(i).shape->size()) : -1; }
  bool is_static(size_t i) const { return type(i).is_static(); }
  /// Size along an axis (negative ones count from the end); -1 when unknown.
  int64_t dim(size_t i, int64_t axis) const {
    const int64_t r = rank(i);
    if (axis < 0) axis += r;
    return axis < 0 || axis >= r ? -1 : (*type(i).shape)[static_cast<size_t>(axis)].value;
  }
  const ir::Type& out_type(size_t i = 0) const { return graph.at(op.outputs[i]).type; }
  bool wants(size_t i) const { return i < op.outputs.size() && op.outputs[i] != ir::kNoValue; }

  /// not_convertible with the reason ("ceil_mode with dilations has no counterpart"); the driver collects them all.
  Error refuse(std::string reason) const { return Error{Code::not_convertible, std::move(reason), graph.describe(op)}; }
  /// Whether a constant of so many elements, which no data of the model stands for, may be made: a few numbers of a
  /// file must not ask for all memory.
  Status makes(int64_t elements) const {
    constexpr int64_t kMost = 1 << 24;
    if (elements >= 0 && elements <= kMost) return {};
    return refuse("it would need a constant of " + std::to_string(elements) + " elements, of which the model has none");
  }
  /// What went wrong with an operand; placeholders stood in for it since.
  Status status() const { return failed_ ? Status(*failed_) : Status(); }

 protected:
  /// Keeps the first reason.
  void remember(std::string reason) {
    if (!failed_) failed_ = refuse(std::move(reason));
  }
  bool failed() const { return failed_.has_value(); }

 private:
  std::optional<Error> failed_;
};

}  // namespace assay::ops
