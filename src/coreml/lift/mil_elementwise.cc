// Elementwise operators of one and of two operands.
#include "coreml/lift/mil_operands.h"
#include "coreml/lift/mil_tables.h"
#include "mil/type.h"
#include "ops/lower/simple.h"

namespace assay::coreml {
namespace {

using ops::Word;

template <Word kType>
void lift_unary(MilLift& c) {
  c.result(c.op(kType.view(), {c.in("x")}));
}
template <Word kType>
void lift_binary(MilLift& c) {
  c.result(c.op(kType.view(), {c.in("x"), c.in("y")}));
}

void lift_not_equal(MilLift& c) { c.result(c.op("Not", {c.op("Equal", {c.in("x"), c.in("y")})})); }

/// Of integers the quotient is cut to an integer where the result is declared one.
void lift_real_div(MilLift& c) {
  ValueId x = c.in("x"), y = c.in("y");
  if (ir::is_integer(c.elem(x)) && ir::is_float(c.result_elem()))
    x = c.cast(x, c.result_elem()), y = c.cast(y, c.result_elem());
  c.result(c.op("Div", {x, y}));
}

/// The remainder has the divisor's sign. ONNX's Mod says that of integers alone.
void lift_mod(MilLift& c) {
  const ValueId x = c.in("x"), y = c.in("y");
  c.result(ir::is_float(c.elem(x)) ? c.op("coreml.Mod", {x, y}) : c.op("Mod", {x, y}, {{"fmod", int64_t{0}}}));
}

void lift_clip(MilLift& c) {
  const ValueId x = c.in("x");
  c.result(c.op("Clip", {x, c.number(c.number("alpha", 0), x), c.number(c.number("beta", 0), x)}));
}

void lift_threshold(MilLift& c) {
  const ValueId x = c.in("x");
  c.result(c.op("Max", {x, c.number(c.number("alpha", 0), x)}));
}

void lift_exp2(MilLift& c) {
  const ValueId x = c.in("x");
  c.result(c.op("Pow", {c.number(2.0, x), x}));
}

void lift_square(MilLift& c) {
  const ValueId x = c.in("x");
  c.result(c.op("Mul", {x, x}));
}

/// A function of x + epsilon. An epsilon of zero adds nothing: `plain`, where there is one, is the same function of x.
void lift_shifted(MilLift& c, std::string_view with_epsilon, std::string_view plain, double fallback) {
  const ValueId x = c.in("x");
  const auto epsilon = static_cast<float>(c.number("epsilon", fallback));
  if (epsilon == 0 && !plain.empty()) return c.result(c.op(plain, {x}));
  c.result(c.op(with_epsilon, {x}, {{"epsilon", epsilon}}));
}
void lift_inverse(MilLift& c) { lift_shifted(c, "coreml.Inverse", "Reciprocal", 1e-4); }
void lift_log(MilLift& c) { lift_shifted(c, "coreml.Log", "Log", 1e-45); }
void lift_rsqrt(MilLift& c) { lift_shifted(c, "coreml.Rsqrt", "", 1e-12); }

void lift_cast(MilLift& c) {
  const std::string word = c.text("dtype", "");
  if (mil::data_type_named(word) == nullptr || c.result_elem() == ir::ElemType::undefined)
    return c.bad("unknown dtype '" + word + "'");
  const ValueId x = c.in("x");
  const bool same = c.elem(x) == c.result_elem();
  c.result(same ? c.op("Identity", {x}) : c.cast(x, c.result_elem()));
}

constexpr MilRow kRows[] = {
    {"abs", lift_unary<"Abs">},
    {"acos", lift_unary<"Acos">},
    {"add", lift_binary<"Add">},
    {"asin", lift_unary<"Asin">},
    {"atan", lift_unary<"Atan">},
    {"atanh", lift_unary<"Atanh">},
    {"cast", lift_cast},
    {"ceil", lift_unary<"Ceil">},
    {"clip", lift_clip},
    {"cos", lift_unary<"Cos">},
    {"cosh", lift_unary<"Cosh">},
    {"equal", lift_binary<"Equal">},
    {"erf", lift_unary<"Erf">},
    {"exp", lift_unary<"Exp">},
    {"exp2", lift_exp2},
    {"floor", lift_unary<"Floor">},
    {"floor_div", lift_binary<"coreml.FloorDiv">},
    {"greater", lift_binary<"Greater">},
    {"greater_equal", lift_binary<"GreaterOrEqual">},
    {"inverse", lift_inverse},
    {"less", lift_binary<"Less">},
    {"less_equal", lift_binary<"LessOrEqual">},
    {"log", lift_log},
    {"logical_and", lift_binary<"And">},
    {"logical_not", lift_unary<"Not">},
    {"logical_or", lift_binary<"Or">},
    {"logical_xor", lift_binary<"Xor">},
    {"maximum", lift_binary<"Max">},
    {"minimum", lift_binary<"Min">},
    {"mod", lift_mod},
    {"mul", lift_binary<"Mul">},
    {"not_equal", lift_not_equal},
    {"pow", lift_binary<"Pow">},
    {"real_div", lift_real_div},
    {"round", lift_unary<"Round">},
    {"rsqrt", lift_rsqrt},
    {"sign", lift_unary<"Sign">},
    {"sin", lift_unary<"Sin">},
    {"sinh", lift_unary<"Sinh">},
    {"sqrt", lift_unary<"Sqrt">},
    {"square", lift_square},
    {"sub", lift_binary<"Sub">},
    {"tan", lift_unary<"Tan">},
    {"tanh", lift_unary<"Tanh">},
    {"threshold", lift_threshold},
};

}  // namespace

std::span<const MilRow> mil_elementwise_rows() { return kRows; }

}  // namespace assay::coreml
