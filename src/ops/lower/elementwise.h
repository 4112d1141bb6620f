// What the lowerings of elementwise operators have in common: which element types compute in which format, and the few
// compositions that several operators need.
#pragma once
#include "ops/lower/simple.h"

namespace assay::ops {

/// Functions of real numbers take floating point alone.
Status mil_takes_floats(const MilContext& c, size_t i = 0);
/// Arithmetic of ML Programs takes floating point and int32 (which int64 is written as).
Status mil_takes_numbers(const MilContext& c, size_t i = 0);
/// Operand `i` for operations that only compare and choose: 8 and 16 bit integers, which those do not take, as int32.
MilValue mil_widened(MilContext& c, size_t i);
/// The operation's result is `value`, cast back where its operands were widened.
Status mil_narrowed(MilContext& c, const MilValue& value);
/// Whether exactly one of two numbers is below zero.
MilValue mil_signs_differ(MilContext& c, const MilValue& a, const MilValue& b);
/// A reduction over one axis that stays, with one element.
MilValue mil_reduced(MilContext& c, std::string_view type, const MilValue& x, int64_t axis);

/// Layers compute in float32. Values declared float16 would have to be rounded in between, and no layer rounds.
Status nn_takes_floats(const NnContext& c, size_t i = 0);
/// And int32, int64, whose values are exact there up to 2^24.
Status nn_takes_numbers(const NnContext& c, size_t i = 0);
/// For layers that only compare and choose: 8 and 16 bit integers and booleans too.
Status nn_takes_comparable(const NnContext& c, size_t i = 0);

/// UnaryFunctionLayerParams.Operation.
enum class NnFunction : uint8_t { sqrt, rsqrt, inverse, power, exp, log, abs, threshold };
mil::Message nn_function_params(NnFunction function);
std::string nn_function(NnContext& c, NnFunction function, const std::string& x);
/// Comparison of a blob with a number: "lessThan", "equal", ...
std::string nn_against(NnContext& c, std::string_view kind, const std::string& x, double number);
std::string nn_where(NnContext& c, const std::string& condition, const std::string& a, const std::string& b);
/// Toward zero, to an integral value.
std::string nn_truncated(NnContext& c, const std::string& x);
/// To the nearest integral value, ties to even. The layer `round` does not say what becomes of ties.
std::string nn_rounded(NnContext& c, const std::string& x);
/// A reduction over one axis that stays, with one element.
std::string nn_reduced(NnContext& c, std::string_view kind, const std::string& x, int64_t axis);

/// The blob under other dimensions with as many elements; no dimensions are one.
std::string nn_reshaped(NnContext& c, const std::string& x, const ir::Dims& dims);

template <Word kType>
Status mil_function(MilContext& c) {
  ASSAY_CHECK(mil_takes_floats(c));
  return mil_unary<kType>(c);
}

template <Word kType>
Status mil_number_function(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  return mil_unary<kType>(c);
}

template <Word kType>
Status mil_arithmetic(MilContext& c) {
  ASSAY_CHECK(mil_takes_numbers(c));
  return mil_binary<kType>(c);
}

/// A layer of one operand, of its own kind.
template <Word kKind>
Status nn_function_layer(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return nn_plain<kKind>(c);
}

/// The layer `unary`.
template <NnFunction kFunction>
Status nn_unary(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return c.layer("unary", {c.in(0)}, nn_function_params(kFunction));
}

template <Word kKind>
Status nn_arithmetic(NnContext& c) {
  ASSAY_CHECK(nn_takes_numbers(c));
  return nn_plain<kKind>(c);
}

template <Word kKind>
Status nn_compare(NnContext& c) {
  ASSAY_CHECK(nn_takes_comparable(c));
  return nn_plain<kKind>(c);
}

/// The layer `activation`, of float32 alone.
template <Word kFunction>
Status nn_float_activation(NnContext& c) {
  ASSAY_CHECK(nn_takes_floats(c));
  return nn_activation<kFunction>(c);
}

}  // namespace assay::ops
