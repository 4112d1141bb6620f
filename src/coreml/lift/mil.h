// ML Programs to the IR: one function per operation, in tables by family (lift/mil_*.cc).
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "coreml/lift/builder.h"
#include "mil/program.h"

namespace assay::coreml {

/// Names that operations of a block see: those of the block itself and of the enclosing ones.
class MilScope;

/// What a lifting function sees: one operation, its parameters by name, and the graph to add to.
class MilLift : public GraphBuilder {
 public:
  MilLift(ir::Graph& graph, MilScope& scope, int version);
  /// Of a block inside `outer`'s: its version, and the constants that are no tensors.
  MilLift(ir::Graph& graph, MilScope& scope, const MilLift& outer);

  const mil::Operation* operation = nullptr;
  bool narrows = false;  ///< its float32 results are rounded to float16 where it declares so
  /// The driver: the following calls are about this operation.
  void start(const mil::Operation& op);
  /// Specification version of the function's operator set (6: iOS15 ... 9: iOS18).
  int version() const { return version_; }

  // Parameters.
  using GraphBuilder::integer;
  using GraphBuilder::number;
  bool has(std::string_view parameter) const;
  size_t count(std::string_view parameter) const;  ///< bindings of a variadic parameter
  /// The value bound to a parameter; kNoValue and a kept error when it is missing.
  ValueId in(std::string_view parameter, size_t binding = 0);
  ValueId optional_in(std::string_view parameter) { return has(parameter) ? in(parameter) : ir::kNoValue; }
  std::vector<ValueId> all(std::string_view parameter);
  // Of parameters that are constants; an error is kept when they are not.
  int64_t integer(std::string_view parameter, int64_t fallback);
  ir::Dims integers(std::string_view parameter, ir::Dims fallback = {});
  double number(std::string_view parameter, double fallback);
  bool flag(std::string_view parameter, bool fallback);
  std::vector<bool> flags(std::string_view parameter);
  std::string text(std::string_view parameter, std::string_view fallback);

  // Results.
  size_t result_count() const { return operation->outputs.size(); }
  const mil::Type& result_type(size_t i = 0) const { return operation->outputs[i].type; }
  ir::ElemType result_elem(size_t i = 0) const;
  /// The operation's result `i` is `value`: it gets the result's name, and a Cast where the declared element type is
  /// another integer type than the IR's (int32 for int64). A declared type that contradicts is an error. Lists and
  /// dictionaries of tensors are tensors of what they hold.
  void result(ValueId value, size_t i = 0);
  /// The operation's result is a constant that is no tensor (a list or dictionary of literals): kept by name for the
  /// operations that take such.
  void define_other(const mil::Value& value);
  /// The same of result `i`, a value that the lift made.
  void define_owned(mil::Value value, size_t i);
  const mil::Value* other(std::string_view parameter) const;  ///< null when the parameter is no such constant

  /// An error about this operation: model_invalid (or op_unsupported with unsupported()).
  void bad(std::string message);
  void unsupported(std::string message);

  /// Lifts a block into this graph: its inputs are these values; gives its outputs.
  std::vector<ValueId> block(const mil::Block& block, const std::vector<ValueId>& inputs);

  MilScope& scope() { return scope_; }

 private:
  ValueId literal(const mil::Value& value, std::string_view parameter);
  const ir::Tensor* setting(std::string_view parameter);
  void refine(ValueId value, const mil::Type& declared);
  void define(ValueId value, const std::string& name);

  MilScope& scope_;
  int version_;
  const MilLift* outer_ = nullptr;
  ir::OpId first_op_ = 0;
  std::map<std::string, const mil::Value*> others_;
  std::vector<std::shared_ptr<const mil::Value>> owned_;
};

struct MilRow {
  std::string_view type;  ///< "conv"
  void (*lift)(MilLift& c);
  int since = 6;                  ///< first specification version that has it
  std::string_view refusal = {};  ///< why it is known but not read; `lift` gives the error
};
/// Every operation that is known, sorted by type.
std::vector<const MilRow*> mil_rows();

/// A constant of the file as a tensor: a view where the layout is ONNX's.
Result<ir::Tensor> tensor_of(const mil::Value& value);
/// An ML Program type as an IR type; unknown dimensions stay unknown. Errors: type_unsupported.
Result<ir::Type> ir_type(const mil::Type& type);

}  // namespace assay::coreml
