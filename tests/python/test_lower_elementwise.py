"""Elementwise operators, comparisons, logic, casts, softmax and quantisation in both Core ML formats: what they become,
that coremltools agrees with types and values, that special values survive, and what is refused with which reason."""
from dataclasses import dataclass, field

import coreml_judge
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

INF, NAN = np.inf, np.nan
X = np.float32([-INF, -3e38, -1e10, -3.5, -2.5, -2, -1.5, -1, -0.7, -0.5, -1e-3, -1e-40, -0.0, 0.0, 1e-40, 1e-3, 0.3,
                0.5, 1, 1.5, 2, 2.5, 3.5, 8388609, 1e10, 3e38, INF, NAN]).reshape(4, 7)
Y = np.float32([2, -2, 0.5, 3, -0.0, 1, NAN])
UNIT = np.float32([-1, -0.9, -0.5, -1e-4, -0.0, 0.0, 0.25, 0.75, 1]).reshape(3, 3)
CALM = np.float32([-30, -5, -2.5, -1, -0.3, -1e-3, 0.0, 1e-3, 0.4, 1, 3, 7.5, 40, 80]).reshape(2, 7)
NEAR = CALM.ravel()[2:]  # where 1 + tanh and 1 + erf do not cancel
BIG = np.concatenate([CALM.ravel(), np.float32([88, 89, 1e30, -1e30, INF, -INF, NAN])])
OVER_ONE = np.float32([1, 1.0001, 1.5, 2, 100, 1e20])
N = np.int32([-7, -6, -5, -1, 0, 1, 5, 6, 7])
M = np.int32([2, -3, 4, -5, 6, 7, -2, 3, -7])
W = N.astype(np.int64)
T = np.array([True, False, True, False])
F = np.array([[True], [False]])


@dataclass
class Case:
    """A model of one node and what becomes of it: lists of operations or layers, or the reason of a refusal."""

    kind: str
    inputs: dict
    mil: list | str
    nn: list | str
    attrs: dict = field(default_factory=dict)
    constants: dict = field(default_factory=dict)
    order: list | None = None
    outputs: tuple = ("y",)
    ulp: float = 0  # 0: bit for bit; else how far coremltools' arithmetic may lie from ours, signs of zero aside
    nn_ulp: float = 0  # the same of the layers' arithmetic, computed here, and ONNX's
    oracle: bool = True
    only: str = ""  # what the case is about, for its name

    def model(self):
        return coreml_judge.one_node(self.kind, self.inputs, self.constants, self.outputs, self.order, **self.attrs)

    @property
    def name(self):
        shown = [f"{k}={v}" for k, v in self.attrs.items()] + ([self.only] if self.only else [])
        return "-".join([self.kind, *shown]).replace("/", "_")


def unary(kind, mil, nn, x=X, ulp=0, nn_ulp=0, oracle=True, only="", **attrs):
    return Case(kind, {"x": x}, mil, nn, attrs, ulp=ulp, nn_ulp=nn_ulp, oracle=oracle, only=only)


def binary(kind, a, b, mil, nn, ulp=0, only="", **attrs):
    return Case(kind, {"a": a, "b": b}, mil, nn, attrs, ulp=ulp, only=only or str(a.dtype))


def bounded(low, high, mil, nn, x=X, constant=True, **more):
    bounds = {k: np.asarray(v, x.dtype) for k, v in (("low", low), ("high", high)) if v is not None}
    order = ["x", "low" if low is not None else "", "high" if high is not None else ""]
    return Case("Clip", {"x": x} | ({} if constant else bounds), mil, nn, {}, bounds if constant else {}, order,
                only=f"{low}_{high}_{x.dtype}_{'constant' if constant else 'runtime'}", **more)


NOT_FLOAT32 = "layers compute in float32, not in"
BITS = "operations on the bits of integers"
WHERE = "whereBroadcastable"

