"""How far Assay and ONNX Runtime may lie apart, per family of operators: the one table.

An element agrees when it is within `ulp` units in the last place of ONNX Runtime's; or within `norm` machine epsilons
of the largest finite magnitude among the inputs and the result, which sums in another order lose where they cancel; or
within `flat` machine epsilons of 1. Families with `bits` agree in every bit: signs of zeros and payloads of NaNs too.
Elsewhere all NaNs are one and +0 is -0. Integers are exact, but for codes of families with `steps`, which may be that
far apart. Booleans, types and shapes are always exact.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Tolerance:
    ulp: float
    norm: float
    why: str
    operators: str
    bits: bool = False
    flat: float = 0
    steps: int = 0


TOLERANCES = {
    "movement": Tolerance(0, 0, "bits are copied", bits=True, operators="""
        Cast CastLike BitCast CenterCropPad Compress Concat Constant ConstantOfShape DepthToSpace Dropout
        Expand EyeLike Flatten Gather GatherElements GatherND Identity OneHot Pad Reshape ReverseSequence Shape
        Size Slice SpaceToDepth Split Squeeze TensorScatter Tile Transpose Trilu Unsqueeze Where MaxUnpool
        Scatter com.microsoft.ExpandDims com.microsoft.Pad com.microsoft.Trilu ArrayFeatureExtractor Binarizer
        Imputer FeatureVectorizer OneHotEncoder LabelEncoder CategoryMapper StringConcat StringNormalizer
        StringSplit RegexFullMatch"""),
    "choice": Tolerance(0, 0, "one of the operands is returned", operators="""
        ArgMax ArgMin Clip GlobalMaxPool Max MaxPool Min NonMaxSuppression NonZero ReduceMax ReduceMin Relu
        Hardmax Sign ThresholdedRelu TopK Unique And Or Xor Not BitShift BitwiseAnd BitwiseNot BitwiseOr
        BitwiseXor Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN com.microsoft.GatherND
        com.microsoft.NhwcMaxPool com.microsoft.Unique"""),
    "integers": Tolerance(0, 0, "sums of integers are exact, and scaled alike", operators="""
        MatMulInteger ConvInteger QLinearConv QLinearMatMul"""),
    "codes": Tolerance(
        16, 16, "floats in another order of steps, at the border between two codes", steps=1,
        operators="""
        QGemm QLinearAdd QLinearMul QLinearSigmoid QLinearLeakyRelu QLinearSoftmax QLinearConcat QLinearWhere
        QLinearAveragePool QLinearGlobalAveragePool"""),
    "rounded once": Tolerance(0, 0, "one correctly rounded operation", operators="""
        Abs Add Ceil Div Floor Mod Mul Neg Reciprocal Round Sqrt Sub PRelu LeakyRelu Shrink QuantizeLinear
        DequantizeLinear GatherBlockQuantized If Loop Scan"""),
    "few steps": Tolerance(3, 0, "two to four roundings, or fused ones", operators="""
        HardSigmoid HardSwish Mean Sum Softsign Col2Im DynamicQuantizeLinear Scaler TfIdfVectorizer"""),
    "elementary": Tolerance(
        8, 0, "elementary functions of 1 to 4 ULP; log(1 + x) and the like cancel near 0", flat=2,
        operators="""
        Acos Acosh Asin Asinh Atan Atanh Celu Cos Cosh Elu Erf Exp Log Pow Selu Sigmoid Sin Sinh Softplus Tan
        Tanh"""),
    "gated": Tolerance(
        8, 0, "x times a function that ends near 0, where one runtime or the other cancels", flat=8,
        operators="""
        Gelu Mish Swish com.microsoft.Gelu com.microsoft.BiasGelu com.microsoft.FastGelu
        com.microsoft.QuickGelu"""),
    "sums": Tolerance(16, 32, "sums in another order, or step by step", operators="""
        AveragePool CumSum CumProd GlobalAveragePool GlobalLpPool LpNormalization LpPool ReduceL1 ReduceL2
        ReduceLogSum ReduceLogSumExp ReduceMean Range ReduceProd ReduceSum ReduceSumSquare ScatterElements
        ScatterND Softmax LogSoftmax LRN com.microsoft.CDist com.microsoft.Range com.microsoft.RotaryEmbedding"""),
    "products": Tolerance(16, 16, "dot products in another order", operators="""
        MatMul Gemm Conv ConvTranspose Einsum DynamicQuantizeMatMul MatMulIntegerToFloat MatMulNBits
        com.microsoft.FusedConv com.microsoft.FusedGemm com.microsoft.FusedMatMul com.microsoft.TransposeMatMul
        com.microsoft.Inverse"""),
    "normalisations": Tolerance(32, 32, "a sum, a sum of squares and a square root, in other orders", operators="""
        BatchNormalization GroupNormalization InstanceNormalization LayerNormalization RMSNormalization
        SimplifiedLayerNormalization com.microsoft.EmbedLayerNormalization com.microsoft.SkipLayerNormalization
        com.microsoft.SkipSimplifiedLayerNormalization"""),
    "difference of squares": Tolerance(2048, 2048, "the variance as E[x^2] - E[x]^2 cancels", operators="""
        MeanVarianceNormalization"""),
    "sampling": Tolerance(16, 16, "coordinates and weights in float32, taps in another order", operators="""
        Resize Upsample GridSample RoiAlign com.microsoft.GridSample"""),
    "turned": Tolerance(2, 4, "two products and a sum, which ONNX Runtime may fuse", operators="""
        RotaryEmbedding"""),
    "attention": Tolerance(64, 64, "two dot products in other orders, a softmax between them", operators="""
        Attention CausalConvWithState LinearAttention com.microsoft.Attention com.microsoft.GroupQueryAttention
        com.microsoft.MultiHeadAttention"""),
    "recurrent": Tolerance(64, 64, "dot products and elementary functions, fed back", operators="""
        RNN GRU LSTM"""),
    "quantised recurrent": Tolerance(
        64, 64, "a state at the border between two codes takes one or the other", flat=65536,
        operators="""
        DynamicQuantizeLSTM"""),
    "certain draws": Tolerance(0, 0, "the one number that can be drawn", operators="""
        Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike"""),
    "regions": Tolerance(0, 0, "one of the elements is returned", operators="""
        MaxRoiPool"""),
    "windows": Tolerance(8, 0, "a cosine of an angle of a few units", flat=8, operators="""
        BlackmanWindow HammingWindow HannWindow MelWeightMatrix"""),
    "transforms": Tolerance(64, 512, "theirs are computed in float32", operators="""
        DFT STFT"""),
    "determinants": Tolerance(64, 256, "eliminations in another order, products of results", operators="""
        Det"""),
    "deformed": Tolerance(32, 64, "coordinates and dot products in float32, in another order", operators="""
        AffineGrid DeformConv"""),
    "losses": Tolerance(16, 32, "logarithms of sums, and sums of losses, in another order", operators="""
        NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss"""),
    "trees": Tolerance(16, 32, "sums of leaves in another order, then exp", flat=4, operators="""
        Normalizer TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor"""),
    "machines": Tolerance(
        64, 64, "dot products in another order, kernels, then sums in float64", flat=16,
        operators="""
        LinearClassifier LinearRegressor SVMClassifier SVMRegressor"""),
}

# Why ONNX Runtime cannot be asked.
NOT_IN_ONNX_RUNTIME = {"SwiGLU": "it inlines the function body, and then lacks the body's Swish"}

_FAMILY = {kind: name for name, row in TOLERANCES.items() for kind in row.operators.split()}


def family_of(kind, domain=""):
    """The name of the operator's family; an operator without one is an error."""
    return _FAMILY.get(f"{domain}.{kind}") or _FAMILY[kind]
