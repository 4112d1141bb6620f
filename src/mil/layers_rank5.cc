// Layers of the first versions (iOS 11 and 12), on values [Seq, Batch, C, H, W].
// Names and numbers are NeuralNetwork.proto's.
#include "mil/layer_rows.h"

namespace assay::mil {
namespace {
constexpr FieldRow kEdgeSizesFields[] = {{"startEdgeSize", 1, kUint}, {"endEdgeSize", 2, kUint}};
constexpr MessageRow kEdgeSizesRow{"EdgeSizes", kEdgeSizesFields};
constexpr FieldRow kBorderAmountsFields[] = {{"borderAmounts", 10, kMessage, true, &kEdgeSizesRow}};
constexpr MessageRow kBorderAmountsRow{"BorderAmounts", kBorderAmountsFields};
constexpr FieldRow kValidPaddingFields[] = {{"paddingAmounts", 1, kMessage, false, &kBorderAmountsRow}};
constexpr MessageRow kValidPaddingRow{"ValidPadding", kValidPaddingFields};
constexpr std::string_view kSamePaddingModeWords[] = {"BOTTOM_RIGHT_HEAVY", "TOP_LEFT_HEAVY"};
constexpr FieldRow kSamePaddingFields[] = {{"asymmetryMode", 1, kEnum, false, nullptr, kSamePaddingModeWords}};
constexpr MessageRow kSamePaddingRow{"SamePadding", kSamePaddingFields};
constexpr FieldRow kConvolutionFields[] = {{"outputChannels", 1, kUint},
                                           {"kernelChannels", 2, kUint},
                                           {"nGroups", 10, kUint},
                                           {"kernelSize", 20, kUint, true},
                                           {"stride", 30, kUint, true},
                                           {"dilationFactor", 40, kUint, true},
                                           {"valid", 50, kMessage, false, &kValidPaddingRow},
                                           {"same", 51, kMessage, false, &kSamePaddingRow},
                                           {"isDeconvolution", 60, kBool},
                                           {"hasBias", 70, kBool},
                                           {"weights", 90, kWeights},
                                           {"bias", 91, kWeights},
                                           {"outputShape", 100, kUint, true}};
constexpr MessageRow kConvolutionRow{"ConvolutionLayerParams", kConvolutionFields};
constexpr std::string_view kPoolingTypeWords[] = {"MAX", "AVERAGE", "L2"};
constexpr FieldRow kValidCompletePaddingFields[] = {{"paddingAmounts", 10, kUint, true}};
constexpr MessageRow kValidCompletePaddingRow{"ValidCompletePadding", kValidCompletePaddingFields};
constexpr FieldRow kPoolingFields[] = {{"type", 1, kEnum, false, nullptr, kPoolingTypeWords},
                                       {"kernelSize", 10, kUint, true},
                                       {"stride", 20, kUint, true},
                                       {"valid", 30, kMessage, false, &kValidPaddingRow},
                                       {"same", 31, kMessage, false, &kSamePaddingRow},
                                       {"includeLastPixel", 32, kMessage, false, &kValidCompletePaddingRow},
                                       {"avgPoolExcludePadding", 50, kBool},
                                       {"globalPooling", 60, kBool}};
constexpr MessageRow kPoolingRow{"PoolingLayerParams", kPoolingFields};
constexpr FieldRow kActivationLinearFields[] = {{"alpha", 1, kFloat}, {"beta", 2, kFloat}};
constexpr MessageRow kActivationLinearRow{"ActivationLinear", kActivationLinearFields};
constexpr MessageRow kActivationReLURow{"ActivationReLU", {}};
constexpr FieldRow kActivationLeakyReLUFields[] = {{"alpha", 1, kFloat}};
constexpr MessageRow kActivationLeakyReLURow{"ActivationLeakyReLU", kActivationLeakyReLUFields};
constexpr MessageRow kActivationThresholdedReLURow{"ActivationThresholdedReLU", kActivationLeakyReLUFields};
constexpr FieldRow kActivationPReLUFields[] = {{"alpha", 1, kWeights}};
constexpr MessageRow kActivationPReLURow{"ActivationPReLU", kActivationPReLUFields};
constexpr MessageRow kActivationTanhRow{"ActivationTanh", {}};
constexpr MessageRow kActivationScaledTanhRow{"ActivationScaledTanh", kActivationLinearFields};
constexpr MessageRow kActivationSigmoidRow{"ActivationSigmoid", {}};
constexpr MessageRow kActivationSigmoidHardRow{"ActivationSigmoidHard", kActivationLinearFields};
constexpr MessageRow kActivationELURow{"ActivationELU", kActivationLeakyReLUFields};
constexpr MessageRow kActivationSoftsignRow{"ActivationSoftsign", {}};
constexpr MessageRow kActivationSoftplusRow{"ActivationSoftplus", {}};
constexpr FieldRow kActivationParametricSoftplusFields[] = {{"alpha", 1, kWeights}, {"beta", 2, kWeights}};
constexpr MessageRow kActivationParametricSoftplusRow{"ActivationParametricSoftplus",
                                                      kActivationParametricSoftplusFields};
constexpr FieldRow kActivationFields[] = {
    {"linear", 5, kMessage, false, &kActivationLinearRow},
    {"ReLU", 10, kMessage, false, &kActivationReLURow},
    {"leakyReLU", 15, kMessage, false, &kActivationLeakyReLURow},
    {"thresholdedReLU", 20, kMessage, false, &kActivationThresholdedReLURow},
    {"PReLU", 25, kMessage, false, &kActivationPReLURow},
    {"tanh", 30, kMessage, false, &kActivationTanhRow},
    {"scaledTanh", 31, kMessage, false, &kActivationScaledTanhRow},
    {"sigmoid", 40, kMessage, false, &kActivationSigmoidRow},
    {"sigmoidHard", 41, kMessage, false, &kActivationSigmoidHardRow},
    {"ELU", 50, kMessage, false, &kActivationELURow},
    {"softsign", 60, kMessage, false, &kActivationSoftsignRow},
    {"softplus", 70, kMessage, false, &kActivationSoftplusRow},
    {"parametricSoftplus", 71, kMessage, false, &kActivationParametricSoftplusRow}};
constexpr MessageRow kActivationRow{"ActivationParams", kActivationFields};
constexpr FieldRow kInnerProductFields[] = {{"inputChannels", 1, kUint}, {"outputChannels", 2, kUint},
                                            {"hasBias", 10, kBool},      {"weights", 20, kWeights},
                                            {"bias", 21, kWeights},      {"int8DynamicQuantize", 22, kBool}};
constexpr MessageRow kInnerProductRow{"InnerProductLayerParams", kInnerProductFields};
constexpr FieldRow kEmbeddingFields[] = {{"inputDim", 1, kUint},
                                         {"outputChannels", 2, kUint},
                                         {"hasBias", 10, kBool},
                                         {"weights", 20, kWeights},
                                         {"bias", 21, kWeights}};
constexpr MessageRow kEmbeddingRow{"EmbeddingLayerParams", kEmbeddingFields};
constexpr FieldRow kBatchnormFields[] = {
    {"channels", 1, kUint},  {"computeMeanVar", 5, kBool}, {"instanceNormalization", 6, kBool},
    {"epsilon", 10, kFloat}, {"gamma", 15, kWeights},      {"beta", 16, kWeights},
    {"mean", 17, kWeights},  {"variance", 18, kWeights}};
constexpr MessageRow kBatchnormRow{"BatchnormLayerParams", kBatchnormFields};
constexpr FieldRow kMeanVarianceNormalizeFields[] = {
    {"acrossChannels", 1, kBool}, {"normalizeVariance", 2, kBool}, {"epsilon", 3, kFloat}};
constexpr MessageRow kMeanVarianceNormalizeRow{"MeanVarianceNormalizeLayerParams", kMeanVarianceNormalizeFields};
constexpr FieldRow kL2NormalizeFields[] = {{"epsilon", 1, kFloat}};
constexpr MessageRow kL2NormalizeRow{"L2NormalizeLayerParams", kL2NormalizeFields};
constexpr FieldRow kLRNFields[] = {
    {"alpha", 1, kFloat}, {"beta", 2, kFloat}, {"localSize", 3, kUint}, {"k", 4, kFloat}};
constexpr MessageRow kLRNRow{"LRNLayerParams", kLRNFields};
constexpr FieldRow kCropFields[] = {{"cropAmounts", 1, kMessage, false, &kBorderAmountsRow},
                                    {"offset", 5, kUint, true}};
constexpr MessageRow kCropRow{"CropLayerParams", kCropFields};
constexpr FieldRow kPaddingConstantFields[] = {{"value", 1, kFloat}};
constexpr MessageRow kPaddingConstantRow{"PaddingConstant", kPaddingConstantFields};
constexpr MessageRow kPaddingReflectionRow{"PaddingReflection", {}};
constexpr MessageRow kPaddingReplicationRow{"PaddingReplication", {}};
constexpr FieldRow kPaddingFields[] = {{"constant", 1, kMessage, false, &kPaddingConstantRow},
                                       {"reflection", 2, kMessage, false, &kPaddingReflectionRow},
                                       {"replication", 3, kMessage, false, &kPaddingReplicationRow},
                                       {"paddingAmounts", 10, kMessage, false, &kBorderAmountsRow}};
constexpr MessageRow kPaddingRow{"PaddingLayerParams", kPaddingFields};
constexpr std::string_view kInterpolationModeWords[] = {"NN", "BILINEAR"};
constexpr std::string_view kLinearUpsampleModeWords[] = {"DEFAULT", "ALIGN_CORNERS_TRUE", "ALIGN_CORNERS_FALSE"};
constexpr FieldRow kUpsampleFields[] = {{"scalingFactor", 1, kUint, true},
                                        {"mode", 5, kEnum, false, nullptr, kInterpolationModeWords},
                                        {"linearUpsampleMode", 6, kEnum, false, nullptr, kLinearUpsampleModeWords},
                                        {"fractionalScalingFactor", 7, kFloat, true}};
constexpr MessageRow kUpsampleRow{"UpsampleLayerParams", kUpsampleFields};
constexpr std::string_view kMethodWords[] = {"STRICT_ALIGN_ENDPOINTS_MODE", "ALIGN_ENDPOINTS_MODE", "UPSAMPLE_MODE",
                                             "ROI_ALIGN_MODE"};
constexpr FieldRow kSamplingModeFields[] = {{"samplingMethod", 1, kEnum, false, nullptr, kMethodWords}};
constexpr MessageRow kSamplingModeRow{"SamplingMode", kSamplingModeFields};
constexpr FieldRow kResizeBilinearFields[] = {{"targetSize", 1, kUint, true},
                                              {"mode", 2, kMessage, false, &kSamplingModeRow}};
constexpr MessageRow kResizeBilinearRow{"ResizeBilinearLayerParams", kResizeBilinearFields};
constexpr std::string_view kCoordinatesWords[] = {"CORNERS_HEIGHT_FIRST", "CORNERS_WIDTH_FIRST",
                                                  "CENTER_SIZE_HEIGHT_FIRST", "CENTER_SIZE_WIDTH_FIRST"};
constexpr FieldRow kBoxCoordinatesModeFields[] = {{"boxMode", 1, kEnum, false, nullptr, kCoordinatesWords}};
constexpr MessageRow kBoxCoordinatesModeRow{"BoxCoordinatesMode", kBoxCoordinatesModeFields};
constexpr FieldRow kCropResizeFields[] = {{"targetSize", 1, kUint, true},
                                          {"normalizedCoordinates", 2, kBool},
                                          {"mode", 3, kMessage, false, &kSamplingModeRow},
                                          {"boxIndicesMode", 4, kMessage, false, &kBoxCoordinatesModeRow},
                                          {"spatialScale", 5, kFloat}};
constexpr MessageRow kCropResizeRow{"CropResizeLayerParams", kCropResizeFields};
constexpr std::string_view kOperationWords[] = {"SQRT", "RSQRT", "INVERSE", "POWER", "EXP", "LOG", "ABS", "THRESHOLD"};
constexpr FieldRow kUnaryFunctionFields[] = {{"type", 1, kEnum, false, nullptr, kOperationWords},
                                             {"alpha", 2, kFloat},
                                             {"epsilon", 3, kFloat},
                                             {"shift", 4, kFloat},
                                             {"scale", 5, kFloat}};
constexpr MessageRow kUnaryFunctionRow{"UnaryFunctionLayerParams", kUnaryFunctionFields};
constexpr MessageRow kAddRow{"AddLayerParams", kActivationLeakyReLUFields};
constexpr MessageRow kMultiplyRow{"MultiplyLayerParams", kActivationLeakyReLUFields};
constexpr FieldRow kScaleFields[] = {{"shapeScale", 1, kUint, true},
                                     {"scale", 2, kWeights},
                                     {"hasBias", 3, kBool},
                                     {"shapeBias", 4, kUint, true},
                                     {"bias", 5, kWeights}};
constexpr MessageRow kScaleRow{"ScaleLayerParams", kScaleFields};
constexpr FieldRow kBiasFields[] = {{"shape", 1, kUint, true}, {"bias", 2, kWeights}};
constexpr MessageRow kBiasRow{"BiasLayerParams", kBiasFields};
constexpr FieldRow kDotProductFields[] = {{"cosineSimilarity", 1, kBool}};
constexpr MessageRow kDotProductRow{"DotProductLayerParams", kDotProductFields};
constexpr std::string_view kReduceOperationWords[] = {"SUM", "AVG", "PROD", "LOGSUM", "SUMSQUARE",
                                                      "L1",  "L2",  "MAX",  "MIN",    "ARGMAX"};
constexpr std::string_view kReduceAxisWords[] = {"CHW", "HW", "C", "H", "W"};
constexpr FieldRow kReduceFields[] = {{"mode", 1, kEnum, false, nullptr, kReduceOperationWords},
                                      {"epsilon", 2, kFloat},
                                      {"axis", 3, kEnum, false, nullptr, kReduceAxisWords}};
constexpr MessageRow kReduceRow{"ReduceLayerParams", kReduceFields};
constexpr FieldRow kLoadConstantFields[] = {{"shape", 1, kUint, true}, {"data", 2, kWeights}};
constexpr MessageRow kLoadConstantRow{"LoadConstantLayerParams", kLoadConstantFields};
constexpr std::string_view kReshapeOrderWords[] = {"CHANNEL_FIRST", "CHANNEL_LAST"};
constexpr FieldRow kReshapeFields[] = {{"targetShape", 1, kInt, true},
                                       {"mode", 2, kEnum, false, nullptr, kReshapeOrderWords}};
constexpr MessageRow kReshapeRow{"ReshapeLayerParams", kReshapeFields};
constexpr FieldRow kFlattenFields[] = {{"mode", 1, kEnum, false, nullptr, kReshapeOrderWords}};
constexpr MessageRow kFlattenRow{"FlattenLayerParams", kFlattenFields};
constexpr FieldRow kPermuteFields[] = {{"axis", 1, kUint, true}};
constexpr MessageRow kPermuteRow{"PermuteLayerParams", kPermuteFields};
constexpr FieldRow kConcatFields[] = {{"sequenceConcat", 100, kBool}};
constexpr MessageRow kConcatRow{"ConcatLayerParams", kConcatFields};
constexpr FieldRow kSplitFields[] = {{"nOutputs", 1, kUint}};
constexpr MessageRow kSplitRow{"SplitLayerParams", kSplitFields};
constexpr FieldRow kSequenceRepeatFields[] = {{"nRepetitions", 1, kUint}};
constexpr MessageRow kSequenceRepeatRow{"SequenceRepeatLayerParams", kSequenceRepeatFields};
constexpr std::string_view kReorganizationTypeWords[] = {"SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "PIXEL_SHUFFLE"};
constexpr FieldRow kReorganizeDataFields[] = {{"mode", 1, kEnum, false, nullptr, kReorganizationTypeWords},
                                              {"blockSize", 2, kUint}};
constexpr MessageRow kReorganizeDataRow{"ReorganizeDataLayerParams", kReorganizeDataFields};
constexpr std::string_view kSliceAxisWords[] = {"CHANNEL_AXIS", "HEIGHT_AXIS", "WIDTH_AXIS"};
constexpr FieldRow kSliceFields[] = {{"startIndex", 1, kInt},
                                     {"endIndex", 2, kInt},
                                     {"stride", 3, kUint},
                                     {"axis", 4, kEnum, false, nullptr, kSliceAxisWords}};
constexpr MessageRow kSliceRow{"SliceLayerParams", kSliceFields};
constexpr FieldRow kSimpleRecurrentFields[] = {{"inputVectorSize", 1, kUint},
                                               {"outputVectorSize", 2, kUint},
                                               {"activation", 10, kMessage, false, &kActivationRow},
                                               {"sequenceOutput", 15, kBool},
                                               {"hasBiasVector", 20, kBool},
                                               {"weightMatrix", 30, kWeights},
                                               {"recursionMatrix", 31, kWeights},
                                               {"biasVector", 32, kWeights},
                                               {"reverseInput", 100, kBool}};
constexpr MessageRow kSimpleRecurrentRow{"SimpleRecurrentLayerParams", kSimpleRecurrentFields};
constexpr FieldRow kGRUFields[] = {{"inputVectorSize", 1, kUint},
                                   {"outputVectorSize", 2, kUint},
                                   {"activations", 10, kMessage, true, &kActivationRow},
                                   {"sequenceOutput", 15, kBool},
                                   {"hasBiasVectors", 20, kBool},
                                   {"updateGateWeightMatrix", 30, kWeights},
                                   {"resetGateWeightMatrix", 31, kWeights},
                                   {"outputGateWeightMatrix", 32, kWeights},
                                   {"updateGateRecursionMatrix", 50, kWeights},
                                   {"resetGateRecursionMatrix", 51, kWeights},
                                   {"outputGateRecursionMatrix", 52, kWeights},
                                   {"updateGateBiasVector", 70, kWeights},
                                   {"resetGateBiasVector", 71, kWeights},
                                   {"outputGateBiasVector", 72, kWeights},
                                   {"reverseInput", 100, kBool}};
constexpr MessageRow kGRURow{"GRULayerParams", kGRUFields};
constexpr FieldRow kLSTMFields[] = {{"sequenceOutput", 10, kBool},
                                    {"hasBiasVectors", 20, kBool},
                                    {"forgetBias", 30, kBool},
                                    {"hasPeepholeVectors", 40, kBool},
                                    {"coupledInputAndForgetGate", 50, kBool},
                                    {"cellClipThreshold", 60, kFloat}};
constexpr MessageRow kLSTMRow{"LSTMParams", kLSTMFields};
constexpr FieldRow kLSTMWeightFields[] = {
    {"inputGateWeightMatrix", 1, kWeights},      {"forgetGateWeightMatrix", 2, kWeights},
    {"blockInputWeightMatrix", 3, kWeights},     {"outputGateWeightMatrix", 4, kWeights},
    {"inputGateRecursionMatrix", 20, kWeights},  {"forgetGateRecursionMatrix", 21, kWeights},
    {"blockInputRecursionMatrix", 22, kWeights}, {"outputGateRecursionMatrix", 23, kWeights},
    {"inputGateBiasVector", 40, kWeights},       {"forgetGateBiasVector", 41, kWeights},
    {"blockInputBiasVector", 42, kWeights},      {"outputGateBiasVector", 43, kWeights},
    {"inputGatePeepholeVector", 60, kWeights},   {"forgetGatePeepholeVector", 61, kWeights},
    {"outputGatePeepholeVector", 62, kWeights}};
constexpr MessageRow kLSTMWeightRow{"LSTMWeightParams", kLSTMWeightFields};
constexpr FieldRow kUniDirectionalLSTMFields[] = {{"inputVectorSize", 1, kUint},
                                                  {"outputVectorSize", 2, kUint},
                                                  {"activations", 10, kMessage, true, &kActivationRow},
                                                  {"params", 15, kMessage, false, &kLSTMRow},
                                                  {"weightParams", 20, kMessage, false, &kLSTMWeightRow},
                                                  {"reverseInput", 100, kBool}};
constexpr MessageRow kUniDirectionalLSTMRow{"UniDirectionalLSTMLayerParams", kUniDirectionalLSTMFields};
constexpr FieldRow kBiDirectionalLSTMFields[] = {{"inputVectorSize", 1, kUint},
                                                 {"outputVectorSize", 2, kUint},
                                                 {"activationsForwardLSTM", 10, kMessage, true, &kActivationRow},
                                                 {"activationsBackwardLSTM", 11, kMessage, true, &kActivationRow},
                                                 {"params", 15, kMessage, false, &kLSTMRow},
                                                 {"weightParams", 20, kMessage, true, &kLSTMWeightRow}};
constexpr MessageRow kBiDirectionalLSTMRow{"BiDirectionalLSTMLayerParams", kBiDirectionalLSTMFields};
constexpr FieldRow kCustomLayerParamValueFields[] = {{"doubleValue", 10, kDouble},
                                                     {"stringValue", 20, kText},
                                                     {"intValue", 30, kInt32},
                                                     {"longValue", 40, kInt},
                                                     {"boolValue", 50, kBool}};
constexpr MessageRow kCustomLayerParamValueRow{"CustomLayerParamValue", kCustomLayerParamValueFields};
constexpr FieldRow kParametersEntryFields[] = {{"key", 1, kText},
                                               {"value", 2, kMessage, false, &kCustomLayerParamValueRow}};
constexpr MessageRow kParametersEntryRow{"ParametersEntry", kParametersEntryFields};
constexpr FieldRow kCustomFields[] = {{"className", 10, kText},
                                      {"weights", 20, kWeights, true},
                                      {"parameters", 30, kMessage, true, &kParametersEntryRow},
                                      {"description", 40, kText}};
constexpr MessageRow kCustomRow{"CustomLayerParams", kCustomFields};

constexpr LayerRow kLayers[] = {
    {"convolution", 100, 1, &kConvolutionRow},
    {"pooling", 120, 1, &kPoolingRow},
    {"activation", 130, 1, &kActivationRow},
    {"innerProduct", 140, 1, &kInnerProductRow},
    {"embedding", 150, 1, &kEmbeddingRow},
    {"batchnorm", 160, 1, &kBatchnormRow},
    {"mvn", 165, 1, &kMeanVarianceNormalizeRow},
    {"l2normalize", 170, 1, &kL2NormalizeRow},
    {"softmax", 175, 1, &kNoFieldsRow},
    {"lrn", 180, 1, &kLRNRow},
    {"crop", 190, 1, &kCropRow},
    {"padding", 200, 1, &kPaddingRow},
    {"upsample", 210, 1, &kUpsampleRow},
    {"resizeBilinear", 211, 3, &kResizeBilinearRow},
    {"cropResize", 212, 3, &kCropResizeRow},
    {"unary", 220, 1, &kUnaryFunctionRow},
    {"add", 230, 1, &kAddRow},
    {"multiply", 231, 1, &kMultiplyRow},
    {"average", 240, 1, &kNoFieldsRow},
    {"scale", 245, 1, &kScaleRow},
    {"bias", 250, 1, &kBiasRow},
    {"max", 260, 1, &kNoFieldsRow},
    {"min", 261, 1, &kNoFieldsRow},
    {"dot", 270, 1, &kDotProductRow},
    {"reduce", 280, 1, &kReduceRow},
    {"loadConstant", 290, 1, &kLoadConstantRow},
    {"reshape", 300, 1, &kReshapeRow},
    {"flatten", 301, 1, &kFlattenRow},
    {"permute", 310, 1, &kPermuteRow},
    {"concat", 320, 1, &kConcatRow},
    {"split", 330, 1, &kSplitRow},
    {"sequenceRepeat", 340, 1, &kSequenceRepeatRow},
    {"reorganizeData", 345, 1, &kReorganizeDataRow},
    {"slice", 350, 1, &kSliceRow},
    {"simpleRecurrent", 400, 1, &kSimpleRecurrentRow},
    {"gru", 410, 1, &kGRURow},
    {"uniDirectionalLSTM", 420, 1, &kUniDirectionalLSTMRow},
    {"biDirectionalLSTM", 430, 1, &kBiDirectionalLSTMRow},
    {"custom", 500, 2, &kCustomRow},
};
}  // namespace

std::span<const LayerRow> rank5_layers() { return kLayers; }

}  // namespace assay::mil