FUNCTIONS = [
    unary("Abs", ["abs"], ["unary"]),
    unary("Abs", ["abs"], ["unary"], N, only="int32"),
    unary("Acos", ["acos"], ["acos"], UNIT, 4),
    unary("Acosh", "no operation computes it", ["acosh"], OVER_ONE),
    unary("Asin", ["asin"], ["asin"], UNIT, 4),
    unary("Asinh", "no operation computes it", ["asinh"], CALM),
    unary("Atan", ["atan"], ["atan"], X, 4),
    unary("Atanh", ["atanh"], ["atanh"], UNIT, 4),
    unary("Ceil", ["ceil"], ["ceil"]),
    unary("Celu", ["elu"], ["activation"], CALM, 4096),
    unary("Celu", ["real_div", "elu", "mul"], ["divideBroadcastable", "activation", "multiplyBroadcastable"], CALM,
          4096, alpha=1.7),
    unary("Cos", ["cos"], ["cos"], CALM, 4),
    unary("Cosh", ["cosh"], ["cosh"], CALM, 4),
    unary("Elu", ["elu"], ["activation"], CALM, 4096),
    unary("Elu", ["elu"], ["activation"], X, oracle=False, alpha=0.3),
    unary("Erf", ["erf"], ["erf"], CALM, 4),
    unary("Exp", ["exp"], ["unary"], X, 4),
    unary("Floor", ["floor"], ["floor"]),
    unary("Gelu", ["gelu"], ["gelu"], NEAR, 64),
    unary("Gelu", ["gelu"], ["gelu"], NEAR, 64, approximate="tanh"),
    unary("HardSigmoid", ["sigmoid_hard"], ["activation"], X, 1),
    unary("HardSigmoid", ["sigmoid_hard"], ["activation"], X, 1, alpha=0.3, beta=0.1),
    unary("HardSwish", ["sigmoid_hard", "mul"], ["activation", "multiplyBroadcastable"], X, 1),
    unary("IsInf", ["abs", "equal", "cast"], ["unary", "equal"]),
    unary("IsInf", ["equal", "cast"], ["equal"], detect_negative=0),
    unary("IsInf", ["equal", "cast"], ["equal"], detect_positive=0),
    unary("IsInf", ["less", "cast"], ["lessThan"], detect_positive=0, detect_negative=0),
    unary("IsNaN", ["not_equal", "cast"], ["notEqual"]),
    unary("LeakyRelu", ["leaky_relu"], ["activation"]),
    unary("LeakyRelu", ["leaky_relu"], ["activation"], alpha=-0.5),
    unary("Log", ["log"], ["unary"], X, 4),
    unary("Mish", ["exp", "add", "log", "tanh", "mul"], ["activation", "tanh", "multiplyBroadcastable"], BIG, 16, 16),
    unary("Neg", ["mul"], ["multiplyBroadcastable"]),
    unary("Neg", ["mul"], ["multiplyBroadcastable"], W, only="int64"),
    unary("Reciprocal", ["real_div"], ["divideBroadcastable"]),
    unary("Relu", ["relu"], ["activation"], X, 1),
    unary("Round", ["round"], None),
    unary("Selu", ["exp", "mul", "sub", "mul", "mul", "less", "select"], None, CALM, 4096),
    unary("Selu", ["exp", "mul", "sub", "mul", "mul", "less", "select"], None, X, 4096, alpha=1.1, gamma=0.9),
    unary("Shrink", ["greater", "less", "sub", "select", "add", "select"], None),
    unary("Shrink", ["greater", "less", "sub", "select", "add", "select"], None, lambd=1.5, bias=0.25),
    unary("Sigmoid", ["sigmoid"], ["activation"], CALM, 4),
    unary("Sign", ["sign"], ["sign"]),
    unary("Sign", ["sign"], ["sign"], N, only="int32"),
    unary("Sin", ["sin"], ["sin"], CALM, 4),
    unary("Sinh", ["sinh"], ["sinh"], CALM, 4),
    unary("Softplus", ["exp", "add", "log"], ["activation"], CALM, 16, 4),
    unary("Softsign", ["softsign"], ["activation"], CALM, 2),
    unary("Sqrt", ["sqrt"], ["unary"]),
    unary("Swish", ["silu"], ["activation", "multiplyBroadcastable"], CALM, oracle=False),
    unary("Swish", ["mul", "sigmoid", "mul"], ["multiplyBroadcastable", "activation", "multiplyBroadcastable"], CALM, 8,
          alpha=1.5),
    unary("Tan", ["tan"], ["tan"], CALM, 4),
    unary("Tanh", ["tanh"], ["tanh"], CALM, 4),
    unary("ThresholdedRelu", ["greater", "select"], ["greaterThan", WHERE]),
    unary("ThresholdedRelu", ["greater", "select"], ["greaterThan", WHERE], alpha=-0.5),
    unary("Not", ["cast", "logical_not", "cast"], ["logicalNot"], T),
    unary("BitwiseNot", BITS, "not the bits of integers", N),
    unary("BitCast", "no operation that reads bits", "no layer reads bits", N, to=TensorProto.FLOAT),
    unary("Identity", ["identity"], ["copy"]),
    unary("Dropout", ["identity"], ["copy"]),
    Case("Dropout", {"x": X}, ["less", "logical_not", "identity", "cast"], None, outputs=("y", "mask"), only="mask"),
    Case("Dropout", {"x": X}, "in training mode", "in training mode", {},
         {"ratio": np.float32(0.5), "training": np.array(True)}, only="training"),
    Case("Dropout", {"x": X}, ["identity"], ["copy"], {}, {"ratio": np.float32(0), "training": np.array(True)},
         only="nothing"),
    Case("PRelu", {"x": X, "slope": Y}, ["less", "mul", "select"], None, only="runtime"),
    Case("PRelu", {"x": X}, ["leaky_relu"], ["activation"], {}, {"slope": np.float32([0.3])}, only="one"),
    Case("PRelu", {"x": X.reshape(1, 4, 7, 1)}, ["prelu"], ["activation"], {},
         {"slope": np.float32([0.3, -1, 0, 2]).reshape(4, 1, 1)}, ulp=1, oracle=False, only="channels"),
    Case("PRelu", {"x": X.reshape(1, 4, 7)}, ["less", "mul", "select"], None, {},
         {"slope": np.float32([0.3, -1, 0, 2]).reshape(4, 1)}, only="rank_3"),
    Case("PRelu", {"x": N.reshape(3, 3)}, ["less", "mul", "select"], None, {}, {"slope": np.int32([1, -2, 3])},
         only="int32"),
]

