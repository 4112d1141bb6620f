// Functions of one blob, and of several blobs element by element.
#include "coreml/lift/nn_axes.h"
#include "coreml/lift/nn_tables.h"

namespace assay::coreml {
namespace {

/// A layer without parameters that is one ONNX operator over all its inputs.
void lift_same(NnLift& c) { c.result(c.op(c.row->op, c.all())); }

/// f(scale x + shift)
void lift_unary(NnLift& c) {
  enum : int64_t { kSqrt, kRsqrt, kInverse, kPower, kExp, kLog, kAbs, kThreshold };
  const mil::Message& p = c.params();
  const double scale = unless_zero(p.number("scale"), 1), shift = p.number("shift"), alpha = p.number("alpha");
  const auto epsilon = static_cast<float>(unless_zero(p.number("epsilon"), 1e-6));
  ValueId x = c.in(0);
  const bool shifted_log = p.integer("type") == kLog && scale == 1;  // one operation does both
  if ((scale != 1 || shift != 0) && !shifted_log)
    x = c.op("coreml.LinearActivation", {x},
             {{"alpha", static_cast<float>(scale)}, {"beta", static_cast<float>(shift)}});
  switch (p.integer("type")) {
    case kSqrt:
      return c.result(c.op("Sqrt", {x}));
    case kRsqrt:
      return c.result(c.op("coreml.Rsqrt", {x}, {{"epsilon", epsilon}}));
    case kInverse:
      return c.result(c.op("coreml.Inverse", {x}, {{"epsilon", epsilon}}));
    case kPower:
      return c.result(with_number(c, "Pow", x, alpha));
    case kExp:
      return c.result(c.op("Exp", {x}));
    case kLog:
      if (!shifted_log || shift == 0) return c.result(c.op("Log", {x}));
      return c.result(c.op("coreml.Log", {x}, {{"epsilon", static_cast<float>(shift)}}));
    case kAbs:
      return c.result(c.op("Abs", {x}));
    case kThreshold:
      return c.result(with_number(c, "Max", x, alpha));
    default:
      return c.bad("function " + std::to_string(p.integer("type")));
  }
}

void lift_exp2(NnLift& c) {
  const ValueId x = c.in(0);
  c.result(c.op("Pow", {c.number(2, x), x}));
}

/// One input and the parameter alpha, or the inputs alone. `many` adds up any number of them in one operation.
void with_alpha(NnLift& c, std::string_view op, std::string_view many) {
  if (c.input_count() == 1) return c.result(with_number(c, op, c.in(0), c.params().number("alpha")));
  const std::vector<ValueId> inputs = c.all();
  if (inputs.size() > 2 && !many.empty()) return c.result(c.op(many, inputs));
  ValueId y = c.in(0);
  for (size_t i = 1; i < inputs.size(); ++i) y = c.op(op, {y, inputs[i]});
  c.result(y);
}
void lift_add(NnLift& c) { with_alpha(c, "Add", "Sum"); }
void lift_multiply(NnLift& c) { with_alpha(c, "Mul", ""); }
void lift_compare(NnLift& c) { with_alpha(c, c.row->op, ""); }
void lift_not_equal(NnLift& c) {
  const ValueId x = c.in(0);
  const ValueId y = c.input_count() == 1 ? c.number(c.params().number("alpha"), x) : c.in(1);
  c.result(c.op("Not", {c.op("Equal", {x, y})}));
}

void lift_logical(NnLift& c) {
  std::vector<ValueId> inputs = c.all();
  for (ValueId& x : inputs) x = c.truth(x);
  c.result(c.op(c.row->op, inputs));
}

void lift_where(NnLift& c) { c.result(c.op("Where", {c.truth(c.in(0)), c.in(1), c.in(2)})); }

/// Shapes of scale and bias: [1], [C], [1, H, W] or [C, H, W].
ValueId broadcast_weights(NnLift& c, std::string_view field, std::string_view shape) {
  ir::Dims dims = unless_empty(c.params().integers(shape), {1});
  if (dims.size() == 1 && dims[0] != 1) dims = {dims[0], 1, 1};
  return c.weights(field, dims);
}

void lift_scale(NnLift& c) {
  rank_of(c, c.in(0), 3);
  const ValueId y = c.op("Mul", {c.in(0), broadcast_weights(c, "scale", "shapeScale")});
  if (c.params().integer("hasBias") == 0) return c.result(y);
  c.result(c.op("Add", {y, broadcast_weights(c, "bias", "shapeBias")}));
}

void lift_bias(NnLift& c) {
  rank_of(c, c.in(0), 3);
  c.result(c.op("Add", {c.in(0), broadcast_weights(c, "bias", "shape")}));
}

constexpr NnRow kRows[] = {
    {"acos", lift_same, "Acos"},
    {"acosh", lift_same, "Acosh"},
    {"add", lift_add},
    {"addBroadcastable", lift_same, "Add"},
    {"asin", lift_same, "Asin"},
    {"asinh", lift_same, "Asinh"},
    {"atan", lift_same, "Atan"},
    {"atanh", lift_same, "Atanh"},
    {"average", lift_same, "Mean"},
    {"bias", lift_bias},
    {"ceil", lift_same, "Ceil"},
    {"cos", lift_same, "Cos"},
    {"cosh", lift_same, "Cosh"},
    {"divideBroadcastable", lift_same, "Div"},
    {"equal", lift_compare, "Equal"},
    {"erf", lift_same, "Erf"},
    {"exp2", lift_exp2},
    {"floor", lift_same, "Floor"},
    {"floorDivBroadcastable", lift_same, "coreml.FloorDiv"},
    {"greaterEqual", lift_compare, "GreaterOrEqual"},
    {"greaterThan", lift_compare, "Greater"},
    {"lessEqual", lift_compare, "LessOrEqual"},
    {"lessThan", lift_compare, "Less"},
    {"logicalAnd", lift_logical, "And"},
    {"logicalNot", lift_logical, "Not"},
    {"logicalOr", lift_logical, "Or"},
    {"logicalXor", lift_logical, "Xor"},
    {"max", lift_same, "Max"},
    {"maxBroadcastable", lift_same, "Max"},
    {"min", lift_same, "Min"},
    {"minBroadcastable", lift_same, "Min"},
    {"modBroadcastable", lift_same, "coreml.Mod"},
    {"multiply", lift_multiply},
    {"multiplyBroadcastable", lift_same, "Mul"},
    {"notEqual", lift_not_equal},
    {"powBroadcastable", lift_same, "Pow"},
    {"round", lift_same, "Round"},
    {"scale", lift_scale},
    {"sign", lift_same, "Sign"},
    {"sin", lift_same, "Sin"},
    {"sinh", lift_same, "Sinh"},
    {"subtractBroadcastable", lift_same, "Sub"},
    {"tan", lift_same, "Tan"},
    {"tanh", lift_same, "Tanh"},
    {"unary", lift_unary},
    {"whereBroadcastable", lift_where},
};

}  // namespace

std::span<const NnRow> nn_elementwise_rows() { return kRows; }

}  // namespace assay::coreml
