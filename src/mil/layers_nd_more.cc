// Layers of iOS 13 from 1080 on, and those of iOS 14: shapes, random numbers, reductions.
// Names and numbers are NeuralNetwork.proto's.
#include "mil/layer_rows.h"

namespace assay::mil {
namespace {
constexpr FieldRow kFillLikeFields[] = {{"value", 1, kFloat}};
constexpr MessageRow kFillLikeRow{"FillLikeLayerParams", kFillLikeFields};
constexpr FieldRow kFillStaticFields[] = {{"value", 1, kFloat}, {"targetShape", 2, kUint, true}};
constexpr MessageRow kFillStaticRow{"FillStaticLayerParams", kFillStaticFields};
constexpr MessageRow kFillDynamicRow{"FillDynamicLayerParams", kFillLikeFields};
constexpr FieldRow kBroadcastToStaticFields[] = {{"targetShape", 1, kUint, true}};
constexpr MessageRow kBroadcastToStaticRow{"BroadcastToStaticLayerParams", kBroadcastToStaticFields};
constexpr FieldRow kSqueezeFields[] = {{"axes", 1, kInt, true}, {"squeezeAll", 2, kBool}};
constexpr MessageRow kSqueezeRow{"SqueezeLayerParams", kSqueezeFields};
constexpr FieldRow kExpandDimsFields[] = {{"axes", 1, kInt, true}};
constexpr MessageRow kExpandDimsRow{"ExpandDimsLayerParams", kExpandDimsFields};
constexpr FieldRow kFlattenTo2DFields[] = {{"axis", 1, kInt}};
constexpr MessageRow kFlattenTo2DRow{"FlattenTo2DLayerParams", kFlattenTo2DFields};
constexpr FieldRow kReshapeStaticFields[] = {{"targetShape", 1, kInt, true}};
constexpr MessageRow kReshapeStaticRow{"ReshapeStaticLayerParams", kReshapeStaticFields};
constexpr MessageRow kRankPreservingReshapeRow{"RankPreservingReshapeLayerParams", kReshapeStaticFields};
constexpr FieldRow kConstantPaddingFields[] = {
    {"value", 1, kFloat}, {"padAmounts", 2, kUint, true}, {"padToGivenOutputSizeMode", 3, kBool}};
constexpr MessageRow kConstantPaddingRow{"ConstantPaddingLayerParams", kConstantPaddingFields};
constexpr FieldRow kRandomNormalLikeFields[] = {{"seed", 1, kInt}, {"mean", 2, kFloat}, {"stdDev", 3, kFloat}};
constexpr MessageRow kRandomNormalLikeRow{"RandomNormalLikeLayerParams", kRandomNormalLikeFields};
constexpr FieldRow kRandomNormalStaticFields[] = {
    {"seed", 1, kInt}, {"mean", 2, kFloat}, {"stdDev", 3, kFloat}, {"outputShape", 4, kUint, true}};
constexpr MessageRow kRandomNormalStaticRow{"RandomNormalStaticLayerParams", kRandomNormalStaticFields};
constexpr MessageRow kRandomNormalDynamicRow{"RandomNormalDynamicLayerParams", kRandomNormalLikeFields};
constexpr FieldRow kRandomUniformLikeFields[] = {{"seed", 1, kInt}, {"minVal", 2, kFloat}, {"maxVal", 3, kFloat}};
constexpr MessageRow kRandomUniformLikeRow{"RandomUniformLikeLayerParams", kRandomUniformLikeFields};
constexpr FieldRow kRandomUniformStaticFields[] = {
    {"seed", 1, kInt}, {"minVal", 2, kFloat}, {"maxVal", 3, kFloat}, {"outputShape", 4, kUint, true}};
constexpr MessageRow kRandomUniformStaticRow{"RandomUniformStaticLayerParams", kRandomUniformStaticFields};
constexpr MessageRow kRandomUniformDynamicRow{"RandomUniformDynamicLayerParams", kRandomUniformLikeFields};
constexpr FieldRow kRandomBernoulliLikeFields[] = {{"seed", 1, kInt}, {"prob", 2, kFloat}};
constexpr MessageRow kRandomBernoulliLikeRow{"RandomBernoulliLikeLayerParams", kRandomBernoulliLikeFields};
constexpr FieldRow kRandomBernoulliStaticFields[] = {
    {"seed", 1, kInt}, {"prob", 2, kFloat}, {"outputShape", 3, kUint, true}};
constexpr MessageRow kRandomBernoulliStaticRow{"RandomBernoulliStaticLayerParams", kRandomBernoulliStaticFields};
constexpr MessageRow kRandomBernoulliDynamicRow{"RandomBernoulliDynamicLayerParams", kRandomBernoulliLikeFields};
constexpr FieldRow kCategoricalDistributionFields[] = {
    {"seed", 1, kInt}, {"numSamples", 2, kInt}, {"isLogits", 3, kBool}, {"eps", 4, kFloat}, {"temperature", 5, kFloat}};
constexpr MessageRow kCategoricalDistributionRow{"CategoricalDistributionLayerParams", kCategoricalDistributionFields};
constexpr FieldRow kReduceL1Fields[] = {{"axes", 1, kInt, true}, {"keepDims", 2, kBool}, {"reduceAll", 3, kBool}};
constexpr MessageRow kReduceL1Row{"ReduceL1LayerParams", kReduceL1Fields};
constexpr MessageRow kReduceL2Row{"ReduceL2LayerParams", kReduceL1Fields};
constexpr MessageRow kReduceMaxRow{"ReduceMaxLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceMinRow{"ReduceMinLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceSumRow{"ReduceSumLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceProdRow{"ReduceProdLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceMeanRow{"ReduceMeanLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceLogSumRow{"ReduceLogSumLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceSumSquareRow{"ReduceSumSquareLayerParams", kReduceL1Fields};
constexpr MessageRow kReduceLogSumExpRow{"ReduceLogSumExpLayerParams", kReduceL1Fields};
constexpr FieldRow kMatrixBandPartFields[] = {{"numLower", 1, kInt}, {"numUpper", 2, kInt}};
constexpr MessageRow kMatrixBandPartRow{"MatrixBandPartLayerParams", kMatrixBandPartFields};
constexpr FieldRow kLowerTriangularFields[] = {{"k", 1, kInt}};
constexpr MessageRow kLowerTriangularRow{"LowerTriangularLayerParams", kLowerTriangularFields};
constexpr MessageRow kUpperTriangularRow{"UpperTriangularLayerParams", kLowerTriangularFields};
constexpr FieldRow kLayerNormalizationFields[] = {
    {"normalizedShape", 1, kInt, true}, {"eps", 2, kFloat}, {"gamma", 3, kWeights}, {"beta", 4, kWeights}};
constexpr MessageRow kLayerNormalizationRow{"LayerNormalizationLayerParams", kLayerNormalizationFields};
constexpr FieldRow kNonMaximumSuppressionFields[] = {{"iouThreshold", 1, kFloat},
                                                     {"scoreThreshold", 2, kFloat},
                                                     {"maxBoxes", 3, kUint},
                                                     {"perClassSuppression", 4, kBool}};
constexpr MessageRow kNonMaximumSuppressionRow{"NonMaximumSuppressionLayerParams", kNonMaximumSuppressionFields};
constexpr FieldRow kOneHotFields[] = {
    {"oneHotVectorSize", 1, kUint}, {"axis", 2, kInt}, {"onValue", 3, kFloat}, {"offValue", 4, kFloat}};
constexpr MessageRow kOneHotRow{"OneHotLayerParams", kOneHotFields};
constexpr FieldRow kCumSumFields[] = {{"axis", 1, kInt}, {"excludeFinalSum", 2, kBool}, {"reverse", 3, kBool}};
constexpr MessageRow kCumSumRow{"CumSumLayerParams", kCumSumFields};
constexpr FieldRow kClampedReLUFields[] = {{"alpha", 1, kFloat}, {"beta", 2, kFloat}};
constexpr MessageRow kClampedReLURow{"ClampedReLULayerParams", kClampedReLUFields};
constexpr FieldRow kArgSortFields[] = {{"axis", 1, kInt}, {"descending", 2, kBool}};
constexpr MessageRow kArgSortRow{"ArgSortLayerParams", kArgSortFields};
constexpr std::string_view kPoolingType3DWords[] = {"MAX", "AVERAGE"};
constexpr std::string_view kPooling3DPaddingTypeWords[] = {"CUSTOM", "VALID", "SAME"};
constexpr FieldRow kPooling3DFields[] = {{"type", 1, kEnum, false, nullptr, kPoolingType3DWords},
                                         {"kernelDepth", 2, kInt32},
                                         {"kernelHeight", 3, kInt32},
                                         {"kernelWidth", 4, kInt32},
                                         {"strideDepth", 5, kInt32},
                                         {"strideHeight", 6, kInt32},
                                         {"strideWidth", 7, kInt32},
                                         {"customPaddingFront", 8, kInt32},
                                         {"customPaddingBack", 9, kInt32},
                                         {"customPaddingTop", 10, kInt32},
                                         {"customPaddingBottom", 11, kInt32},
                                         {"customPaddingLeft", 12, kInt32},
                                         {"customPaddingRight", 13, kInt32},
                                         {"countExcludePadding", 14, kBool},
                                         {"paddingType", 15, kEnum, false, nullptr, kPooling3DPaddingTypeWords}};
constexpr MessageRow kPooling3DRow{"Pooling3DLayerParams", kPooling3DFields};
constexpr FieldRow kGlobalPooling3DFields[] = {{"type", 1, kEnum, false, nullptr, kPoolingType3DWords}};
constexpr MessageRow kGlobalPooling3DRow{"GlobalPooling3DLayerParams", kGlobalPooling3DFields};
constexpr FieldRow kSliceBySizeFields[] = {{"size", 2, kInt}, {"axis", 3, kInt}};
constexpr MessageRow kSliceBySizeRow{"SliceBySizeLayerParams", kSliceBySizeFields};
constexpr FieldRow kConvolution3DFields[] = {{"outputChannels", 1, kInt32},
                                             {"inputChannels", 2, kInt32},
                                             {"nGroups", 10, kInt32},
                                             {"kernelDepth", 20, kInt32},
                                             {"kernelHeight", 21, kInt32},
                                             {"kernelWidth", 22, kInt32},
                                             {"strideDepth", 31, kInt32},
                                             {"strideHeight", 32, kInt32},
                                             {"strideWidth", 33, kInt32},
                                             {"dilationDepth", 40, kInt32},
                                             {"dilationHeight", 41, kInt32},
                                             {"dilationWidth", 42, kInt32},
                                             {"hasBias", 50, kBool},
                                             {"weights", 60, kWeights},
                                             {"bias", 61, kWeights},
                                             {"paddingType", 70, kEnum, false, nullptr, kPooling3DPaddingTypeWords},
                                             {"customPaddingFront", 80, kInt32},
                                             {"customPaddingBack", 81, kInt32},
                                             {"customPaddingTop", 82, kInt32},
                                             {"customPaddingBottom", 83, kInt32},
                                             {"customPaddingLeft", 84, kInt32},
                                             {"customPaddingRight", 85, kInt32},
                                             {"isDeconvolution", 86, kBool},
                                             {"outputShape", 87, kUint, true}};
constexpr MessageRow kConvolution3DRow{"Convolution3DLayerParams", kConvolution3DFields};

constexpr LayerRow kLayers[] = {
    {"fillLike", 1080, 4, &kFillLikeRow},
    {"fillStatic", 1085, 4, &kFillStaticRow},
    {"fillDynamic", 1090, 4, &kFillDynamicRow},
    {"broadcastToLike", 1100, 4, &kNoFieldsRow},
    {"broadcastToStatic", 1105, 4, &kBroadcastToStaticRow},
    {"broadcastToDynamic", 1110, 4, &kNoFieldsRow},
    {"squeeze", 1120, 4, &kSqueezeRow},
    {"expandDims", 1125, 4, &kExpandDimsRow},
    {"flattenTo2D", 1130, 4, &kFlattenTo2DRow},
    {"reshapeLike", 1135, 4, &kNoFieldsRow},
    {"reshapeStatic", 1140, 4, &kReshapeStaticRow},
    {"reshapeDynamic", 1145, 4, &kNoFieldsRow},
    {"rankPreservingReshape", 1150, 4, &kRankPreservingReshapeRow},
    {"constantPad", 1155, 4, &kConstantPaddingRow},
    {"randomNormalLike", 1170, 4, &kRandomNormalLikeRow},
    {"randomNormalStatic", 1175, 4, &kRandomNormalStaticRow},
    {"randomNormalDynamic", 1180, 4, &kRandomNormalDynamicRow},
    {"randomUniformLike", 1190, 4, &kRandomUniformLikeRow},
    {"randomUniformStatic", 1195, 4, &kRandomUniformStaticRow},
    {"randomUniformDynamic", 1200, 4, &kRandomUniformDynamicRow},
    {"randomBernoulliLike", 1210, 4, &kRandomBernoulliLikeRow},
    {"randomBernoulliStatic", 1215, 4, &kRandomBernoulliStaticRow},
    {"randomBernoulliDynamic", 1220, 4, &kRandomBernoulliDynamicRow},
    {"categoricalDistribution", 1230, 4, &kCategoricalDistributionRow},
    {"reduceL1", 1250, 4, &kReduceL1Row},
    {"reduceL2", 1255, 4, &kReduceL2Row},
    {"reduceMax", 1260, 4, &kReduceMaxRow},
    {"reduceMin", 1265, 4, &kReduceMinRow},
    {"reduceSum", 1270, 4, &kReduceSumRow},
    {"reduceProd", 1275, 4, &kReduceProdRow},
    {"reduceMean", 1280, 4, &kReduceMeanRow},
    {"reduceLogSum", 1285, 4, &kReduceLogSumRow},
    {"reduceSumSquare", 1290, 4, &kReduceSumSquareRow},
    {"reduceLogSumExp", 1295, 4, &kReduceLogSumExpRow},
    {"whereNonZero", 1313, 4, &kNoFieldsRow},
    {"matrixBandPart", 1315, 4, &kMatrixBandPartRow},
    {"lowerTriangular", 1320, 4, &kLowerTriangularRow},
    {"upperTriangular", 1325, 4, &kUpperTriangularRow},
    {"whereBroadcastable", 1330, 4, &kNoFieldsRow},
    {"layerNormalization", 1350, 4, &kLayerNormalizationRow},
    {"NonMaximumSuppression", 1400, 4, &kNonMaximumSuppressionRow},
    {"oneHot", 1450, 5, &kOneHotRow},
    {"cumSum", 1455, 5, &kCumSumRow},
    {"clampedReLU", 1460, 5, &kClampedReLURow},
    {"argSort", 1461, 5, &kArgSortRow},
    {"pooling3d", 1465, 5, &kPooling3DRow},
    {"globalPooling3d", 1466, 5, &kGlobalPooling3DRow},
    {"sliceBySize", 1470, 5, &kSliceBySizeRow},
    {"convolution3d", 1471, 5, &kConvolution3DRow},
};
}  // namespace

std::span<const LayerRow> more_nd_layers() { return kLayers; }

}  // namespace assay::mil