ARITHMETIC = [
    binary("Add", X, Y, ["add"], ["addBroadcastable"]),
    binary("Add", N, M, ["add"], ["addBroadcastable"]),
    binary("Add", np.float32(2.5), X, ["squeeze", "add"], ["addBroadcastable"], only="scalar"),
    binary("Add", N.astype(np.float16), M.astype(np.float16), ["add"], NOT_FLOAT32),
    binary("Sub", X, Y, ["sub"], ["subtractBroadcastable"]),
    binary("Sub", W, M.astype(np.int64), ["sub"], ["subtractBroadcastable"]),
    binary("Mul", X, Y, ["mul"], ["multiplyBroadcastable"]),
    binary("Mul", X, X[:, :1], ["mul"], ["multiplyBroadcastable"], only="columns"),
    binary("Div", X, Y, ["real_div"], ["divideBroadcastable"]),
    binary("Div", N, M, ["floor_div", "mul", "sub", "not_equal", "less", "less", "logical_xor", "logical_and", "cast",
                         "add"], ["divideBroadcastable", "lessThan", "ceil", "floor", WHERE]),
    binary("Mod", N, M, ["mod"], ["modBroadcastable"]),
    binary("Mod", W, M.astype(np.int64), ["mod", "not_equal", "less", "less", "logical_xor", "logical_and", "cast",
                                          "mul", "sub"], None, fmod=1),
    binary("Mod", X, Y, ["abs", "abs", "mod", "greater", "sub", "select", "less", "mul", "select"], None, fmod=1),
    binary("Pow", X, Y, ["pow"], ["powBroadcastable"], ulp=4),
    binary("Pow", CALM, np.int64([2, 3, 0, -1, 1, 5, 2]), ["cast", "pow"], ["powBroadcastable"], ulp=8, only="mixed"),
    Case("Pow", {"b": CALM}, ["exp2"], ["exp2"], {}, {"a": np.float32(2)}, ["a", "b"], ulp=4, only="base_2"),
    Case("Pow", {"a": N}, ["mul", "mul"], ["multiplyBroadcastable"] * 2, {}, {"b": np.int32(3)}, only="cube"),
    binary("Pow", N, M, "constant exponents from 1 to 8", "constant exponents from 1 to 8"),
    binary("BitwiseAnd", N, M, BITS, "not the bits of integers"),
    binary("BitwiseOr", N, M, BITS, "not the bits of integers"),
    binary("BitwiseXor", N, M, BITS, "not the bits of integers"),
    Case("Max", {"a": X, "b": Y, "c": X[:, :1]}, ["maximum", "maximum"], ["maxBroadcastable"] * 2, ulp=1),
    Case("Max", {"a": X}, ["identity"], ["copy"], only="one"),
    binary("Max", N, M, ["maximum"], ["maxBroadcastable"]),
    Case("Min", {"a": X, "b": Y, "c": X[:, :1]}, ["minimum", "minimum"], ["minBroadcastable"] * 2, ulp=1),
    binary("Min", W, M.astype(np.int64), ["minimum"], ["minBroadcastable"]),
    Case("Sum", {"a": X, "b": Y, "c": X[:, :1]}, ["add", "add"], ["addBroadcastable"] * 2),
    Case("Mean", {"a": X, "b": Y, "c": X[:, :1]}, ["add", "add", "real_div"], None),
    bounded(-1, 2, ["clip"], ["clip"]),
    bounded(None, 2, ["clip"], ["clip"]),
    bounded(-1, None, ["clip"], ["clip"]),
    bounded(None, None, ["identity"], ["copy"]),
    bounded(NAN, 1, ["clip"], ["clip"]),
    bounded(0, 0, ["less", "select", "less", "select"], ["clip"]),
    bounded(2, -1, ["less", "select", "less", "select"], ["lessThan", WHERE] * 2),
    bounded(-1, 2, ["squeeze", "squeeze", "less", "select", "less", "select"], ["lessThan", WHERE] * 2, constant=False),
    bounded(-2, 5, ["maximum", "minimum"], ["clip"], N),
    bounded(-2, 5, ["squeeze", "squeeze", "maximum", "minimum"], ["lessThan", WHERE] * 2, N, constant=False),
]

