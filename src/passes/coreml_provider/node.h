// What the table's conditions ask of a node.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "passes/coreml_provider.h"

namespace assay::passes::provider {

/// A graph with what the questions need, and the answers so far.
struct Context {
  const ir::Graph& graph;
  const ProviderOptions& options;
  int opset = 1;                             ///< of ai.onnx, as the model imports it
  std::vector<std::vector<size_t>> readers;  ///< of each value: the operations that read it, once for each time
  std::vector<bool> folded;  ///< values that constants alone make: ONNX Runtime computes them beforehand
  std::vector<bool> taken;   ///< operations asked so far, by number
};

/// One node with shorthands for the questions that conditions ask.
class Node {
 public:
  Node(const Context& context, size_t number) : c_(context), op_(context.graph.ops[number]) {}
  const ir::Op& op() const { return op_; }
  const Context& context() const { return c_; }
  bool ml_program() const { return c_.options.ml_program; }
  size_t inputs() const { return op_.inputs.size(); }
  bool has(size_t input) const { return op_.has_input(input); }
  const ir::Type& type(size_t input) const { return c_.graph.at(op_.inputs[input]).type; }
  ir::ElemType elem(size_t input) const { return type(input).elem; }
  size_t rank(size_t input) const { return type(input).ranked() ? type(input).shape->size() : 0; }
  /// -1 where it is not known.
  int64_t dim(size_t input, size_t axis) const { return (*type(input).shape)[axis].value; }
  bool is_static(size_t input) const { return type(input).is_static(); }
  /// Absent inputs count.
  bool constant_or_absent(size_t input) const { return !has(input) || c_.folded[op_.inputs[input]]; }
  bool constant(size_t input) const { return has(input) && c_.folded[op_.inputs[input]]; }
  /// The numbers of a constant; nothing where it is none, or is computed from others.
  std::optional<ir::Dims> ints(size_t input) const;
  std::optional<std::vector<double>> floats(size_t input) const;
  int64_t attr(std::string_view name, int64_t fallback) const { return op_.attr_int(name, fallback); }
  bool attr_is(std::string_view name, std::string_view fallback, std::string_view wanted) const {
    return op_.attr_string(name, fallback) == wanted;
  }
  /// Operations that read the results.
  std::vector<size_t> readers() const;
  /// The operation that writes the input; nothing for inputs of the graph and for what is constant.
  std::optional<size_t> producer(size_t input) const;
  size_t results() const;

 private:
  const Context& c_;
  const ir::Op& op_;
};

/// What a node must be; `needs` completes "takes it only ...".
struct Condition {
  std::string_view needs;
  bool (*holds)(const Node& node);
};

struct Row {
  std::string_view op;
  int since = 1;
  int revised = 0;
  ir::TypeSet network, program;  ///< of input 0; empty: not in this format
  /// Work that is not worth a partition: partitions of such nodes alone are left to the CPU.
  bool trivial = false;
  std::vector<Condition> conditions{};
};
const Row* find_row(const ir::Op& op);
const std::vector<Row>& rows();

}  // namespace assay::passes::provider
