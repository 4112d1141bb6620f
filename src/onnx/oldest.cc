#include "onnx/oldest.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ops/def.h"

namespace assay::onnx {
namespace {

using ir::ElemType;
using ir::type_set;
using ir::TypeSet;

constexpr TypeSet kSingle = type_set(ElemType::float32);
constexpr TypeSet kHalves = type_set(ElemType::float16) | kSingle | type_set(ElemType::float64);
constexpr TypeSet kFloats = kHalves | type_set(ElemType::bfloat16);
constexpr TypeSet kWords = type_set(ElemType::int32) | type_set(ElemType::int64);
constexpr TypeSet kLongWords = kWords | type_set(ElemType::uint32) | type_set(ElemType::uint64);
constexpr TypeSet kInts = kLongWords | type_set(ElemType::int8) | type_set(ElemType::uint8) |
                          type_set(ElemType::int16) | type_set(ElemType::uint16);
constexpr TypeSet kBool = type_set(ElemType::boolean);
constexpr TypeSet kText = type_set(ElemType::string);
constexpr TypeSet kCodes = type_set(ElemType::int8) | type_set(ElemType::uint8);
/// What operator set 13 moves and casts.
constexpr TypeSet kAll = kFloats | kInts | kBool | kText;

/// The rule for windows that hang over the end, and for padding by itself, was worded anew.
bool plain_window(const ir::Op& op) {
  return op.attr_int("ceil_mode", 0) == 0 && op.attr_string("auto_pad", "NOTSET") == "NOTSET";
}
bool no_wrap(const ir::Op& op) { return op.attr_string("mode", "constant") != "wrap"; }

struct Row {
  std::string_view name;
  int from;                                 ///< since when; 13 stands for that and anything before it
  TypeSet types;                            ///< that the version took: of every tensor that is read or written
  std::array<std::string_view, 4> newer{};  ///< attributes that came later
  bool (*when)(const ir::Op&) = nullptr;
  size_t most_inputs = SIZE_MAX;
};

// Of each operator the lowest version first: the first row that holds is taken.
constexpr Row kRows[] = {
    {"Acos", 13, kHalves},
    {"Acosh", 13, kHalves},
    {"Add", 13, kFloats | kLongWords},
    {"Asin", 13, kHalves},
    {"Asinh", 13, kHalves},
    {"Atan", 13, kHalves},
    {"Atanh", 13, kHalves},
    {"AveragePool", 13, kHalves, {"dilations"}, plain_window},
    {"AveragePool", 19, kHalves, {}, plain_window},
    {"Bernoulli", 15, kHalves},
    {"Cast", 13, kAll, {"saturate", "round_mode"}},
    {"Celu", 13, kSingle},
    {"ConstantOfShape", 13, kHalves | kInts | kBool},
    {"Conv", 13, kHalves},
    {"ConvTranspose", 13, kHalves},
    {"Cos", 13, kHalves},
    {"Cosh", 13, kHalves},
    {"DeformConv", 19, kHalves},
    {"DequantizeLinear", 13, kSingle | kCodes | type_set(ElemType::int32), {"block_size", "output_dtype"}},
    {"Det", 13, kHalves},
    {"Div", 13, kFloats | kLongWords},
    {"Dropout", 13, kHalves | kBool},
    {"Elu", 13, kHalves},
    {"Equal", 13, kFloats | kInts | kBool},
    {"EyeLike", 13, kHalves | kInts | kBool},
    {"Flatten", 13, kAll},
    {"GRU", 14, kHalves | type_set(ElemType::int32)},
    {"GlobalAveragePool", 13, kHalves},
    {"GlobalLpPool", 13, kHalves},
    {"GlobalMaxPool", 13, kHalves},
    {"GreaterOrEqual", 13, kHalves | kInts | kBool},
    {"GridSample", 20, kHalves},
    {"HardSigmoid", 13, kHalves},
    {"HardSwish", 14, kHalves},
    {"Identity", 13, kAll},
    {"If", 13, kHalves | kInts | kBool | kText},
    {"InstanceNormalization", 13, kHalves},
    {"IsInf", 13, kSingle | type_set(ElemType::float64) | kBool},
    {"IsNaN", 13, kFloats | kBool},
    {"LSTM", 14, kHalves | type_set(ElemType::int32)},
    {"LeakyRelu", 13, kHalves},
    {"LessOrEqual", 13, kHalves | kInts | kBool},
    {"Loop", 16, kAll},
    {"LpNormalization", 13, kHalves},
    {"LpPool", 18, kHalves, {}, plain_window},
    {"MaxPool", 13, kHalves | type_set(ElemType::int64), {}, plain_window},
    {"MaxRoiPool", 13, kHalves},
    {"MaxUnpool", 13, kHalves | type_set(ElemType::int64)},
    {"Mish", 18, kHalves},
    {"Mul", 13, kFloats | kLongWords},
    {"Multinomial", 13, kHalves | kWords},
    {"NegativeLogLikelihoodLoss", 13, kHalves | kWords},
    {"PRelu", 13, kHalves},
    {"Pad", 13, kAll, {}, no_wrap, 3},
    {"Pad", 18, kAll, {}, no_wrap},
    {"Pad", 19, kAll},
    {"Pow", 13, kHalves | kWords},
    {"QuantizeLinear", 13, kSingle | kCodes, {"saturate", "block_size", "output_dtype", "precision"}},
    {"RNN", 14, kHalves | type_set(ElemType::int32)},
    {"RandomNormal", 13, kHalves},
    {"RandomNormalLike", 13, kHalves},
    {"RandomUniform", 13, kHalves},
    {"RandomUniformLike", 13, kHalves},
    {"Range", 13, kSingle | type_set(ElemType::float64) | kWords, {"stash_type"}},
    {"ReduceMax", 18, kFloats | kLongWords},
    {"ReduceMin", 18, kFloats | kLongWords},
    {"Relu", 13, kFloats},
    {"Reshape", 13, kAll, {"allowzero"}},
    {"Reshape", 14, kAll},
    {"RoiAlign", 16, kHalves | type_set(ElemType::int64)},
    {"Round", 13, kHalves},
    {"Scan", 16, kAll},
    {"ScatterElements", 13, kAll, {"reduction"}},
    {"ScatterND", 13, kAll, {"reduction"}},
    {"Selu", 13, kHalves},
    {"Shape", 13, kAll, {"start", "end"}},
    {"Shape", 15, kAll},
    {"Sin", 13, kHalves},
    {"Sinh", 13, kHalves},
    {"Size", 13, kAll},
    {"Softplus", 13, kHalves},
    {"Softsign", 13, kHalves},
    {"Squeeze", 13, kAll},
    {"Sub", 13, kFloats | kLongWords},
    {"Tan", 13, kHalves},
    {"ThresholdedRelu", 13, kHalves},
    {"TopK", 13, kHalves | kInts},
    {"Transpose", 13, kAll},
    {"Unsqueeze", 13, kAll},
    {"Where", 13, kHalves | kInts | kBool | kText},
};

/// A type that is not known, and what is no tensor, is none of the set.
bool within(const ir::Graph& graph, std::span<const ir::ValueId> values, TypeSet types) {
  return std::ranges::all_of(values, [&](ir::ValueId v) {
    return v == ir::kNoValue || (graph.at(v).type.is_tensor() && types.has(graph.at(v).type.elem));
  });
}

bool holds(const ir::Graph& graph, const ir::Op& op, const Row& row) {
  const auto said = [&](std::string_view attr) { return !attr.empty() && op.has_attr(attr); };
  return op.inputs.size() <= row.most_inputs && (row.when == nullptr || row.when(op)) &&
         std::ranges::none_of(row.newer, said) && within(graph, op.inputs, row.types) &&
         within(graph, op.outputs, row.types);
}

}  // namespace

int oldest_version(const ir::Graph& graph, const ir::Op& op) {
  if (op.def == nullptr) return 1;
  if (!op.domain.empty()) return op.def->since;
  for (const Row& row : kRows)
    if (row.name == op.type && holds(graph, op, row)) return std::min(row.from, op.def->since);
  return op.def->since;
}

}  // namespace assay::onnx
