#include "api/opbench/cases.h"

#include <fmt/format.h>

#include "api/opbench/trees.h"

namespace assay::api::opbench {
namespace {

// Sizes that return: a feature map of the first stage of a convolutional network, hidden states and scores of an
// encoder of 128 tokens.
constexpr const char* kMap = "float32[1,64,112,112]";
constexpr const char* kSmallMap = "float32[1,64,56,56]";
constexpr const char* kHidden = "float32[1,128,768]";
constexpr const char* kScores = "float32[1,12,128,128]";
constexpr const char* kCodes = "uint8[1,64,56,56]";
constexpr const char* kFeatures = "float32[1000,64]";  // rows of a table, for what scikit-learn writes

using Cases = std::vector<Case>;

constexpr int kOlder = 21;  // what ONNX Runtime has in older versions alone

std::string with(const std::string& type, const std::string& rest) { return type + rest; }

void add_elementwise(Cases& all) {
  constexpr std::pair<const char*, const char*> kUnary[] = {
      {"Abs", ""},
      {"Acos", ""},
      {"Acosh", " 1..10"},
      {"Asin", ""},
      {"Asinh", " -5..5"},
      {"Atan", " -5..5"},
      {"Atanh", " -0.9..0.9"},
      {"Ceil", " -9..9"},
      {"Celu", " -4..4"},
      {"Cos", " -4..4"},
      {"Cosh", " -4..4"},
      {"Elu", " -4..4"},
      {"Erf", " -3..3"},
      {"Exp", " -4..4"},
      {"Floor", " -9..9"},
      {"Gelu", " -4..4"},
      {"HardSigmoid", " -4..4"},
      {"HardSwish", " -4..4"},
      {"IsInf", ""},
      {"IsNaN", ""},
      {"LeakyRelu", ""},
      {"Log", " 0.1..9"},
      {"Mish", " -4..4"},
      {"Neg", ""},
      {"Reciprocal", " 0.5..4"},
      {"Relu", ""},
      {"Round", " -9..9"},
      {"Selu", " -4..4"},
      {"Shrink", ""},
      {"Sigmoid", " -4..4"},
      {"Sign", ""},
      {"Sin", " -4..4"},
      {"Sinh", " -4..4"},
      {"Softplus", " -4..4"},
      {"Softsign", " -4..4"},
      {"Sqrt", " 0..9"},
      {"Tan", " -1..1"},
      {"Tanh", " -3..3"},
      {"ThresholdedRelu", " -3..3"},
  };
  for (const auto& [op, range] : kUnary) all.push_back({.op = op, .operands = with(kMap, range)});
  all.push_back({.op = "Swish", .operands = with(kMap, " -4..4"), .opset = 24});
  all.push_back({.op = "SwiGLU", .operands = "float32[1,128,3072] -4..4; float32[1,128,3072]", .opset = 27});

  constexpr const char* kBinary[] = {"Add", "Div", "Max", "Mean", "Min", "Mul", "Sub", "Sum"};
  for (const char* op : kBinary) all.push_back({.op = op, .operands = fmt::format("{0} 0.5..2; {0} 0.5..2", kMap)});
  all.push_back({.op = "Add", .operands = fmt::format("{}; const float32[768]", kHidden), .label = "bias"});
  all.push_back({.op = "Add", .operands = fmt::format("{}; float32[1,1,1,128]", kScores), .label = "mask"});
  all.push_back({.op = "Mul", .operands = fmt::format("{}; float32[1,64,1,1]", kMap), .label = "channels"});
  all.push_back({.op = "Div", .operands = fmt::format("{}; const float32[] = {{8}}", kScores), .label = "scalar"});
  all.push_back({.op = "Add", .operands = "int64[1,128,768]; int64[1,128,768]", .label = "int64"});
  all.push_back({.op = "Mul", .operands = "int32[1,128,768]; int32[1,128,768]", .label = "int32"});
  all.push_back({.op = "Mod", .operands = "int64[512,512]; const int64[] = {7}"});
  all.push_back(
      {.op = "Mod", .operands = fmt::format("{0} -9..9; {0} 1..4", kMap), .attributes = "fmod = 1", .label = "fmod"});
  all.push_back({.op = "Pow", .operands = fmt::format("{} ; const float32[] = {{2}}", kHidden), .label = "square"});
  all.push_back({.op = "Pow", .operands = fmt::format("{0} 0.1..3; {0} -2..2", kMap)});
  all.push_back(
      {.op = "Clip", .operands = fmt::format("{} -3..9; const float32[] = {{0}}; const float32[] = {{6}}", kMap)});
  all.push_back({.op = "PRelu", .operands = fmt::format("{}; const float32[64,1,1]", kMap)});

  for (const char* op : {"Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"})
    all.push_back({.op = op, .operands = fmt::format("{0}; {0}", kScores)});
  all.push_back({.op = "Equal", .operands = "int64[1,128,768]; const int64[] = {3}", .label = "int64"});
  for (const char* op : {"And", "Or", "Xor"})
    all.push_back({.op = op, .operands = "bool[1,12,128,128]; bool[1,12,128,128]"});
  all.push_back({.op = "Not", .operands = "bool[1,12,128,128]"});
  for (const char* op : {"BitwiseAnd", "BitwiseOr", "BitwiseXor"})
    all.push_back({.op = op, .operands = "int32[512,512]; int32[512,512]"});
  all.push_back({.op = "BitwiseNot", .operands = "int32[512,512]"});
  all.push_back(
      {.op = "BitShift", .operands = "uint32[512,512]; uint32[512,512] 0..9", .attributes = "direction = \"LEFT\""});
  all.push_back({.op = "Where", .operands = fmt::format("bool[1,12,128,128]; {0}; {0}", kScores)});
  all.push_back({.op = "Where",
                 .operands = fmt::format("bool[1,1,128,128]; {}; const float32[] = {{-10000}}", kScores),
                 .label = "mask"});
  all.push_back({.op = "Cast", .operands = kMap, .attributes = "to = 10", .label = "to float16"});
  all.push_back({.op = "Cast", .operands = "float16[1,64,112,112]", .attributes = "to = 1", .label = "from float16"});
  all.push_back({.op = "Cast", .operands = "int64[1,128,768]", .attributes = "to = 1", .label = "int64 to float32"});
  all.push_back(
      {.op = "Cast", .operands = "float32[1,128,768] -90..90", .attributes = "to = 7", .label = "float32 to int64"});
  all.push_back({.op = "Cast", .operands = "bool[1,12,128,128]", .attributes = "to = 1", .label = "bool to float32"});
  all.push_back({.op = "Cast", .operands = "uint8[1,3,224,224]", .attributes = "to = 1", .label = "uint8 to float32"});
  all.push_back({.op = "CastLike", .operands = "int32[1,128,768]; float32[1]"});
  all.push_back({.op = "BitCast", .operands = "float32[1,128,768]", .attributes = "to = 6", .opset = 26});
}

void add_movement(Cases& all) {
  all.push_back({.op = "CenterCropPad",
                 .operands = "float32[3,256,320]; const int64[2] = {224, 224}",
                 .attributes = "axes = ints[1, 2]"});
  all.push_back({.op = "Compress", .operands = fmt::format("{}; bool[1000]", kFeatures), .attributes = "axis = 0"});
  all.push_back({.op = "Concat", .operands = fmt::format("{0}; {0}; {0}", kSmallMap), .attributes = "axis = 1"});
  all.push_back({.op = "Concat",
                 .operands = "float32[1,12,128,32]; float32[1,12,128,32]",
                 .attributes = "axis = -1",
                 .label = "last axis"});
  all.push_back({.op = "ConstantOfShape", .operands = "int64[3] = {1, 128, 768}"});
  all.push_back({.op = "DepthToSpace", .operands = kSmallMap, .attributes = "blocksize = 2"});
  all.push_back(
      {.op = "DepthToSpace", .operands = kSmallMap, .attributes = "blocksize = 2, mode = \"CRD\"", .label = "CRD"});
  all.push_back({.op = "SpaceToDepth", .operands = "float32[1,16,112,112]", .attributes = "blocksize = 2"});
  all.push_back({.op = "Dropout", .operands = kHidden});
  all.push_back({.op = "Expand", .operands = "float32[1,1,1,128]; const int64[4] = {1, 12, 128, 128}"});
  all.push_back(
      {.op = "Expand", .operands = "float32[1,64,1,1]; const int64[4] = {1, 64, 56, 56}", .label = "channels"});
  all.push_back({.op = "EyeLike", .operands = "float32[512,512]"});
  all.push_back({.op = "Flatten", .operands = kSmallMap});
  all.push_back({.op = "Gather", .operands = "const float32[30522,768]; int64[1,128] 0..30521"});
  all.push_back({.op = "Gather",
                 .operands = "float32[1,128,768]; const int64[] = {0}",
                 .attributes = "axis = 1",
                 .label = "one token"});
  all.push_back({.op = "Gather",
                 .operands = "float32[128,1000]; int64[64] 0..999",
                 .attributes = "axis = 1",
                 .label = "columns"});
  all.push_back({.op = "GatherElements",
                 .operands = "float32[1,12,128,128]; int64[1,12,128,128] 0..127",
                 .attributes = "axis = 3"});
  all.push_back({.op = "GatherND", .operands = "float32[512,768]; int64[128,1] 0..511"});
  all.push_back({.op = "Identity", .operands = kHidden});
  all.push_back({.op = "OneHot", .operands = "int64[128] 0..999; const int64[] = {1000}; const float32[2] = {0, 1}"});
  all.push_back({.op = "Pad", .operands = with(kMap, "; const int64[8] = {0, 0, 1, 1, 0, 0, 1, 1}")});
  all.push_back({.op = "Pad",
                 .operands = with(kMap, "; const int64[8] = {0, 0, 3, 3, 0, 0, 3, 3}"),
                 .attributes = "mode = \"reflect\"",
                 .label = "reflect"});
  all.push_back({.op = "Reshape", .operands = "float32[1,128,768]; const int64[4] = {1, 128, 12, 64}"});
  all.push_back({.op = "ReverseSequence",
                 .operands = "float32[128,16,256]; int64[16] 1..128",
                 .attributes = "batch_axis = 1, time_axis = 0"});
  all.push_back({.op = "Shape", .operands = kHidden});
  all.push_back({.op = "Size", .operands = kHidden});
  all.push_back({.op = "Slice",
                 .operands = "float32[1,128,2304]; const int64[1] = {768}; const int64[1] = {1536}; "
                             "const int64[1] = {2}"});
  all.push_back({.op = "Slice",
                 .operands = "float32[1,3,224,224]; const int64[2] = {0, 0}; const int64[2] = {224, 224}; "
                             "const int64[2] = {2, 3}; const int64[2] = {2, 2}",
                 .label = "steps"});
  all.push_back(
      {.op = "Split", .operands = "float32[1,128,2304]", .attributes = "axis = 2, num_outputs = 3", .outputs = 3});
  all.push_back({.op = "Squeeze", .operands = "float32[1,128,768]; const int64[1] = {0}"});
  all.push_back({.op = "Unsqueeze", .operands = "float32[128,768]; const int64[1] = {0}"});
  all.push_back(
      {.op = "TensorScatter", .operands = "float32[1,12,512,64]; float32[1,12,1,64]; int64[1] = {100}", .opset = 24});
  all.push_back({.op = "Tile", .operands = "float32[1,1,128,64]; const int64[4] = {1, 12, 1, 1}"});
  all.push_back({.op = "Tile", .operands = "float32[1,64,28,28]; const int64[4] = {1, 1, 2, 2}", .label = "image"});
  all.push_back({.op = "Transpose", .operands = "float32[1,128,12,64]", .attributes = "perm = ints[0, 2, 1, 3]"});
  all.push_back({.op = "Transpose",
                 .operands = "float32[1,12,128,64]",
                 .attributes = "perm = ints[0, 1, 3, 2]",
                 .label = "last two"});
  all.push_back({.op = "Transpose",
                 .operands = "float32[1,224,224,3]",
                 .attributes = "perm = ints[0, 3, 1, 2]",
                 .label = "to planes"});
  all.push_back(
      {.op = "Transpose", .operands = kSmallMap, .attributes = "perm = ints[0, 2, 3, 1]", .label = "to pixels"});
  all.push_back({.op = "Transpose", .operands = kCodes, .attributes = "perm = ints[0, 2, 3, 1]", .label = "8 bits"});
  all.push_back({.op = "Trilu", .operands = kScores});
  all.push_back({.op = "ScatterElements",
                 .operands = fmt::format("{0}; int64[1000,64] 0..999; {0}", kFeatures),
                 .attributes = "axis = 0, reduction = \"add\"",
                 .label = "add"});
  all.push_back({.op = "ScatterElements",
                 .operands = "float32[1,30522]; int64[1,512] distinct 0..30521; float32[1,512]",
                 .attributes = "axis = 1"});
  all.push_back({.op = "ScatterND", .operands = "float32[512,768]; int64[128,1] distinct 0..511; float32[128,768]"});
  all.push_back({.op = "ScatterND",
                 .operands = "float32[512,768]; int64[128,1] 0..511; float32[128,768]",
                 .attributes = "reduction = \"add\"",
                 .label = "add"});
  all.push_back({.op = "MaxUnpool",
                 .operands = "float32[1,16,56,56]; int64[1,16,56,56] distinct 0..200703",
                 .attributes = "kernel_shape = ints[2, 2], strides = ints[2, 2]"});
  all.push_back({.op = "ArgMax", .operands = "float32[128,30522]", .attributes = "axis = 1"});
  all.push_back({.op = "ArgMin", .operands = "float32[1,21,128,128]", .attributes = "axis = 1"});
  all.push_back({.op = "ArgMax", .operands = "float32[1,21,128,128]", .attributes = "axis = 1", .label = "channels"});
  all.push_back({.op = "Hardmax", .operands = "float32[128,1000]"});
  all.push_back({.op = "NonZero", .operands = "bool[512,512]"});
  all.push_back({.op = "TopK", .operands = "float32[64,1000]; const int64[1] = {5}", .outputs = 2});
  all.push_back(
      {.op = "TopK", .operands = "float32[1,8400]; const int64[1] = {300}", .outputs = 2, .label = "300 of 8400"});
  all.push_back({.op = "Unique", .operands = "int64[10000] 0..999", .outputs = 4});
  all.push_back({.op = "NonMaxSuppression",
                 .operands = "float32[1,1000,4] boxes 0..300; float32[1,20,1000] 0..1; const int64[1] = {100}; "
                             "const float32[1] = {0.5}; const float32[1] = {0.3}"});
  all.push_back({.op = "Range", .operands = "int64[] = {0}; int64[] = {10000}; int64[] = {1}"});
}

void add_sums(Cases& all) {
  for (const char* op : {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
                         "ReduceMin", "ReduceSum", "ReduceSumSquare"}) {
    all.push_back({.op = op, .operands = "float32[1,128,768] 0.1..1; const int64[1] = {2}"});
    all.push_back({.op = op, .operands = with(kMap, " 0.1..1; const int64[2] = {2, 3}"), .label = "planes"});
    all.push_back({.op = op, .operands = with(kMap, " 0.1..1; const int64[1] = {1}"), .label = "channels"});
  }
  all.push_back(
      {.op = "ReduceProd", .operands = "float32[1,128,768] 0.9..1.1; const int64[1] = {2}", .tolerance = 1e-4});
  all.push_back({.op = "ReduceSum", .operands = "int64[1,128,768]; const int64[1] = {2}", .label = "int64"});
  all.push_back({.op = "CumSum", .operands = "float32[128,1000] 0..1; const int64[] = {1}"});
  all.push_back({.op = "CumProd", .operands = "float32[128,1000] 0.99..1.01; const int64[] = {1}", .opset = 26});
  all.push_back({.op = "Softmax", .operands = "float32[1,12,128,128] -4..4"});
  all.push_back(
      {.op = "Softmax", .operands = "float32[1,21,128,128] -4..4", .attributes = "axis = 1", .label = "channels"});
  all.push_back({.op = "LogSoftmax", .operands = "float32[128,1000] -4..4"});
  const std::string window = "kernel_shape = ints[3, 3], strides = ints[2, 2], pads = ints[1, 1, 1, 1]";
  for (const char* op : {"MaxPool", "AveragePool", "LpPool"})
    all.push_back({.op = op, .operands = with(kMap, " 0..1"), .attributes = window});
  all.push_back({.op = "MaxPool",
                 .operands = kSmallMap,
                 .attributes = "kernel_shape = ints[2, 2], strides = ints[2, 2]",
                 .label = "2x2"});
  all.push_back({.op = "AveragePool",
                 .operands = with(kSmallMap, " 0..1"),
                 .attributes = "kernel_shape = ints[3, 3], pads = ints[1, 1, 1, 1]",
                 .label = "stride 1"});
  for (const char* op : {"GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"})
    all.push_back({.op = op, .operands = "float32[1,2048,7,7] 0..1", .opset = kOlder});
  all.push_back({.op = "BatchNormalization",
                 .operands = with(kMap,
                                  "; const float32[64]; const float32[64]; const float32[64]; "
                                  "const float32[64] 0.5..2")});
  all.push_back({.op = "LayerNormalization", .operands = with(kHidden, "; const float32[768]; const float32[768]")});
  all.push_back({.op = "RMSNormalization", .operands = with(kHidden, "; const float32[768]"), .opset = 23});
  all.push_back({.op = "SimplifiedLayerNormalization",
                 .operands = with(kHidden, "; const float32[768]"),
                 .attributes = "axis = -1, epsilon = float 1e-5"});
  all.push_back({.op = "GroupNormalization",
                 .operands = with(kSmallMap, "; const float32[64]; const float32[64]"),
                 .attributes = "num_groups = 32, epsilon = float 1e-5"});
  all.push_back({.op = "InstanceNormalization", .operands = with(kSmallMap, "; const float32[64]; const float32[64]")});
  all.push_back({.op = "MeanVarianceNormalization", .operands = with(kSmallMap, " 0..1"), .tolerance = 1e-4});
  all.push_back({.op = "LpNormalization", .operands = kHidden, .attributes = "axis = -1"});
  all.push_back({.op = "LRN", .operands = "float32[1,96,55,55]", .attributes = "size = 5"});
  all.push_back({.op = "NegativeLogLikelihoodLoss", .operands = "float32[64,1000] -9..-1; int64[64] 0..999"});
  all.push_back({.op = "SoftmaxCrossEntropyLoss", .operands = "float32[64,1000] -4..4; int64[64] 0..999"});
}

void add_products(Cases& all) {
  all.push_back({.op = "MatMul", .operands = "float32[1,128,768]; const float32[768,768]"});
  all.push_back({.op = "MatMul", .operands = "float32[1,12,128,64]; float32[1,12,64,128]", .label = "scores"});
  all.push_back({.op = "MatMul", .operands = "float32[1,768]; const float32[768,3072]", .label = "one row"});
  all.push_back({.op = "Gemm",
                 .operands = "float32[32,2048]; const float32[1000,2048]; const float32[1000]",
                 .attributes = "transB = 1"});
  all.push_back({.op = "Gemm",
                 .operands = "float32[1,2048]; const float32[1000,2048]; const float32[1000]",
                 .attributes = "transB = 1",
                 .label = "one row"});
  const std::string same = "pads = ints[1, 1, 1, 1]";
  all.push_back({.op = "Conv",
                 .operands = with(kSmallMap, "; const float32[64,64,3,3]; const float32[64]"),
                 .attributes = same,
                 .label = "3x3"});
  all.push_back(
      {.op = "Conv", .operands = with(kSmallMap, "; const float32[256,64,1,1]; const float32[256]"), .label = "1x1"});
  all.push_back({.op = "Conv",
                 .operands = "float32[1,3,224,224]; const float32[64,3,7,7]; const float32[64]",
                 .attributes = "pads = ints[3, 3, 3, 3], strides = ints[2, 2]",
                 .label = "stem"});
  all.push_back({.op = "Conv",
                 .operands = "float32[1,144,56,56]; const float32[144,1,3,3]; const float32[144]",
                 .attributes = same + ", group = 144",
                 .label = "depthwise"});
  all.push_back({.op = "Conv",
                 .operands = "float32[1,80,3000]; const float32[384,80,3]; const float32[384]",
                 .attributes = "pads = ints[1, 1]",
                 .label = "one axis"});
  all.push_back({.op = "ConvTranspose",
                 .operands = "float32[1,64,56,56]; const float32[64,32,2,2]; const float32[32]",
                 .attributes = "strides = ints[2, 2]"});
  all.push_back({.op = "DeformConv",
                 .operands = "float32[1,64,28,28]; const float32[64,64,3,3]; float32[1,18,28,28]; const float32[64]",
                 .attributes = same + ", kernel_shape = ints[3, 3]"});
  all.push_back({.op = "CausalConvWithState",
                 .operands = "float32[1,768,128]; const float32[768,1,4]; const float32[768]; "
                             "float32[1,768,3]",
                 .attributes = "activation = \"silu\"",
                 .outputs = 2,
                 .opset = 27});
  all.push_back({.op = "Einsum",
                 .operands = "float32[1,12,128,64]; float32[1,12,128,64]",
                 .attributes = "equation = \"bhqd,bhkd->bhqk\""});
  all.push_back(
      {.op = "Attention", .operands = "float32[1,12,128,64]; float32[1,12,128,64]; float32[1,12,128,64]", .opset = 23});
  all.push_back({.op = "LinearAttention",
                 .operands = "float32[1,128,512]; float32[1,128,512] -0.6..0.6; float32[1,128,512]",
                 .attributes = "update_rule = \"linear\", q_num_heads = 8, kv_num_heads = 8",
                 .outputs = 2,
                 .opset = 27});
  all.push_back({.op = "RotaryEmbedding",
                 .operands = "float32[1,12,128,64]; const float32[512,32]; const float32[512,32]; int64[1,128] 0..511",
                 .opset = 23});
  all.push_back(
      {.op = "RNN",
       .operands = "float32[64,1,128]; const float32[1,256,128] -0.1..0.1; const float32[1,256,256] -0.1..0.1",
       .attributes = "hidden_size = 256",
       .outputs = 2});
  all.push_back(
      {.op = "GRU",
       .operands = "float32[64,1,128]; const float32[1,768,128] -0.1..0.1; const float32[1,768,256] -0.1..0.1",
       .attributes = "hidden_size = 256",
       .outputs = 2});
  all.push_back(
      {.op = "LSTM",
       .operands = "float32[64,1,128]; const float32[1,1024,128] -0.1..0.1; const float32[1,1024,256] -0.1..0.1",
       .attributes = "hidden_size = 256",
       .outputs = 3});
  all.push_back({.op = "Det", .operands = "float32[64,8,8]"});
  all.push_back(
      {.op = "DFT", .operands = "float32[1,16,512,1]; _; const int64[] = {2}", .tolerance = 1e-4, .opset = 20});
  all.push_back(
      {.op = "STFT",
       .operands = "float32[1,16000,1]; const int64[] = {160}; const float32[400] 0..1; const int64[] = {400}",
       .tolerance = 1e-4});
}

void add_images(Cases& all) {
  const std::string twice = "; _; const float32[4] = {1, 1, 2, 2}";
  all.push_back({.op = "Resize", .operands = kSmallMap + twice, .attributes = "mode = \"linear\"", .label = "linear"});
  all.push_back(
      {.op = "Resize",
       .operands = kSmallMap + twice,
       .attributes = "mode = \"nearest\", coordinate_transformation_mode = \"asymmetric\", nearest_mode = \"floor\"",
       .label = "nearest"});
  all.push_back({.op = "Resize",
                 .operands = "float32[1,3,128,128]" + twice,
                 .attributes = "mode = \"cubic\", cubic_coeff_a = float -0.75",
                 .label = "cubic"});
  all.push_back({.op = "Resize",
                 .operands = "float32[1,3,480,640]; _; _; const int64[4] = {1, 3, 224, 224}",
                 .attributes = "mode = \"linear\"",
                 .label = "smaller"});
  all.push_back({.op = "GridSample", .operands = "float32[1,32,64,64]; float32[1,64,64,2]"});
  all.push_back({.op = "AffineGrid", .operands = "float32[1,2,3]; const int64[4] = {1, 3, 128, 128}", .opset = 20});
  all.push_back({.op = "RoiAlign",
                 .operands = "float32[1,256,50,50]; float32[100,4] boxes 0..40; int64[100] 0..0",
                 .attributes = "output_height = 7, output_width = 7, sampling_ratio = 2",
                 .opset = kOlder});
  all.push_back({.op = "MaxRoiPool",
                 .operands = "float32[1,64,50,50]; const float32[3,5] = {0, 0, 0, 15, 15, 0, 4, 4, 35, 35, "
                             "0, 8, 8, 23, 39}",
                 .attributes = "pooled_shape = ints[4, 4]",
                 .opset = kOlder});
  all.push_back(
      {.op = "Col2Im", .operands = "float32[1,576,3136]; const int64[2] = {58, 58}; const int64[2] = {3, 3}"});
  for (const char* op : {"BlackmanWindow", "HammingWindow", "HannWindow"})
    all.push_back({.op = op, .operands = "int64[] = {4096}"});
  all.push_back({.op = "MelWeightMatrix",
                 .operands = "int64[] = {80}; int64[] = {512}; int64[] = {16000}; float32[] = {0}; "
                             "float32[] = {8000}"});
}

void add_drawn(Cases& all) {
  all.push_back({.op = "RandomNormal", .operands = "", .attributes = "shape = ints[1, 128, 768]"});
  all.push_back({.op = "RandomUniform", .operands = "", .attributes = "shape = ints[1, 128, 768]"});
  all.push_back({.op = "RandomNormalLike", .operands = kHidden});
  all.push_back({.op = "RandomUniformLike", .operands = kHidden});
  all.push_back({.op = "Bernoulli", .operands = with(kHidden, " 0..1")});
  all.push_back({.op = "Multinomial", .operands = "float32[16,1000]", .attributes = "sample_size = 4"});
  for (size_t i = all.size() - 6; i < all.size(); ++i) all[i].check = Check::type, all[i].opset = kOlder;
}

void add_text(Cases& all) {
  all.push_back({.op = "StringConcat", .operands = "string[1000] words; string[1000] words"});
  all.push_back({.op = "StringNormalizer",
                 .operands = "string[1000] words",
                 .attributes = "case_change_action = \"UPPER\", locale = \"C.UTF-8\""});
  all.push_back(
      {.op = "StringSplit", .operands = "string[1000] words", .attributes = "delimiter = \"d\"", .outputs = 2});
  all.push_back(
      {.op = "RegexFullMatch", .operands = "string[1000] words", .attributes = "pattern = \"word[0-3][0-9]\""});
  all.push_back({.op = "TfIdfVectorizer",
                 .operands = "int64[64,100] 0..63",
                 .attributes = "mode = \"TF\", min_gram_length = 1, max_gram_length = 1, max_skip_count = 0, "
                               "ngram_counts = ints[0], ngram_indexes = count(64), pool_int64s = count(64)"});
}

/// What runs graphs or holds lists stands in a model of a few operations.
void add_nested(Cases& all) {
  all.push_back({.op = "If",
                 .operands = "bool[] = {1}; float32[1,128,768]",
                 .nodes =
                     "%y0: undefined[...] = If(%a) {then_branch = graph \"t\" { capture %x: float32[1,128,768] = %b "
                     "%r: undefined[...] = Relu(%x) return %r }, else_branch = graph \"e\" { "
                     "capture %z: float32[1,128,768] = %b %s: undefined[...] = Neg(%z) return %s }}"});
  all.push_back(
      {.op = "Loop",
       .operands = "int64[] = {50}; bool[] = {1}; float32[1,768]",
       .nodes = "%y0: undefined[...] = Loop(%a, %b, %c) {body = graph \"body\" { input %i: int64[] input %m: bool[] "
                "input %x: float32[1,768] %k: undefined[...] = Identity(%m) %r: undefined[...] = Tanh(%x) "
                "return %k, %r }}"});
  all.push_back({.op = "Scan",
                 .operands = "float32[1,768]; float32[64,1,768]",
                 .outputs = 2,
                 .nodes = "%y0: undefined[...], %y1: undefined[...] = Scan(%a, %b) {body = graph \"body\" { "
                          "input %s: float32[1,768] input %x: float32[1,768] %n: undefined[...] = Add(%s, %x) "
                          "%o: undefined[...] = Tanh(%n) return %n, %o }, num_scan_inputs = 1}"});
  const std::string list = "%s: undefined[...] = SequenceConstruct(%a, %b)\n";
  const std::string two = "float32[1,128,768]; float32[1,128,768]";
  all.push_back({.op = "SequenceAt",
                 .operands = two + "; int64[] = {1}",
                 .nodes = list + "%y0: undefined[...] = SequenceAt(%s, %c)"});
  all.push_back({.op = "ConcatFromSequence",
                 .operands = two,
                 .nodes = list + "%y0: undefined[...] = ConcatFromSequence(%s) {axis = 1}"});
  all.push_back({.op = "SequenceLength", .operands = two, .nodes = list + "%y0: undefined[...] = SequenceLength(%s)"});
  all.push_back({.op = "SequenceInsert",
                 .operands = two,
                 .nodes = list + "%t: undefined[...] = SequenceInsert(%s, %a)\n"
                                 "%y0: undefined[...] = SequenceLength(%t)"});
  all.push_back({.op = "SequenceErase",
                 .operands = two,
                 .nodes = list + "%t: undefined[...] = SequenceErase(%s)\n"
                                 "%y0: undefined[...] = SequenceLength(%t)"});
  all.push_back({.op = "SequenceMap",
                 .operands = two,
                 .nodes = list +
                          "%t: undefined[...] = SequenceMap(%s) {body = graph \"body\" { input %x: float32[1,128,768] "
                          "%r: float32[1,128,768] = Relu(%x) return %r }}\n"
                          "%y0: undefined[...] = ConcatFromSequence(%t) {axis = 1}"});
  all.push_back({.op = "SplitToSequence",
                 .operands = "float32[1,128,768]",
                 .nodes = "%s: undefined[...] = SplitToSequence(%a) {axis = 1}\n"
                          "%y0: undefined[...] = ConcatFromSequence(%s) {axis = 1}"});
}

void add_quantised(Cases& all) {
  const std::string scale = "const float32[] = {0.02}", zero = "const uint8[] = {128}";
  all.push_back(
      {.op = "QuantizeLinear", .operands = with(kMap, " -2..2; " + scale + "; " + zero), .check = Check::codes});
  all.push_back({.op = "DequantizeLinear", .operands = "uint8[1,64,112,112]; " + scale + "; " + zero});
  all.push_back({.op = "DequantizeLinear",
                 .operands = "int8[768,768]; const float32[768] 0.01..0.02; const int8[768] 0..0",
                 .attributes = "axis = 1",
                 .label = "axis"});
  all.push_back(
      {.op = "DynamicQuantizeLinear", .operands = with(kHidden, " -2..2"), .outputs = 3, .check = Check::codes});
  all.push_back(
      {.op = "MatMulInteger", .operands = "uint8[1,128,768]; const int8[768,768] -64..63; const uint8[] = {128}"});
  all.push_back({.op = "ConvInteger",
                 .operands = with(kCodes, "; const int8[64,64,3,3] -64..63; const uint8[] = {128}"),
                 .attributes = "pads = ints[1, 1, 1, 1]"});
  const std::string to = "; const float32[] = {0.5}; " + zero;
  all.push_back({.op = "QLinearConv",
                 .operands = fmt::format("{}; {}; {}; const int8[64,64,3,3] -64..63; const float32[64] 0.001..0.002; "
                                         "const int8[64] 0..0{}; const int32[64]",
                                         kCodes, scale, zero, to),
                 .attributes = "pads = ints[1, 1, 1, 1]",
                 .check = Check::codes});
  all.push_back({.op = "QLinearConv",
                 .operands = fmt::format(
                     "uint8[1,144,56,56]; {}; {}; const int8[144,1,3,3] -64..63; const float32[144] 0.001..0.002; "
                     "const int8[144] 0..0{}; const int32[144]",
                     scale, zero, to),
                 .attributes = "pads = ints[1, 1, 1, 1], group = 144",
                 .label = "depthwise",
                 .check = Check::codes});
  all.push_back(
      {.op = "QLinearMatMul",
       .operands = fmt::format("uint8[1,128,768]; {}; {}; const int8[768,768] -64..63; {}; const int8[] = {{0}}{}",
                               scale, zero, "const float32[] = {0.002}", to),
       .check = Check::codes});
}

void add_microsoft(Cases& all) {
  const auto add = [&all](Case c) {
    c.op = "com.microsoft::" + c.op;
    all.push_back(std::move(c));
  };
  const std::string wide = "float32[1,128,3072] -3..3";
  add({.op = "Gelu", .operands = wide});
  add({.op = "BiasGelu", .operands = wide + "; const float32[3072]"});
  add({.op = "FastGelu", .operands = wide + "; const float32[3072]"});
  add({.op = "QuickGelu", .operands = wide});
  add({.op = "BiasAdd", .operands = "float32[1,4096,320]; const float32[320]; float32[1,4096,320]"});
  add({.op = "BiasDropout", .operands = "float32[1,128,768]; const float32[768]; float32[1,128,768]"});
  add({.op = "BiasSoftmax",
       .operands = "float32[1,12,128,128]; float32[1,1,128,128]",
       .attributes = "axis = 3, is_inner_broadcast = 0"});
  add({.op = "BiasSplitGelu", .operands = "float32[1,1024,2560]; const float32[2560]"});
  add({.op = "SkipLayerNormalization",
       .operands = "float32[1,128,768]; float32[1,128,768]; const float32[768]; const float32[768]; "
                   "const float32[768]",
       .attributes = "epsilon = float 1e-5"});
  add({.op = "SkipSimplifiedLayerNormalization",
       .operands = "float32[1,128,768]; float32[1,128,768]; const float32[768]",
       .attributes = "epsilon = float 1e-5"});
  add({.op = "GroupNorm",
       .operands = "float32[1,64,64,320]; const float32[320]; const float32[320]",
       .attributes = "activation = 1, groups = 32, epsilon = float 1e-5"});
  add({.op = "SkipGroupNorm",
       .operands = "float32[1,64,64,320]; const float32[320]; const float32[320]; float32[1,64,64,320]",
       .attributes = "activation = 1, groups = 32, epsilon = float 1e-5"});
  add({.op = "EmbedLayerNormalization",
       .operands = "int32[1,128] 0..30521; int32[1,128] 0..1; const float32[30522,768]; const float32[512,768]; "
                   "const float32[2,768]; const float32[768]; const float32[768]; int32[1,128] 1..1",
       .attributes = "epsilon = float 1e-6, mask_index_type = 1",
       .outputs = 2});
  add({.op = "Attention",
       .operands =
           "float32[1,128,768] -0.5..0.5; const float32[768,2304] -0.1..0.1; const float32[2304]; int32[1,128] 1..1",
       .attributes = "num_heads = 12"});
  add({.op = "MultiHeadAttention",
       .operands = "float32[1,128,768]; float32[1,128,768]; float32[1,128,768]",
       .attributes = "num_heads = 12"});
  add({.op = "GroupQueryAttention",
       .operands = "float32[1,1,768]; float32[1,1,256]; float32[1,1,256]; float32[1,4,255,64]; float32[1,4,255,64]; "
                   "const int32[1] = {255}; const int32[] = {256}",
       .attributes = "num_heads = 12, kv_num_heads = 4",
       .outputs = 3});
  add({.op = "RotaryEmbedding",
       .operands = "float32[1,12,128,64]; int64[1,128] 0..511; const float32[512,32]; const float32[512,32]"});
  add({.op = "FusedMatMul",
       .operands = "float32[1,12,128,64]; float32[1,12,128,64]",
       .attributes = "transB = 1, alpha = float 0.125"});
  add({.op = "TransposeMatMul", .operands = "float32[1,12,128,64]; float32[1,12,128,64]", .attributes = "transB = 1"});
  add({.op = "FusedMatMulActivation",
       .operands = "float32[128,768]; const float32[768,768]",
       .attributes = "activation = \"Relu\""});
  add({.op = "FusedGemm",
       .operands = "float32[32,768]; const float32[768,768]; const float32[768]",
       .attributes = "activation = \"Relu\""});
  add({.op = "GemmFastGelu", .operands = "float32[128,768]; const float32[768,3072]; const float32[3072]"});
  add({.op = "FusedConv",
       .operands = "float32[1,64,56,56]; const float32[64,64,3,3]; const float32[64]",
       .attributes = "pads = ints[1, 1, 1, 1], activation = \"Relu\""});
  add({.op = "NhwcConv",
       .operands = "float32[1,56,56,64]; const float32[64,3,3,64]",
       .attributes = "pads = ints[1, 1, 1, 1]"});
  add({.op = "NhwcFusedConv",
       .operands = "float32[1,56,56,64]; const float32[64,64,3,3]",
       .attributes = "pads = ints[1, 1, 1, 1]"});
  add({.op = "NhwcMaxPool",
       .operands = "uint8[1,112,112,64]",
       .attributes = "kernel_shape = ints[3, 3], strides = ints[2, 2], pads = ints[1, 1, 1, 1]"});
  add({.op = "CDist", .operands = "float32[256,64]; float32[256,64]", .attributes = "metric = \"sqeuclidean\""});
  add({.op = "ComplexMul", .operands = "float32[1,128,256,2]; float32[1,128,256,2]"});
  add({.op = "ComplexMulConj", .operands = "float32[1,128,256,2]; float32[1,128,256,2]"});
  add({.op = "ExpandDims", .operands = "float32[128,768]; const int32[] = {0}"});
  add({.op = "GatherND", .operands = "float32[512,768]; int64[128,1] 0..511"});
  add({.op = "GridSample", .operands = "float32[1,32,64,64]; float32[1,64,64,2]"});
  add({.op = "Inverse", .operands = "float32[16,32,32] dominant", .tolerance = 1e-4});
  add({.op = "Pad", .operands = "float32[1,64,112,112]; const int64[8] = {0, 0, 1, 1, 0, 0, 1, 1}"});
  add({.op = "Range", .operands = "float32[] = {0}; float32[] = {10000}; float32[] = {1}"});
  add({.op = "TorchEmbedding", .operands = "const float32[30522,768]; int64[1,128] 0..30521"});
  add({.op = "Trilu", .operands = "float32[1,12,128,128]"});
  add({.op = "Unique", .operands = "float32[1000]", .outputs = 3});
}

void add_microsoft_quantised(Cases& all) {
  const auto add = [&all](Case c) {
    c.op = "com.microsoft::" + c.op;
    c.check = Check::codes;
    c.tolerance = 1e-4;
    all.push_back(std::move(c));
  };
  const std::string scale = "const float32[] = {0.02}", zero = "const uint8[] = {128}";
  const std::string a = fmt::format("{}; {}; {}", kCodes, scale, zero), to = "; const float32[] = {0.03}; " + zero;
  add({.op = "QLinearAdd", .operands = a + "; " + a + to});
  add({.op = "QLinearMul", .operands = a + "; " + a + to});
  add({.op = "QLinearSigmoid", .operands = a + "; const float32[] = {0.00390625}; const uint8[] = {0}"});
  add({.op = "QLinearLeakyRelu", .operands = a + to});
  add({.op = "QLinearSoftmax",
       .operands = "uint8[128,1000]; " + scale + "; " + zero + "; const float32[] = {0.00390625}; const uint8[] = {0}",
       .attributes = "axis = 1, opset = 13"});
  add({.op = "QLinearConcat", .operands = scale + "; " + zero + "; " + a + "; " + a, .attributes = "axis = 1"});
  add({.op = "QLinearWhere", .operands = "bool[1,64,56,56]; " + a + "; " + a + to});
  add({.op = "QLinearAveragePool",
       .operands = a + to,
       .attributes = "kernel_shape = ints[3, 3], strides = ints[2, 2], "
                     "pads = ints[1, 1, 1, 1]"});
  add({.op = "QLinearGlobalAveragePool", .operands = "uint8[1,2048,7,7]; " + scale + "; " + zero + to});
  add({.op = "QLinearReduceMean", .operands = a + to, .attributes = "axes = ints[2, 3], keepdims = 1"});
  add({.op = "QLinearConv",
       .operands = "uint8[1,56,56,64]; " + scale + "; " + zero +
                   "; const int8[64,64,3,3] -64..63; "
                   "const float32[64] 0.001..0.002; const int8[64] 0..0; const float32[] = {0.5}; " +
                   zero,
       .attributes = "pads = ints[1, 1, 1, 1], channels_last = 1"});
  add({.op = "QGemm",
       .operands = "uint8[32,768]; " + scale + "; " + zero +
                   "; const int8[768,768] -64..63; const float32[] = {0.002}; "
                   "const int8[] = {0}; const int32[768]; const float32[] = {0.5}; " +
                   zero});
  add({.op = "QuantizeLinear", .operands = with(kMap, " -2..2; " + scale + "; " + zero)});
  add({.op = "DequantizeLinear", .operands = "uint8[1,64,112,112]; " + scale + "; " + zero});
  add({.op = "DynamicQuantizeMatMul",
       .operands = "float32[1,128,768]; const int8[768,768] -64..63; const float32[] = {0.002}; "
                   "const int8[] = {0}"});
  add({.op = "MatMulIntegerToFloat",
       .operands = "uint8[1,128,768]; const int8[768,768] -64..63; " + scale + "; const float32[] = {0.002}; " + zero +
                   "; const int8[] = {0}"});
  add({.op = "MatMulNBits",
       .operands = "float32[1,1,2048]; const uint8[2048,64,16]; const float32[2048,64] 0.001..0.01",
       .attributes = "K = 2048, N = 2048, bits = 4, block_size = 32",
       .label = "one row"});
  add({.op = "MatMulNBits",
       .operands = "float32[1,128,768]; const uint8[768,24,16]; const float32[768,24] 0.001..0.01",
       .attributes = "K = 768, N = 768, bits = 4, block_size = 32"});
  add({.op = "GatherBlockQuantized",
       .operands = "const uint8[8192,384]; int64[1,128] 0..8191; const float32[8192,24] 0.001..0.01",
       .attributes = "bits = 4, block_size = 32, gather_axis = 0, quantize_axis = 1"});
  add({.op = "DynamicQuantizeLSTM",
       .operands = "float32[64,1,128]; const int8[1,128,1024] -64..63; const int8[1,256,1024] -64..63; _; _; _; _; _; "
                   "const float32[1] = {0.002}; const int8[1] = {0}; const float32[1] = {0.002}; const int8[1] = {0}",
       .attributes = "hidden_size = 256",
       .outputs = 3});
  all.back().tolerance = 1e-2;
}

void add_classic(Cases& all) {
  const auto add = [&all](Case c) {
    c.op = "ai.onnx.ml::" + c.op;
    c.tolerance = 1e-4;
    all.push_back(std::move(c));
  };
  const std::string labels = "classlabels_ints = count(10)";
  add({.op = "ArrayFeatureExtractor",
       .operands = std::string(kFeatures) + "; const int64[8] = {0, 3, 5, 8, 13, 21, 34, 55}"});
  add({.op = "Binarizer", .operands = kFeatures});
  add({.op = "Imputer",
       .operands = kFeatures,
       .attributes = "imputed_value_floats = random(64, -1, 1), replaced_value_float = float nan"});
  add({.op = "Scaler", .operands = kFeatures, .attributes = "offset = random(64, -1, 1), scale = random(64, 0.5, 2)"});
  add({.op = "Normalizer", .operands = kFeatures, .attributes = "norm = \"L2\""});
  add({.op = "FeatureVectorizer",
       .operands = "float32[1000,32]; float32[1000,32]",
       .attributes = "inputdimensions = ints[32, 32]"});
  add({.op = "OneHotEncoder", .operands = "int64[1000,4] 0..31", .attributes = "cats_int64s = count(32)"});
  add({.op = "LabelEncoder",
       .operands = "int64[10000] 0..63",
       .attributes = "keys_int64s = count(64), values_floats = random(64, -1, 1)"});
  add({.op = "LabelEncoder",
       .operands = "string[1000] words",
       .attributes = "keys_strings = strings[\"word1\", \"word2\", \"word3\", \"word4\"], values_int64s = count(4)",
       .label = "strings"});
  add({.op = "CategoryMapper",
       .operands = "string[1000] words",
       .attributes = "cats_strings = strings[\"word1\", \"word2\", \"word3\"], cats_int64s = count(3)"});
  add({.op = "LinearClassifier",
       .operands = kFeatures,
       .attributes =
           "coefficients = random(640, -1, 1), intercepts = random(10, -1, 1), post_transform = \"SOFTMAX\", " + labels,
       .outputs = 2});
  add({.op = "LinearRegressor",
       .operands = kFeatures,
       .attributes = "coefficients = random(64, -1, 1), intercepts = random(1, -1, 1)"});
  add({.op = "SVMRegressor",
       .operands = "float32[100,64]",
       .attributes = "kernel_type = \"RBF\", kernel_params = floats[0.05, 0, 3], n_supports = 200, rho = floats[0.1], "
                     "coefficients = random(200, -1, 1), support_vectors = random(12800, -1, 1)"});
  add({.op = "SVMClassifier",
       .operands = "float32[100,64]",
       .attributes =
           "kernel_type = \"RBF\", kernel_params = floats[0.05, 0, 3], vectors_per_class = ints[70, 70, 60], "
           "rho = random(3, -0.1, 0.1), coefficients = random(400, -1, 1), support_vectors = random(12800, -1, 1), "
           "classlabels_ints = count(3)",
       .outputs = 2});
  add({.op = "TreeEnsembleRegressor",
       .operands = kFeatures,
       .attributes = tree_attributes("target", 100, 6, 64, 1) + ", n_targets = 1"});
  add({.op = "TreeEnsembleClassifier",
       .operands = kFeatures,
       .attributes =
           tree_attributes("class", 100, 6, 64, 10) + ", classlabels_int64s = count(10), post_transform = \"SOFTMAX\"",
       .outputs = 2});
  add({.op = "TreeEnsembleRegressor",
       .operands = "float32[1,64]",
       .attributes = tree_attributes("target", 100, 6, 64, 1) + ", n_targets = 1",
       .label = "one row"});
  add({.op = "TreeEnsemble", .operands = kFeatures, .attributes = tree_ensemble_attributes(100, 6, 64)});
}

void add_training(Cases& all) {
  const auto add = [&all](Case c) {
    c.op = "ai.onnx.preview.training::" + c.op;
    all.push_back(std::move(c));
  };
  const std::string start =
      "const float32[] = {0.01}; const int64[] = {1}; float32[768,768]; float32[768,768]; float32[768,768] 0..1";
  add({.op = "Adagrad", .operands = start, .outputs = 2});
  add({.op = "Adam", .operands = start + "; float32[768,768] 0..1", .outputs = 3});
  add({.op = "Momentum",
       .operands = start,
       .attributes = "alpha = float 0.9, beta = float 1, mode = \"standard\", norm_coefficient = float 0.01",
       .outputs = 2});
}

Cases make_cases() {
  Cases all;
  for (const auto add : {add_elementwise, add_movement, add_sums, add_products, add_images, add_drawn, add_text,
                         add_nested, add_quantised, add_classic, add_training, add_microsoft, add_microsoft_quantised})
    add(all);
  return all;
}

constexpr Unposed kUnposed[] = {
    {"Constant", "a constant of the model: nothing runs"},
    {"Optional", "hands its input on"},
    {"OptionalGetElement", "hands its input on"},
    {"OptionalHasElement", "looks at no element"},
    {"SequenceConstruct", "timed with what reads the sequence"},
    {"SequenceEmpty", "makes an empty list"},
    {"ai.onnx.ml.CastMap", "reads a map, which the runtime is not given here"},
    {"ai.onnx.ml.DictVectorizer", "reads a map, which the runtime is not given here"},
    {"ai.onnx.ml.ZipMap", "gives a sequence of maps, which the runtime is not asked for here"},
    {"com.microsoft.EPContext", "holds what another program has compiled: nothing runs"},
    {"com.microsoft.Snpe", "holds what another program has compiled: nothing runs"},
};

}  // namespace

const std::vector<Case>& cases() {
  static const Cases all = make_cases();
  return all;
}

std::span<const Unposed> unposed() { return kUnposed; }

}  // namespace assay::api::opbench
