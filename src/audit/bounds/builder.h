// Writes the operations of an error analysis: plain float64 arithmetic on centres and radii.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace assay::audit {

class Builder {
 public:
  ir::Graph graph;

  /// A value of float64 computed by an operator of ai.onnx.
  ir::ValueId op(const char* type, std::vector<ir::ValueId> inputs, std::vector<ir::Attr> attrs = {});
  /// `like` on other inputs, with one float64 result for each of its outputs.
  std::vector<ir::ValueId> clone(const ir::Op& like, std::vector<ir::ValueId> inputs);
  ir::ValueId constant(double value);
  ir::ValueId constant(const ir::Dims& ints);
  ir::ValueId constant(ir::Tensor float64);

  // x * factor; x + y; and so on. kNoValue stands for 0 where it is a radius.
  ir::ValueId times(ir::ValueId x, double factor);
  ir::ValueId plus(ir::ValueId x, double term);
  ir::ValueId add(ir::ValueId x, ir::ValueId y);  ///< of radii: either may be kNoValue
  ir::ValueId sub(ir::ValueId x, ir::ValueId y);
  ir::ValueId mul(ir::ValueId x, ir::ValueId y) { return op("Mul", {x, y}); }
  ir::ValueId abs(ir::ValueId x) { return op("Abs", {x}); }
  ir::ValueId max(ir::ValueId x, ir::ValueId y) { return op("Max", {x, y}); }
  /// `radius`, or infinity where `x` is not less than `limit` (NaN stays what `radius` is).
  ir::ValueId unless_over(ir::ValueId x, double limit, ir::ValueId radius);
  /// `radius`, or infinity where `x` is not more than 0.
  ir::ValueId where_positive(ir::ValueId x, ir::ValueId radius);
  ir::ValueId to_float64(ir::ValueId x);
};

}  // namespace assay::audit
