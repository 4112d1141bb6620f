// Which operators the provider has a builder for, from which operator set on, for which format and types, and on what
// conditions. As of ONNX Runtime's sources of mid 2026 (docs/coreml-provider.md names them).
#include "ops/def.h"
#include "passes/coreml_provider/conditions.h"

namespace assay::passes::provider {
namespace {

using ir::ElemType;
using ir::TypeSet;

constexpr TypeSet kNone{};
constexpr TypeSet kFloat = type_set(ElemType::float32);
constexpr TypeSet kHalves = kFloat | type_set(ElemType::float16);
constexpr TypeSet kInt32 = type_set(ElemType::int32);
constexpr TypeSet kBoth = kInt32 | type_set(ElemType::int64);
constexpr TypeSet kAny{0x7fffffe};

std::vector<Row> make() {
  const std::vector<Condition> pool = {kFirstRank4, kWindow2d, kCeilModeOff, kNoDilations};
  const std::vector<Condition> norm = {kOneOutput, kStashType, kNormConstants};
  std::vector<Row> table = {
      {"Add", 7, 0, kFloat, kHalves},
      {"And", 1, 0, kNone, ops::kBool, false, {kBothBoolean}},
      {"ArgMax", 1, 0, kFloat, kHalves, false, {kArgMaxLast, kArgMaxReaders}},
      {"AveragePool", 1, 22, kFloat, kHalves, false, pool},
      {"BatchNormalization", 7, 0, kFloat, kHalves, false, {kOneOutput, kFirstRank4, kFourConstants}},
      {"Cast", 1, 21, kAny, kAny, false, {kCastTypes, kCastProduced, kCastNetwork}},
      {"Ceil", 1, 0, kNone, kHalves, true},
      {"Clip", 1, 0, kFloat, kHalves, false, {kClipBounds}},
      {"Concat", 1, 0, kFloat, kHalves, false, {kConcatInputs, kConcatNetwork}},
      {"Conv", 1, 22, kFloat, kHalves, false, {kNetworkWeightsConstant, kConvWeights, kBiasConstant}},
      {"ConvTranspose", 1, 22, kNone, kHalves, false, {kWeightsConstant, kBiasConstant, kDeconvPads, kDeconvSizes}},
      {"Cos", 1, 22, kNone, kHalves},
      {"DepthToSpace", 1, 0, kFloat, kHalves, false, {kDepthMode}},
      {"Div", 7, 0, kFloat, kHalves},
      // Dropout and Identity do not reach the provider: ONNX Runtime's optimizer removes them.
      {"Dropout", 1, 0, kFloat, kHalves, true, {kOneOutput}},
      {"Elu", 6, 22, kNone, kHalves},
      {"Erf", 1, 0, kNone, kHalves},
      {"Exp", 1, 0, kNone, kHalves},
      {"Flatten", 1, 21, kFloat, kNone, false, {kFlattenRank}},
      {"Gather",
       1,
       0,
       kFloat | ops::kInt64,
       kHalves | ops::kInt64,
       false,
       {kGatherIndices, kGatherScalar, kGatherRank}},
      {"GatherND",
       1,
       0,
       kNone,
       kHalves | kBoth | ops::kBool,
       false,
       {kGatherNdIndices, kGatherNdBatch, kGatherNdShape}},
      {"Gelu", 6, 0, kNone, kHalves},
      {"Gemm", 1, 0, kFloat, kHalves, false, {kWeightsConstant, kGemmPlain, kGemmBias}},
      {"GlobalAveragePool", 1, 22, kFloat, kHalves, false, {kFirstRank4}},
      {"GlobalMaxPool", 1, 22, kFloat, kHalves, false, {kFirstRank4}},
      {"GridSample", 20, 22, kNone, kHalves, false, {kFirstRank4, kGridSample}},
      {"GroupNormalization", 1, 21, kNone, kHalves, false, norm},
      {"HardSigmoid", 6, 22, kFloat, kHalves},
      {"Identity", 1, 0, kFloat, kHalves, true},
      {"InstanceNormalization", 1, 22, kNone, kHalves, false, {kOneOutput, kNormConstants}},
      {"LRN", 1, 0, kFloat, kNone, false, {kLrnRank}},
      {"LayerNormalization", 1, 0, kNone, kHalves, false, norm},
      {"LeakyRelu", 6, 0, kFloat, kHalves},
      {"MatMul", 1, 0, kFloat, kHalves, false, {kNetworkWeightsConstant, kMatMulNetwork}},
      {"Max", 7, 0, kNone, kHalves},
      {"MaxPool",
       1,
       22,
       kFloat,
       kHalves,
       false,
       {kFirstRank4, kWindow2d, kCeilModeOff, kNoDilations, kRowMajorIndices, kOneOutput}},
      {"Mul", 7, 0, kFloat, kHalves},
      {"PRelu", 6, 0, kFloat, kHalves, false, {kPReluRank, kPReluSlope}},
      {"Pad", 11, 21, kFloat, kHalves, false, {kPadShape, kPadMode, kPadValue, kPadAmounts, kPadPlaces}},
      {"Pow", 7, 0, kFloat, kHalves, false, {kSameTypes}},
      {"Reciprocal", 1, 0, kFloat, kHalves},
      {"ReduceMax", 1, 0, kNone, kHalves, false, {kReduceAxes}},
      {"ReduceMean", 1, 0, kFloat, kHalves, false, {kReduceAxes, kReduceNetwork}},
      {"ReduceMin", 1, 0, kNone, kHalves, false, {kReduceAxes}},
      {"ReduceProd", 1, 0, kNone, kHalves, false, {kReduceAxes}},
      {"ReduceSum", 1, 0, kFloat, kHalves, false, {kReduceAxes, kReduceNetwork}},
      {"Relu", 6, 0, kFloat, kHalves},
      {"Reshape", 5, 21, kFloat, kHalves, true, {kReshapeShape, kReshapeRank}},
      {"Resize",
       11,
       0,
       kFloat,
       kHalves,
       false,
       {kResizeRank, kResizeMode, kResizePlaces, kResizeFactors, kResizeCoordinates}},
      {"Round", 1, 22, kNone, kHalves},
      {"Shape", 1, 21, kFloat, kHalves | kBoth, false, {kShapeSlice}},
      {"Sigmoid", 6, 0, kFloat, kHalves},
      {"Sin", 1, 22, kNone, kHalves},
      {"Slice",
       10,
       0,
       kFloat | ops::kInt64,
       kHalves | ops::kInt64,
       false,
       {kSliceStatic, kSliceConstants, kSliceRange}},
      {"Softmax", 1, 0, kFloat, kHalves, false, {kSoftmaxShape}},
      {"Softplus", 1, 22, kNone, kHalves},
      {"Split", 1, 0, kFloat, kHalves, false, {kSplitSizes}},
      {"Sqrt", 1, 0, kFloat, kHalves},
      {"Squeeze", 1, 21, kFloat, kHalves, true, {kAxesConstant}},
      {"Sub", 7, 0, kFloat, kHalves},
      {"Tanh", 6, 0, kFloat, kHalves},
      {"Tile", 1, 0, kFloat | kBoth | ops::kBool, kHalves | kBoth | ops::kBool, true, {kTileRepeats}},
      {"Transpose", 1, 21, kFloat, kHalves, true},
      {"Unsqueeze", 1, 21, kNone, kHalves, true, {kAxesConstant, kUnsqueezeRank}},
      {"Where", 1, 0, kNone, kAny, false, {kBranchTypes}},
  };
  return table;
}

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> table = make();
  return table;
}

const Row* find_row(const ir::Op& op) {
  // The provider sees nodes of the file, not the steps that one of another vocabulary is read as.
  if (!op.domain.empty() || !op.origin.empty()) return nullptr;
  for (const Row& row : rows())
    if (row.op == op.type) return &row;
  return nullptr;
}

}  // namespace assay::passes::provider