LOGIC = [
    *(binary(kind, a, b, [mil, "cast"], [nn])
      for kind, mil, nn in (("Equal", "equal", "equal"), ("Greater", "greater", "greaterThan"),
                            ("GreaterOrEqual", "greater_equal", "greaterEqual"), ("Less", "less", "lessThan"),
                            ("LessOrEqual", "less_equal", "lessEqual"))
      for a, b in ((X, X.ravel()[::-1].reshape(X.shape)), (N, M), (W, M.astype(np.int64)))),
    binary("Equal", T, F, ["cast", "cast", "logical_xor", "logical_not", "cast"], ["equal"]),
    binary("And", T, F, ["cast", "cast", "logical_and", "cast"], ["logicalAnd"]),
    binary("Or", T, F, ["cast", "cast", "logical_or", "cast"], ["logicalOr"]),
    binary("Xor", T, F, ["cast", "cast", "logical_xor", "cast"], ["logicalXor"]),
    Case("Where", {"c": T, "a": X[:, :4], "b": X[:1, :4]}, ["cast", "select"], [WHERE]),
    Case("Where", {"c": F, "a": N, "b": M}, ["cast", "logical_not", "logical_or", "cast", "mul", "select"], [WHERE],
         only="condition_is_larger"),
    Case("Where", {"c": F}, ["cast", "logical_not", "logical_or", "cast", "mul", "select"], [WHERE], {},
         {"a": np.float32(0), "b": np.float32(-INF)}, only="mask"),
    Case("Where", {"c": F, "a": T, "b": T}, None, [WHERE], only="bool"),
]

