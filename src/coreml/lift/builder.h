// Builds a graph of the IR from Core ML's operations and layers, inferring types as it goes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "ir/unknown.h"

namespace assay::coreml {

using ir::ValueId;

/// Adds operations of the ONNX vocabulary for one operation or layer of the file after another. The first error is kept
/// and later calls give placeholders, so that lifting functions need not test each step; status() returns it.
class GraphBuilder {
 public:
  explicit GraphBuilder(ir::Graph& g) : graph(g) {}
  ir::Graph& graph;
  ir::Unknown unknown = ir::Unknown::refused;  ///< what becomes of operations and layers that are not read

  /// Who the following operations come from: kind and name as the file has them ("innerProduct", "dense"). Reports
  /// show both (ir::Op::origin, ir::Op::name).
  void begin(std::string kind, std::string name);

  /// One operation of the table with one result, which is inside the layer (ir::Value::inside) until it is made one of
  /// its results; kNoValue stands for absent inputs. "coreml.CropResize" for other
  /// domains. Types are inferred at once, and integer results whose inputs are known become constants.
  ValueId op(std::string_view type, std::vector<ValueId> inputs, std::vector<ir::Attr> attrs = {});
  /// The same with `outputs` results.
  std::vector<ValueId> ops(std::string_view type, std::vector<ValueId> inputs, size_t outputs,
                           std::vector<ir::Attr> attrs = {});

  /// Constants. `parameter` ones were settings of an operation (an epsilon, a bound): storage policies never round
  /// them.
  ValueId weight(ir::Tensor tensor, std::string_view stem = "weight");
  ValueId parameter(ir::Tensor tensor, std::string_view stem = "parameter");
  /// A parameter that the file implies: `n` times a number, in the element type of `like`. Errors: limit_exceeded.
  ValueId filled(double value, int64_t n, ValueId like);
  ValueId ints(const ir::Dims& values);  ///< int64, rank 1
  ValueId integer(int64_t value);        ///< int64, rank 0
  /// A parameter of rank 0 in the element type of `like` (float32, float16 or an integer type).
  ValueId number(double value, ValueId like);

  // Common steps; they return `x` itself when nothing is to be done.
  ValueId cast(ValueId x, ir::ElemType to);
  ValueId reshape(ValueId x, const ir::Dims& dims);  ///< one -1; 0 is a size, not a copy
  ValueId transpose(ValueId x, const ir::Dims& perm);
  ValueId unsqueeze(ValueId x, const ir::Dims& axes);
  ValueId squeeze(ValueId x, const ir::Dims& axes);
  /// int64, as ONNX's shape-like operands want it.
  ValueId as_int64(ValueId x) { return cast(x, ir::ElemType::int64); }

  /// An operation of the file that Assay does not have: one without a row, with a result for each type.
  std::vector<ValueId> unread(const std::vector<ValueId>& inputs, std::vector<ir::Type> results);

  /// Gives a value the name that the file has for it (numbered when another value has it already).
  void name_value(ValueId x, const std::string& name);

  /// The value is a graph output: it gets this name, and whoever has it now another.
  void rename_output(ValueId x, const std::string& name);

  // What is known.
  const ir::Type& type(ValueId x) const { return graph.at(x).type; }
  ir::ElemType elem(ValueId x) const { return graph.at(x).type.elem; }
  int64_t rank(ValueId x) const;               ///< -1 when unknown
  int64_t dim(ValueId x, int64_t axis) const;  ///< -1 when unknown; negative axes count from the end
  const ir::Tensor* constant(ValueId x) const { return graph.at(x).constant.get(); }

  /// Keeps the first error.
  void fail(Error error);
  bool failed() const { return error_.has_value(); }
  Status status() const;

 private:
  std::string kind_, name_;
  std::optional<Error> error_;
};

/// When all is lifted: what others than its layer see is not inside it, also where no layer made it a result (what
/// comes from inputs, what branches return, axes that one layer adds and the next one takes away again).
void settle_insides(ir::Graph& graph);

}  // namespace assay::coreml
