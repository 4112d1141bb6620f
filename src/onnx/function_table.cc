// Core ML's operators in ONNX's own, step by step as the kernels in src/ops/coreml_*.cc compute them.
#include <limits>

#include "onnx/functions.h"
#include "ops/def.h"

namespace assay::onnx {
namespace {
using Kind = Setting::Kind;

/// A constant: the attribute of this name, or a number.
constexpr Step attribute(std::string_view name) { return {"Constant", "", name, {"value_float", Kind::real, 0, name}}; }
constexpr Step number(std::string_view name, double value) {
  return {"Constant", "", name, {"value_float", Kind::real, value}};
}
constexpr Step integer(std::string_view name, double value) {
  return {"Constant", "", name, {"value_int", Kind::integer, value}};
}

constexpr Setting kAlpha[] = {{"alpha", Kind::real, 1}};
constexpr Setting kAlphaBeta[] = {{"alpha", Kind::real, 1}, {"beta", Kind::real, 0}};
constexpr Setting kEpsilon[] = {{"epsilon", Kind::real, 0}};
constexpr Setting kAxisEpsilon[] = {{"axis", Kind::integer, -3}, {"epsilon", Kind::real, 0}};

constexpr FunctionInput kX[] = {{"x", ops::kFloats}};
constexpr FunctionInput kXY[] = {{"x", ops::kFloats}, {"y", ops::kFloats}};
constexpr FunctionInput kIntegers[] = {{"x", ops::kIndices}, {"y", ops::kIndices}};
constexpr FunctionInput kParametric[] = {{"x", ops::kFloats}, {"alpha", ops::kFloats}, {"beta", ops::kFloats}};
constexpr FunctionInput kAttention[] = {{"query", ops::kFloats}, {"key", ops::kFloats}, {"value", ops::kFloats}};
constexpr FunctionInput kAttentionMask[] = {
    {"query", ops::kFloats}, {"key", ops::kFloats}, {"value", ops::kFloats}, {"mask", ops::kFloats}};
constexpr FunctionInput kAttentionTruth[] = {
    {"query", ops::kFloats}, {"key", ops::kFloats}, {"value", ops::kFloats}, {"mask", ops::kBool}};

constexpr Step kClampedRelu[] = {attribute("alpha"),
                                 attribute("beta"),
                                 number("zero", 0),
                                 {"Mul", "x alpha", "scaled"},
                                 {"Less", "x zero", "negative"},
                                 {"Where", "negative scaled x", "leaky"},
                                 {"Min", "leaky beta", "result"}};
constexpr Step kInverse[] = {
    attribute("epsilon"), number("one", 1), {"Add", "x epsilon", "sum"}, {"Div", "one sum", "result"}};
constexpr Step kLinear[] = {
    attribute("alpha"), attribute("beta"), {"Mul", "x alpha", "scaled"}, {"Add", "scaled beta", "result"}};
constexpr Step kLog[] = {attribute("epsilon"), {"Add", "x epsilon", "sum"}, {"Log", "sum", "result"}};
constexpr Step kRsqrt[] = {attribute("epsilon"),
                           number("one", 1),
                           {"Add", "x epsilon", "sum"},
                           {"Sqrt", "sum", "root"},
                           {"Div", "one root", "result"}};
constexpr Step kScaledTanh[] = {attribute("alpha"),
                                attribute("beta"),
                                {"Mul", "x beta", "scaled"},
                                {"Tanh", "scaled", "tanh"},
                                {"Mul", "tanh alpha", "result"}};
constexpr Step kThresholdedRelu[] = {
    attribute("alpha"), number("zero", 0), {"Less", "x alpha", "below"}, {"Where", "below zero x", "result"}};
constexpr Step kSoftplus[] = {number("one", 1),
                              number("zero", 0),
                              {"Abs", "x", "size"},
                              {"Neg", "size", "negative"},
                              {"Exp", "negative", "power"},
                              {"Add", "power one", "sum"},
                              {"Log", "sum", "log"},
                              {"Max", "x zero", "positive"},
                              {"Add", "log positive", "result"}};
constexpr Step kParametricSoftplus[] = {number("one", 1),
                                        number("zero", 0),
                                        {"Mul", "x beta", "scaled"},
                                        {"Abs", "scaled", "size"},
                                        {"Neg", "size", "negative"},
                                        {"Exp", "negative", "power"},
                                        {"Add", "power one", "sum"},
                                        {"Log", "sum", "log"},
                                        {"Max", "scaled zero", "positive"},
                                        {"Add", "log positive", "softplus"},
                                        {"Mul", "alpha softplus", "result"}};
/// The remainder that has x's sign becomes one that has y's.
constexpr Step kMod[] = {number("zero", 0),
                         number("minus_zero", -0.0),
                         {"Mod", "x y", "rest", {"fmod", Kind::integer, 1}},
                         {"Equal", "rest zero", "none"},
                         {"Not", "none", "some"},
                         {"Less", "rest zero", "rest_negative"},
                         {"Less", "y zero", "y_negative"},
                         {"Xor", "rest_negative y_negative", "apart"},
                         {"And", "some apart", "differs"},
                         {"Add", "rest y", "moved"},
                         {"Where", "y_negative minus_zero zero", "signed_zero"},
                         {"Where", "none signed_zero rest", "kept"},
                         {"Where", "differs moved kept", "result"}};
constexpr Step kFloorDiv[] = {number("zero", 0),
                              number("half", 0.5),
                              number("one", 1),
                              {"Mod", "x y", "rest", {"fmod", Kind::integer, 1}},
                              {"Equal", "rest zero", "none"},
                              {"Not", "none", "some"},
                              {"Less", "rest zero", "rest_negative"},
                              {"Less", "y zero", "y_negative"},
                              {"Xor", "rest_negative y_negative", "apart"},
                              {"And", "some apart", "differs"},
                              {"Sub", "x rest", "whole"},
                              {"Div", "whole y", "towards_zero"},
                              {"Sub", "towards_zero one", "lower"},
                              {"Where", "differs lower towards_zero", "quotient"},
                              {"Floor", "quotient", "floor"},
                              {"Sub", "quotient floor", "above"},
                              {"Greater", "above half", "nearer_up"},
                              {"Add", "floor one", "up"},
                              {"Where", "nearer_up up floor", "rounded"},
                              {"Equal", "quotient zero", "is_zero"},
                              {"Where", "is_zero zero rounded", "finite"},
                              {"Equal", "y zero", "by_zero"},
                              {"Div", "x y", "plain"},
                              {"Where", "by_zero plain finite", "result"}};
/// x / -1 wraps for the lowest x; a division would trap there.
constexpr Step kFloorDivIntegers[] = {integer("zero", 0),
                                      integer("one", 1),
                                      integer("minus_one", -1),
                                      {"Equal", "y minus_one", "negates"},
                                      {"Where", "negates one y", "divisor"},
                                      {"Div", "x divisor", "towards_zero"},
                                      {"Mul", "towards_zero divisor", "whole"},
                                      {"Sub", "x whole", "rest"},
                                      {"Equal", "rest zero", "none"},
                                      {"Not", "none", "some"},
                                      {"Less", "rest zero", "rest_negative"},
                                      {"Less", "divisor zero", "divisor_negative"},
                                      {"Xor", "rest_negative divisor_negative", "apart"},
                                      {"And", "some apart", "differs"},
                                      {"Sub", "towards_zero one", "lower"},
                                      {"Where", "differs lower towards_zero", "floor"},
                                      {"Sub", "zero x", "negated"},
                                      {"Where", "negates negated floor", "result"}};
/// All axes from `axis` on are one row.
constexpr Step kL2Normalization[] = {attribute("epsilon"),
                                     {"Constant", "", "row", {"value_ints", Kind::integers, 1}},
                                     {"Flatten", "x", "rows", {"axis", Kind::integer, 0, "axis"}},
                                     {"ReduceSumSquare", "rows row", "squares"},
                                     {"Add", "squares epsilon", "sum"},
                                     {"Sqrt", "sum", "root"},
                                     {"Div", "rows root", "divided"},
                                     {"Shape", "x", "shape"},
                                     {"Reshape", "divided shape", "result"}};

constexpr Setting kScores = {"equation", Kind::text, 0, "...ie,...je->...ij"};
constexpr Setting kLastAxis = {"axis", Kind::integer, -1};
constexpr Step kAttend[] = {
    {"Einsum", "query key", "products", kScores}, {"Shape", "query", "width", {"start", Kind::integer, -1}},
    {"CastLike", "width products", "number"},     {"Sqrt", "number", "root"},
    {"Div", "products root", "scores"},           {"Softmax", "scores", "shares", kLastAxis},
    {"MatMul", "shares value", "result"}};
constexpr Step kAttendAdding[] = {
    {"Einsum", "query key", "products", kScores}, {"Shape", "query", "width", {"start", Kind::integer, -1}},
    {"CastLike", "width products", "number"},     {"Sqrt", "number", "root"},
    {"Div", "products root", "scores"},           {"Add", "scores mask", "masked"},
    {"Softmax", "masked", "shares", kLastAxis},   {"MatMul", "shares value", "result"}};
constexpr Step kAttendWhere[] = {number("lowest", -std::numeric_limits<double>::infinity()),
                                 {"Einsum", "query key", "products", kScores},
                                 {"Shape", "query", "width", {"start", Kind::integer, -1}},
                                 {"CastLike", "width products", "number"},
                                 {"Sqrt", "number", "root"},
                                 {"Div", "products root", "scores"},
                                 {"Where", "mask scores lowest", "masked"},
                                 {"Softmax", "masked", "shares", kLastAxis},
                                 {"MatMul", "shares value", "result"}};

constexpr FunctionRow kRows[] = {
    {"ClampedRelu", "", kX, "result", kAlphaBeta, kClampedRelu},
    {"FloorDiv", "", kXY, "result", {}, kFloorDiv},
    {"FloorDiv", "", kIntegers, "result", {}, kFloorDivIntegers},
    {"Inverse", "", kX, "result", kEpsilon, kInverse},
    {"L2Normalization", "", kX, "result", kAxisEpsilon, kL2Normalization},
    {"LinearActivation", "", kX, "result", kAlphaBeta, kLinear},
    {"Log", "", kX, "result", kEpsilon, kLog},
    {"Mod", "", kXY, "result", {}, kMod},
    {"ParametricSoftplus", "", kParametric, "result", {}, kParametricSoftplus},
    {"Rsqrt", "", kX, "result", kEpsilon, kRsqrt},
    {"ScaledTanh", "", kX, "result", kAlphaBeta, kScaledTanh},
    {"ScaledDotProductAttention", "", kAttention, "result", {}, kAttend},
    {"ScaledDotProductAttention", "mask", kAttentionMask, "result", {}, kAttendAdding},
    {"ScaledDotProductAttention", "boolean_mask", kAttentionTruth, "result", {}, kAttendWhere},
    {"Softplus", "", kX, "result", {}, kSoftplus},
    {"ThresholdedRelu", "", kX, "result", kAlpha, kThresholdedRelu},
};

}  // namespace

std::span<const FunctionRow> function_rows() { return kRows; }

}  // namespace assay::onnx