CASTS = [
    unary("Cast", ["cast"], ["lessThan", "ceil", "floor", WHERE], np.float32([-2.5, -1, -0.5, -0.0, 0.5, 1.5, 1e6]),
          to=TensorProto.INT32),
    unary("Cast", ["cast"], ["lessThan", "ceil", "floor", WHERE], np.float32([-2.5, -1, -0.5, -0.0, 0.5, 1.5, 1e6]),
          to=TensorProto.INT64),
    unary("Cast", ["cast", "cast"], ["notEqual"], X, to=TensorProto.BOOL),
    unary("Cast", ["cast"], ["addBroadcastable"], N, to=TensorProto.FLOAT),
    unary("Cast", ["cast", "cast"], ["notEqual"], N, to=TensorProto.BOOL),
    unary("Cast", ["cast", "cast"], ["copy"], T, to=TensorProto.FLOAT),
    unary("Cast", ["cast", "cast"], ["copy"], T, to=TensorProto.INT32),
    unary("Cast", ["cast"], "layers have no float16", np.float32([1e-8, 0.1, 65519, 65520, NAN]),
          to=TensorProto.FLOAT16),
    unary("Cast", ["cast"], ["copy"], np.float16([0.1, -0.0, NAN]), only="half", to=TensorProto.FLOAT),
    unary("Cast", ["identity"], ["copy"], W, only="int64", to=TensorProto.INT32),
    Case("CastLike", {"x": CALM, "like": N}, ["cast"], ["lessThan", "ceil", "floor", WHERE]),
]

SOFTMAX = [
    unary("Softmax", ["softmax"], ["softmaxND"], CALM, 16),
    unary("Softmax", ["softmax"], ["softmaxND"], CALM, 16, axis=0),
    unary("LogSoftmax", ["reduce_max", "sub", "exp", "reduce_sum", "log", "sub"], None, CALM, 16),
    unary("LogSoftmax", ["reduce_max", "sub", "exp", "reduce_sum", "log", "sub"], None, CALM, 1e4, axis=0),
    *(unary("Hardmax", ["reduce_max", "equal", "not_equal", "logical_or", "cast", "cumsum", "equal", "logical_and",
                        "cast"], ["reduceMax", "equal", "notEqual", "logicalOr", "cumSum", "equal", "logicalAnd"],
            np.float32([[1, 3, 3, -1], [2, NAN, 5, NAN], [-INF, -INF, -INF, -INF], [0, -0.0, 0, 1]]), axis=axis)
      for axis in (-1, 0)),
    unary("Softmax", "a scalar has no axis", "a scalar has no axis", np.float32(1), only="scalar"),
]

CASES = FUNCTIONS + ARITHMETIC + LOGIC + CASTS + SOFTMAX


