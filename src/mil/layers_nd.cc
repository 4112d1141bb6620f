// Layers of iOS 13 with numbers up to 1079: control flow, elementwise, selection, products.
// Names and numbers are NeuralNetwork.proto's.
#include "mil/layer_rows.h"

namespace assay::mil {
namespace {
constexpr FieldRow kBranchFields[] = {{"ifBranch", 1, kNetwork}, {"elseBranch", 2, kNetwork}};
constexpr MessageRow kBranchRow{"BranchLayerParams", kBranchFields};
constexpr FieldRow kLoopFields[] = {{"maxLoopIterations", 1, kUint},
                                    {"conditionVar", 2, kText},
                                    {"conditionNetwork", 3, kNetwork},
                                    {"bodyNetwork", 4, kNetwork}};
constexpr MessageRow kLoopRow{"LoopLayerParams", kLoopFields};
constexpr FieldRow kRangeStaticFields[] = {
    {"endValue", 1, kFloat}, {"startValue", 2, kFloat}, {"stepSizeValue", 3, kFloat}};
constexpr MessageRow kRangeStaticRow{"RangeStaticLayerParams", kRangeStaticFields};
constexpr FieldRow kRangeDynamicFields[] = {{"startValue", 2, kFloat}, {"stepSizeValue", 3, kFloat}};
constexpr MessageRow kRangeDynamicRow{"RangeDynamicLayerParams", kRangeDynamicFields};
constexpr FieldRow kClipFields[] = {{"minVal", 1, kFloat}, {"maxVal", 2, kFloat}};
constexpr MessageRow kClipRow{"ClipLayerParams", kClipFields};
constexpr std::string_view kGeluModeWords[] = {"EXACT", "TANH_APPROXIMATION", "SIGMOID_APPROXIMATION"};
constexpr FieldRow kGeluFields[] = {{"mode", 1, kEnum, false, nullptr, kGeluModeWords}};
constexpr MessageRow kGeluRow{"GeluLayerParams", kGeluFields};
constexpr FieldRow kEqualFields[] = {{"alpha", 1, kFloat}};
constexpr MessageRow kEqualRow{"EqualLayerParams", kEqualFields};
constexpr MessageRow kNotEqualRow{"NotEqualLayerParams", kEqualFields};
constexpr FieldRow kLessThanFields[] = {{"alpha", 2, kFloat}};
constexpr MessageRow kLessThanRow{"LessThanLayerParams", kLessThanFields};
constexpr MessageRow kLessEqualRow{"LessEqualLayerParams", kLessThanFields};
constexpr MessageRow kGreaterThanRow{"GreaterThanLayerParams", kLessThanFields};
constexpr MessageRow kGreaterEqualRow{"GreaterEqualLayerParams", kLessThanFields};
constexpr FieldRow kTileFields[] = {{"reps", 1, kUint, true}};
constexpr MessageRow kTileRow{"TileLayerParams", kTileFields};
constexpr FieldRow kStackFields[] = {{"axis", 1, kInt}};
constexpr MessageRow kStackRow{"StackLayerParams", kStackFields};
constexpr MessageRow kGatherRow{"GatherLayerParams", kStackFields};
constexpr std::string_view kScatterModeWords[] = {"SCATTER_UPDATE", "SCATTER_ADD", "SCATTER_SUB", "SCATTER_MUL",
                                                  "SCATTER_DIV",    "SCATTER_MAX", "SCATTER_MIN"};
constexpr FieldRow kScatterFields[] = {{"axis", 1, kInt}, {"mode", 2, kEnum, false, nullptr, kScatterModeWords}};
constexpr MessageRow kScatterRow{"ScatterLayerParams", kScatterFields};
constexpr FieldRow kScatterNDFields[] = {{"mode", 1, kEnum, false, nullptr, kScatterModeWords}};
constexpr MessageRow kScatterNDRow{"ScatterNDLayerParams", kScatterNDFields};
constexpr MessageRow kSoftmaxNDRow{"SoftmaxNDLayerParams", kStackFields};
constexpr MessageRow kGatherAlongAxisRow{"GatherAlongAxisLayerParams", kStackFields};
constexpr MessageRow kScatterAlongAxisRow{"ScatterAlongAxisLayerParams", kScatterFields};
constexpr FieldRow kReverseFields[] = {{"reverseDim", 1, kBool, true}};
constexpr MessageRow kReverseRow{"ReverseLayerParams", kReverseFields};
constexpr FieldRow kReverseSeqFields[] = {{"batchAxis", 1, kInt}, {"sequenceAxis", 2, kInt}};
constexpr MessageRow kReverseSeqRow{"ReverseSeqLayerParams", kReverseSeqFields};
constexpr FieldRow kSplitNDFields[] = {{"axis", 1, kInt}, {"numSplits", 2, kUint}, {"splitSizes", 3, kUint, true}};
constexpr MessageRow kSplitNDRow{"SplitNDLayerParams", kSplitNDFields};
constexpr FieldRow kConcatNDFields[] = {{"axis", 1, kInt}, {"interleave", 2, kBool}};
constexpr MessageRow kConcatNDRow{"ConcatNDLayerParams", kConcatNDFields};
constexpr FieldRow kTransposeFields[] = {{"axes", 1, kUint, true}};
constexpr MessageRow kTransposeRow{"TransposeLayerParams", kTransposeFields};
constexpr FieldRow kSliceStaticFields[] = {{"beginIds", 1, kInt, true}, {"beginMasks", 2, kBool, true},
                                           {"endIds", 3, kInt, true},   {"endMasks", 4, kBool, true},
                                           {"strides", 5, kInt, true},  {"squeezeMasks", 6, kBool, true}};
constexpr MessageRow kSliceStaticRow{"SliceStaticLayerParams", kSliceStaticFields};
constexpr FieldRow kSliceDynamicFields[] = {{"beginMasks", 2, kBool, true},
                                            {"endIds", 3, kInt, true},
                                            {"endMasks", 4, kBool, true},
                                            {"strides", 5, kInt, true},
                                            {"squeezeMasks", 6, kBool, true}};
constexpr MessageRow kSliceDynamicRow{"SliceDynamicLayerParams", kSliceDynamicFields};
constexpr FieldRow kSlidingWindowsFields[] = {{"axis", 1, kInt}, {"windowSize", 2, kUint}, {"step", 3, kUint}};
constexpr MessageRow kSlidingWindowsRow{"SlidingWindowsLayerParams", kSlidingWindowsFields};
constexpr FieldRow kTopKFields[] = {{"axis", 1, kInt}, {"K", 2, kUint}, {"useBottomK", 3, kBool}};
constexpr MessageRow kTopKRow{"TopKLayerParams", kTopKFields};
constexpr FieldRow kArgMinFields[] = {{"axis", 1, kInt}, {"removeDim", 2, kBool}};
constexpr MessageRow kArgMinRow{"ArgMinLayerParams", kArgMinFields};
constexpr MessageRow kArgMaxRow{"ArgMaxLayerParams", kArgMinFields};
constexpr FieldRow kEmbeddingNDFields[] = {{"vocabSize", 1, kUint},
                                           {"embeddingSize", 2, kUint},
                                           {"hasBias", 3, kBool},
                                           {"weights", 20, kWeights},
                                           {"bias", 21, kWeights}};
constexpr MessageRow kEmbeddingNDRow{"EmbeddingNDLayerParams", kEmbeddingNDFields};
constexpr FieldRow kBatchedMatMulFields[] = {{"transposeA", 1, kBool},
                                             {"transposeB", 2, kBool},
                                             {"weightMatrixFirstDimension", 5, kUint},
                                             {"weightMatrixSecondDimension", 6, kUint},
                                             {"hasBias", 7, kBool},
                                             {"weights", 8, kWeights},
                                             {"bias", 9, kWeights},
                                             {"int8DynamicQuantize", 10, kBool}};
constexpr MessageRow kBatchedMatMulRow{"BatchedMatMulLayerParams", kBatchedMatMulFields};
constexpr FieldRow kLoadConstantNDFields[] = {{"shape", 1, kUint, true}, {"data", 2, kWeights}};
constexpr MessageRow kLoadConstantNDRow{"LoadConstantNDLayerParams", kLoadConstantNDFields};

constexpr LayerRow kLayers[] = {
    {"copy", 600, 4, &kNoFieldsRow},
    {"branch", 605, 4, &kBranchRow},
    {"loop", 615, 4, &kLoopRow},
    {"loopBreak", 620, 4, &kNoFieldsRow},
    {"loopContinue", 625, 4, &kNoFieldsRow},
    {"rangeStatic", 635, 4, &kRangeStaticRow},
    {"rangeDynamic", 640, 4, &kRangeDynamicRow},
    {"clip", 660, 4, &kClipRow},
    {"ceil", 665, 4, &kNoFieldsRow},
    {"floor", 670, 4, &kNoFieldsRow},
    {"sign", 680, 4, &kNoFieldsRow},
    {"round", 685, 4, &kNoFieldsRow},
    {"exp2", 700, 4, &kNoFieldsRow},
    {"sin", 710, 4, &kNoFieldsRow},
    {"cos", 715, 4, &kNoFieldsRow},
    {"tan", 720, 4, &kNoFieldsRow},
    {"asin", 730, 4, &kNoFieldsRow},
    {"acos", 735, 4, &kNoFieldsRow},
    {"atan", 740, 4, &kNoFieldsRow},
    {"sinh", 750, 4, &kNoFieldsRow},
    {"cosh", 755, 4, &kNoFieldsRow},
    {"tanh", 760, 4, &kNoFieldsRow},
    {"asinh", 770, 4, &kNoFieldsRow},
    {"acosh", 775, 4, &kNoFieldsRow},
    {"atanh", 780, 4, &kNoFieldsRow},
    {"erf", 790, 4, &kNoFieldsRow},
    {"gelu", 795, 4, &kGeluRow},
    {"equal", 815, 4, &kEqualRow},
    {"notEqual", 820, 4, &kNotEqualRow},
    {"lessThan", 825, 4, &kLessThanRow},
    {"lessEqual", 827, 4, &kLessEqualRow},
    {"greaterThan", 830, 4, &kGreaterThanRow},
    {"greaterEqual", 832, 4, &kGreaterEqualRow},
    {"logicalOr", 840, 4, &kNoFieldsRow},
    {"logicalXor", 845, 4, &kNoFieldsRow},
    {"logicalNot", 850, 4, &kNoFieldsRow},
    {"logicalAnd", 855, 4, &kNoFieldsRow},
    {"modBroadcastable", 865, 4, &kNoFieldsRow},
    {"minBroadcastable", 870, 4, &kNoFieldsRow},
    {"maxBroadcastable", 875, 4, &kNoFieldsRow},
    {"addBroadcastable", 880, 4, &kNoFieldsRow},
    {"powBroadcastable", 885, 4, &kNoFieldsRow},
    {"divideBroadcastable", 890, 4, &kNoFieldsRow},
    {"floorDivBroadcastable", 895, 4, &kNoFieldsRow},
    {"multiplyBroadcastable", 900, 4, &kNoFieldsRow},
    {"subtractBroadcastable", 905, 4, &kNoFieldsRow},
    {"tile", 920, 4, &kTileRow},
    {"stack", 925, 4, &kStackRow},
    {"gather", 930, 4, &kGatherRow},
    {"scatter", 935, 4, &kScatterRow},
    {"gatherND", 940, 4, &kNoFieldsRow},
    {"scatterND", 945, 4, &kScatterNDRow},
    {"softmaxND", 950, 4, &kSoftmaxNDRow},
    {"gatherAlongAxis", 952, 4, &kGatherAlongAxisRow},
    {"scatterAlongAxis", 954, 4, &kScatterAlongAxisRow},
    {"reverse", 960, 4, &kReverseRow},
    {"reverseSeq", 965, 4, &kReverseSeqRow},
    {"splitND", 975, 4, &kSplitNDRow},
    {"concatND", 980, 4, &kConcatNDRow},
    {"transpose", 985, 4, &kTransposeRow},
    {"sliceStatic", 995, 4, &kSliceStaticRow},
    {"sliceDynamic", 1000, 4, &kSliceDynamicRow},
    {"slidingWindows", 1005, 4, &kSlidingWindowsRow},
    {"topK", 1015, 4, &kTopKRow},
    {"argMin", 1020, 4, &kArgMinRow},
    {"argMax", 1025, 4, &kArgMaxRow},
    {"embeddingND", 1040, 4, &kEmbeddingNDRow},
    {"batchedMatmul", 1045, 4, &kBatchedMatMulRow},
    {"getShape", 1065, 4, &kNoFieldsRow},
    {"loadConstantND", 1070, 4, &kLoadConstantNDRow},
};
}  // namespace

std::span<const LayerRow> nd_layers() { return kLayers; }

}  // namespace assay::mil