@pytest.fixture
def judge(assay, tmp_path):
    return coreml_judge.Judge(assay, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_ml_program(judge, case):
    if isinstance(case.mil, str):
        return judge.refused(case.model(), "mlprogram", case.mil)
    return judge.program(case.model(), case.inputs, ulp=case.ulp, oracle=case.oracle, ops=case.mil)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_neural_network(judge, case):
    if isinstance(case.nn, str):
        return judge.refused(case.model(), "neuralnetwork", case.nn)
    return judge.network(case.model(), case.inputs, kinds=case.nn, ulp=case.nn_ulp)


def test_softplus_of_large_numbers(judge, assay, tmp_path):
    """ONNX's is infinite above 88, and an ML Program as it; the layer keeps x, also where blobs are float16."""
    x = np.float32([-30, 0, 5, 11.5, 20, 88, 89, 1e4])
    model = coreml_judge.one_node("Softplus", {"x": x})
    judge.program(model, {"x": x}, ulp=16)
    assert judge.run(judge.folder / "m.onnx", {"x": x})["y"][-1] == INF
    path, _ = judge.convert(model, "neuralnetwork")
    np.testing.assert_allclose(judge.run(path, {"x": x})["y"], np.logaddexp(x, 0), 1e-6, 1e-7)
    np.savez(tmp_path / "in.npz", x=x)
    assay("run", path, "--input", tmp_path / "in.npz", "--output", tmp_path / "y.npz", "--profile", "coreml-nn-gpu",
          code=0)
    np.testing.assert_allclose(np.load(tmp_path / "y.npz")["y"], np.logaddexp(x, 0), 1e-3, 1e-7)


@pytest.mark.parametrize(("kind", "format", "reason"), [
    (TensorProto.INT8, "mlprogram", "integers wrap around"),
    (TensorProto.INT8, "neuralnetwork", "integers wrap around"),
    (TensorProto.DOUBLE, "mlprogram", "do not compute with float64"),
    (TensorProto.DOUBLE, "neuralnetwork", "layers have no float64"),
    (TensorProto.STRING, "mlprogram", "do not compute with string"),
    (TensorProto.STRING, "neuralnetwork", "layers have no string"),
])
def test_casts_to_types_that_only_stand_inside(judge, kind, format, reason):
    nodes = [helper.make_node("Cast", ["x"], ["t"], to=kind),
             helper.make_node("Cast", ["t"], ["y"], to=TensorProto.INT32)]
    judge.refused(coreml_judge.make(nodes, {"x": N}, ["y"]), format, reason)


def test_shifts_are_refused(judge):
    nodes = [helper.make_node("Cast", ["x"], ["t"], to=TensorProto.UINT8),
             helper.make_node("BitShift", ["t", "t"], ["s"], direction="LEFT"),
             helper.make_node("Cast", ["s"], ["y"], to=TensorProto.INT32)]
    model = coreml_judge.make(nodes, {"x": CALM}, ["y"])
    judge.refused(model, "mlprogram", f"BitShift (1, first BitShift (writes 's')): ML Programs have no {BITS}")
    judge.refused(model, "neuralnetwork", "not the bits of integers")


def test_narrow_integers_are_compared_as_int32(judge):
    """8 bit numbers are only compared and chosen from, for which they are widened; sums of them would wrap."""
    x, y = np.float32([0, 3, 200, 255]), np.float32([1, 3, 100, 255])
    def model(kind):
        nodes = [helper.make_node("Cast", ["x"], ["a"], to=TensorProto.UINT8),
                 helper.make_node("Cast", ["y"], ["b"], to=TensorProto.UINT8),
                 helper.make_node(kind, ["a", "b"], ["c"]),
                 helper.make_node("Cast", ["c"], ["z"], to=TensorProto.INT32)]
        return coreml_judge.make(nodes, {"x": x, "y": y}, ["z"])
    for kind in ("Max", "Min", "Less", "Equal"):
        spec = judge.program(model(kind), {"x": x, "y": y})
        assert spec.specificationVersion == 8
        judge.network(model(kind), {"x": x, "y": y})
    judge.refused(model("Add"), "mlprogram", "do not compute with uint8")
    judge.refused(model("Add"), "neuralnetwork", "layers compute in float32, not in uint8")


def quantised(x, scale, zero, **attrs):
    """QuantizeLinear and back, so that 8 bit numbers stay inside."""
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"], **attrs),
             helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["y"], **attrs)]
    return coreml_judge.make(nodes, {"x": x}, ["y"], {"scale": scale, "zero": zero})


@pytest.mark.parametrize(("scale", "zero", "attrs"), [
    (np.float32(0.05), np.int8(3), {}),
    (np.float32(0.05), np.uint8(130), {}),
    (np.float32([0.05, 0.5, 2]), np.uint8([0, 128, 255]), {"axis": 1}),
])
def test_quantised_values(judge, scale, zero, attrs):
    x = np.float32([[-1e9, -0.125, -0.075], [0.025, 0.075, 0.125], [1e9, 3.3, -5]])
    model = quantised(x, scale, zero, **attrs)
    spec = judge.program(model, {"x": x}, oracle=False, ops=["quantize", "dequantize"])
    assert spec.specificationVersion == 8
    judge.network(model, {"x": x})


def dequantised(q, scale, zero=None, **attrs):
    constants = {"q": q, "scale": scale} | ({} if zero is None else {"zero": zero})
    nodes = [helper.make_node("DequantizeLinear", list(constants), ["w"], **attrs),
             helper.make_node("Mul", ["x", "w"], ["y"])]
    return coreml_judge.make(nodes, {"x": np.ones(q.shape, np.float32)}, ["y"], constants)


Q = np.arange(-12, 12, dtype=np.int8).reshape(4, 6)


@pytest.mark.parametrize(("q", "scale", "zero", "attrs", "kind", "version"), [
    (Q, np.float32(0.1), np.int8(2), {}, "constexpr_affine_dequantize", 7),
    (Q.view(np.uint8), np.float32(0.1), None, {}, "constexpr_affine_dequantize", 7),
    (Q, np.float32([0.1, 0.2, 0.3, 0.4]), np.int8([1, 2, 3, 4]), {"axis": 0}, "constexpr_affine_dequantize", 7),
    (Q, np.float32(np.arange(8).reshape(4, 2) + 0.1), None, {"axis": 1, "block_size": 3},
     "constexpr_blockwise_shift_scale", 9),
    (Q, np.float32(np.arange(12).reshape(2, 6) + 0.1), np.int8(np.arange(12).reshape(2, 6)),
     {"axis": 0, "block_size": 2}, "constexpr_blockwise_shift_scale", 9),
])
def test_constants_stay_quantised(judge, q, scale, zero, attrs, kind, version):
    model, x = dequantised(q, scale, zero, **attrs), {"x": np.ones(q.shape, np.float32)}
    spec = judge.program(model, x, oracle=False, ops=[kind, "mul"])
    assert spec.specificationVersion == version
    if not attrs.get("block_size"):
        judge.network(model, x)


def test_bias_of_quantised_models(judge):
    """int32 constants have no quantised form: the arithmetic is written out."""
    model = dequantised(np.int32([[-70000, 3], [123456789, -1]]), np.float32(3e-4))
    judge.program(model, {"x": np.ones((2, 2), np.float32)}, ops=["cast", "mul", "mul"])


def test_dynamic_quantisation(judge):
    nodes = [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
             helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    for x in (CALM / 3, np.abs(CALM), -np.abs(CALM), np.zeros((2, 2), np.float32)):
        model = coreml_judge.make(nodes, {"x": x}, ["y", "s"])
        judge.program(model, {"x": x})
        judge.network(model, {"x": x})


def test_a_log_of_zero_is_infinite(judge):
    """Written out, because the default epsilon is not 0."""
    spec = judge.program(coreml_judge.one_node("Log", {"x": X}), {"x": X}, ulp=4)
    consts = {op.outputs[0].name: op for op in coreml_judge.main_block(spec).operations if op.type == "const"}
    log = next(op for op in coreml_judge.main_block(spec).operations if op.type == "log")
    epsilon = consts[log.inputs["epsilon"].arguments[0].name].attributes["val"]
    assert list(epsilon.immediateValue.tensor.floats.values) == [0]


def test_unary_layers_state_what_zero_would_default(judge):
    layer = judge.network(coreml_judge.one_node("Log", {"x": X}), {"x": X}).neuralNetwork.layers[0].unary
    assert layer.epsilon == np.float32(1e-45) and layer.scale == 1 and layer.shift == 0
    layer = judge.network(coreml_judge.one_node("Sqrt", {"x": X}), {"x": X}).neuralNetwork.layers[0].unary
    assert layer.shift == 0 and np.signbit(layer.shift)


def test_an_operand_keeps_its_name(judge):
    """Identity gives no other value's result a new name."""
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Identity", ["r"], ["i"]),
             helper.make_node("Add", ["r", "i"], ["y"])]
    model = coreml_judge.make(nodes, {"x": X}, ["r", "i", "y"])
    judge.program(model, {"x": X}, ulp=1)
    judge.network(model, {"x": X})


def test_unknown_sizes(judge, tmp_path):
    """Types with symbolic dimensions are what coremltools infers too."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])
    c = helper.make_tensor_value_info("c", TensorProto.FLOAT, ["n", 1])
    nodes = [helper.make_node("Greater", ["x", "c"], ["g"]), helper.make_node("Where", ["g", "x", "zero"], ["w"]),
             helper.make_node("Softmax", ["w"], ["s"]), helper.make_node("Hardmax", ["s"], ["y"])]
    graph = helper.make_graph(nodes, "g", [x, c], [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
                              [onnx.numpy_helper.from_array(np.float32(0), "zero")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)
    path, _ = judge.convert(model, "mlprogram", "--input", "x:1..8x3", "--input", "c:1..8x1")
    coreml_judge.check_types(*coreml_judge.read_spec(path))
