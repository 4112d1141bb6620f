"""Operators that compute over windows, products, axes and sequences, as both Core ML formats.

Each case is one operator with one set of attributes. Converted files must be what coremltools infers, and Assay must
compute from them what it computes from the ONNX file: bit for bit where one operation became one, within a few units in
the last place (`ulp`) where it became several whose sums are rounded otherwise. What a format cannot say is refused
with the reason.
"""
from dataclasses import dataclass, field

import numpy as np
import onnx
import pytest
from coreml_judge import Judge, make, same
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Case:
    kind: str
    inputs: dict
    constants: dict = field(default_factory=dict)
    attributes: dict = field(default_factory=dict)
    order: list = None
    outputs: tuple = ("y",)
    opset: int = 24
    program: object = True  # operations that must stand in it; or True
    network: object = True  # kinds of layers; or True
    no_program: str = ""  # the reason of a refusal
    no_network: str = ""
    refused: str = ""  # of both
    ulp: int = 0
    oracle: bool = False  # coremltools computes the values too
    note: str = ""

    def reason(self, kind):
        return self.refused or (self.no_program if kind == "mlprogram" else self.no_network)

    def model(self):
        operands = [*self.inputs, *self.constants] if self.order is None else self.order
        node = helper.make_node(self.kind, operands, list(self.outputs), **self.attributes)
        return make([node], self.inputs, [name for name in self.outputs if name], self.constants, self.opset)

    def __str__(self):
        return f"{self.kind} {self.note or ' '.join(f'{k}={v}' for k, v in self.attributes.items())}".strip()


class Near(Judge):
    """Allows `ulp` units in the last place between the two files."""

    ulp = 0

    def same_run(self, path, inputs, want, ulp=0):
        if not self.lifts:
            return
        got = self.run(path, inputs)
        assert list(got) == list(want)
        for name, array in want.items():
            same(got[name], array, f"'{name}' of {path.suffix}", max(ulp, self.ulp))


def x(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)


def ints(*shape, seed=0, high=9, dtype=np.int32):
    return np.random.default_rng(seed).integers(-high, high, shape).astype(dtype)


def i64(*values):
    return np.asarray(values, np.int64)


def conv(data, weight, bias=None, **options):
    known = {k: options.pop(k) for k in list(options) if k in Case.__dataclass_fields__}
    constants = {"W": weight} if bias is None else {"W": weight, "B": bias}
    return Case(known.pop("kind", "Conv"), {"X": data}, constants, options, **known)


ONE_D = ["expandDims", "convolution", "squeeze"]
CONVOLUTIONS = [
    conv(x(1, 3, 9), x(4, 3, 3), x(4), program=["conv"], network=ONE_D, note="one dimension"),
    conv(x(2, 3, 9), x(4, 3, 3), pads=[2, 1], strides=[2], dilations=[2], network=ONE_D),
    conv(x(1, 3, 8, 7), x(4, 3, 3, 2), x(4), program=["conv"], network=["convolution"], note="plain"),
    conv(x(1, 3, 8, 7), x(4, 3, 3, 3), x(4), pads=[1, 2, 0, 1], network=["convolution"]),
    conv(x(1, 4, 8, 7), x(6, 2, 3, 3), group=2, strides=[2, 1], dilations=[1, 2], network=["convolution"]),
    conv(x(1, 4, 8, 7), x(4, 1, 3, 3), x(4), group=4, auto_pad="SAME_UPPER", strides=[2, 2]),
    conv(x(1, 4, 8, 7), x(4, 1, 2, 2), x(4), group=4, auto_pad="SAME_LOWER"),
    conv(x(1, 2, 8, 7), x(4, 2, 3, 3), auto_pad="VALID"),
    conv(x(1, 2, 4, 5, 6), x(3, 2, 2, 3, 2), x(3), pads=[0, 1, 1, 1, 0, 0], program=["conv"],
         network=["convolution3d"]),
    conv(x(1, 2, 4, 5, 6), x(4, 1, 2, 3, 2), group=2, strides=[1, 2, 1], dilations=[2, 1, 2]),
    Case("Conv", {"X": x(1, 2, 6, 5), "W": x(3, 2, 3, 3)}, attributes={"pads": [1, 0, 1, 1]}, program=["conv"],
         network=["convolution"], note="weight that is computed"),
    Case("Conv", {"X": x(1, 2, 6), "W": x(3, 2, 3), "B": x(3)}, program=["conv", "reshape", "add"],
         note="weight and bias that are computed"),
    Case("Conv", {"X": x(1, 2, 6, 5), "W": x(3, 2, 2, 2)}, attributes={"dilations": [2, 1]},
         refused="a dilated convolution with a weight that is computed"),
    conv(x(1, 2, 6, 5), x(3, 2, 2, 2), pads=[-1, 0, 0, 0], refused="negative pads"),
]
TRANSPOSED = [
    conv(x(1, 3, 5), x(3, 4, 3), x(4), kind="ConvTranspose", network=ONE_D, note="one dimension"),
    conv(x(1, 3, 5, 4), x(3, 4, 3, 2), x(4), kind="ConvTranspose", strides=[2, 2], program=["conv_transpose"]),
    conv(x(1, 4, 5, 4), x(4, 2, 3, 3), x(4), kind="ConvTranspose", group=2, strides=[2, 1], pads=[1, 0, 1, 1]),
    conv(x(1, 3, 5, 4), x(3, 4, 3, 3), kind="ConvTranspose", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1],
         program=["conv_transpose"], network=["convolution"]),
    conv(x(1, 3, 5, 4), x(3, 4, 2, 2), x(4), kind="ConvTranspose", strides=[3, 3], output_padding=[2, 1],
         program=["conv_transpose", "pad", "reshape", "add"],
         network=["convolution", "constantPad", "reshapeStatic", "addBroadcastable"]),
    conv(x(1, 3, 5, 4), x(3, 4, 3, 3), x(4), kind="ConvTranspose", strides=[2, 2], output_shape=[10, 8]),
    conv(x(1, 3, 5, 4), x(3, 4, 3, 3), x(4), kind="ConvTranspose", strides=[2, 3], auto_pad="SAME_UPPER"),
    conv(x(1, 3, 5, 4), x(3, 4, 3, 3), x(4), kind="ConvTranspose", strides=[2, 3], auto_pad="SAME_LOWER"),
    conv(x(1, 3, 5, 4), x(3, 4, 2, 2), kind="ConvTranspose", dilations=[2, 1], program=["conv_transpose"],
         no_network="deconvolution layers ignore dilations"),
    conv(x(1, 2, 3, 4, 2), x(2, 3, 2, 2, 2), x(3), kind="ConvTranspose", strides=[2, 1, 2], network=["convolution3d"]),
    conv(x(1, 4, 3, 4, 2), x(4, 3, 2, 2, 2), kind="ConvTranspose", group=2, pads=[0, 1, 0, 0, 0, 1]),
    Case("ConvTranspose", {"X": x(1, 2, 4, 3), "W": x(2, 3, 2, 2)}, program=["conv_transpose"],
         no_network="layers take a weight that is computed"),
]


def pool(kind, data, kernel, **options):
    known = {k: options.pop(k) for k in list(options) if k in Case.__dataclass_fields__}
    return Case(kind, {"X": data}, {}, {"kernel_shape": kernel, **options}, **known)


POOLS = [
    *[pool(kind, x(1, 2, 9), [3], strides=[2], pads=[1, 1]) for kind in ("MaxPool", "AveragePool", "LpPool")],
    *[pool(kind, x(1, 2, 9, 8), [3, 2], strides=[2, 3], pads=[1, 0, 0, 1])
      for kind in ("MaxPool", "AveragePool", "LpPool")],
    *[pool(kind, x(1, 2, 9, 8), [3, 2], strides=[2, 3], ceil_mode=1) for kind in ("MaxPool", "AveragePool", "LpPool")],
    *[pool(kind, x(1, 2, 8, 7), [3, 3], strides=[2, 2], auto_pad=mode) for kind in ("MaxPool", "AveragePool", "LpPool")
      for mode in ("SAME_UPPER", "SAME_LOWER", "VALID")],
    *[pool(kind, x(1, 2, 5, 6, 7), [2, 3, 2], strides=[2, 1, 2], pads=[0, 1, 1, 1, 1, 0], network=["pooling3d"])
      for kind in ("MaxPool", "AveragePool")],
    pool("MaxPool", x(1, 2, 7, 7), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1, program=["max_pool"]),
    pool("AveragePool", x(1, 2, 9, 8), [3, 3], pads=[1, 1, 1, 1], count_include_pad=1, program=["avg_pool"]),
    pool("AveragePool", x(1, 2, 9, 8), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1, ceil_mode=1,
         refused="ceil_mode with count_include_pad"),
    pool("MaxPool", x(1, 2, 9, 8), [3, 3], dilations=[2, 2], refused="a dilated"),
    pool("MaxPool", x(1, 2, 9, 8), [3, 3], outputs=("y", "i"), refused="positions of maxima"),
    pool("LpPool", x(1, 2, 9, 8), [3, 3], p=3, refused="p = 3"),
    pool("LpPool", x(1, 2, 4, 4, 4), [2, 2, 2], refused="three dimensions"),
    *[Case(kind, {"X": x(2, 3, *shape)}) for kind in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
      for shape in ((5,), (4, 6), (2, 3, 4))],
    Case("GlobalLpPool", {"X": x(2, 3, 4, 6)}, attributes={"p": 1}),
    Case("GlobalLpPool", {"X": x(2, 3, 4, 6)}, attributes={"p": 3}, ulp=4),
    Case("MaxUnpool", {"X": x(1, 1, 2, 2), "I": np.array([[[[0, 3], [9, 10]]]], np.int64)},
         attributes={"kernel_shape": [2, 2], "strides": [2, 2]}, refused="positions"),
]


def product(a, b, constant=False, **options):
    return Case("MatMul", {"A": a} if constant else {"A": a, "B": b}, {"B": b} if constant else {}, **options)


PRODUCTS = [
    product(x(3, 4), x(4, 5), program=["matmul"], network=["batchedMatmul"], oracle=True, ulp=8, note="matrices"),
    product(x(3, 4), x(4, 5), True, network=["innerProduct"], note="constant matrix"),
    product(x(2, 3, 4), x(4, 5), True, network=["innerProduct"], note="three axes, constant matrix"),
    product(x(2, 2, 3, 4), x(4, 5), True, network=["batchedMatmul"], note="four axes, constant matrix"),
    product(x(2, 3, 4), x(2, 4, 5), True, network=["batchedMatmul"], note="constant batch"),
    product(x(2, 1, 3, 4), x(5, 4, 2), note="batches that broadcast"),
    product(x(4), x(4, 5), note="row"),
    product(x(3, 4), x(4), note="column"),
    product(x(2, 3, 4), x(4), True, note="constant column"),
    Case("MatMul", {"A": ints(2, 3), "B": ints(3, 2)}, no_program="products of integers", no_network="floating point"),
    *[Case("Einsum", {chr(65 + i): x(*s, seed=i) for i, s in enumerate(shapes)}, attributes={"equation": e}, ulp=ulp)
      for e, shapes, ulp in (
          ("ij,jk->ik", ((3, 4), (4, 5)), 0), ("bij,bjk->bik", ((2, 3, 4), (2, 4, 5)), 0),
          ("bhqd,bhkd->bhqk", ((2, 2, 3, 4), (2, 2, 5, 4)), 0), ("bhqk,bkhd->bqhd", ((2, 2, 3, 5), (2, 5, 2, 4)), 0),
          ("ij->ji", ((3, 4),), 0), ("ij->i", ((3, 4),), 8), ("i,j->ij", ((3,), (4,)), 0),
          ("ij,ij->ij", ((3, 4), (3, 4)), 0), ("abcd,cde->abe", ((2, 3, 2, 4), (2, 4, 3)), 0),
          ("ij,j->i", ((3, 4), (4,)), 0), ("ij,kl->ijkl", ((2, 3), (2, 2)), 0),
          ("ij,jk,kl->il", ((2, 3), (3, 4), (4, 2)), 0), ("...ij,...jk->...ik", ((2, 3, 4), (2, 4, 2)), 0),
          ("ij,jk->k", ((3, 4), (4, 5)), 32))],
    Case("Einsum", {"A": x(3, 3)}, attributes={"equation": "ii->i"}, refused="a diagonal"),
    Case("Einsum", {"A": ints(3, 3)}, attributes={"equation": "ij->ji"}, refused="integers"),
]


def norm(kind, data, *parameters, computed=False, **options):
    known = {k: options.pop(k) for k in list(options) if k in Case.__dataclass_fields__}
    names = {f"P{i}": p for i, p in enumerate(parameters)}
    return Case(kind, {"X": data, **(names if computed else {})}, {} if computed else names, options, **known)


def positive(*shape):
    return x(*shape, seed=5, low=0.5, high=2)


BATCH = (x(3), x(3, seed=1), x(3, seed=2), positive(3))
NORMS = [
    norm("BatchNormalization", x(2, 3, 4, 5), *BATCH, program=["batch_norm"], network=["batchnorm"], note="plane"),
    norm("BatchNormalization", x(2, 3, 4), *BATCH, epsilon=1e-3, network=["expandDims", "batchnorm", "squeeze"]),
    norm("BatchNormalization", x(2, 3), *BATCH, program=["expand_dims", "batch_norm", "squeeze"], note="matrix"),
    norm("BatchNormalization", x(2, 3, 2, 2, 3), *BATCH, ulp=64, note="volume"),
    norm("BatchNormalization", x(2, 3, 4, 5), *BATCH, epsilon=0.0, ulp=256, program=["batch_norm"]),
    norm("BatchNormalization", x(2, 3, 4, 5), *BATCH, computed=True, ulp=256, note="parameters that are computed"),
    norm("InstanceNormalization", x(2, 3, 4, 5), x(3), x(3, seed=1), program=["instance_norm"], network=["batchnorm"],
         note="plane"),
    norm("InstanceNormalization", x(2, 3, 7), x(3), x(3, seed=1), epsilon=1e-2, program=["instance_norm"]),
    norm("InstanceNormalization", x(2, 3, 2, 3, 2), x(3), x(3, seed=1), ulp=64, note="volume"),
    norm("InstanceNormalization", x(2, 3, 4, 5), x(3), x(3, seed=1), computed=True, ulp=64, note="computed"),
    norm("InstanceNormalization", x(2, 3, 4, 5), x(3), x(3, seed=1), epsilon=0.0, ulp=64),
    norm("GroupNormalization", x(2, 6, 4, 5), x(6), x(6, seed=1), num_groups=3, ulp=64),
    norm("GroupNormalization", x(2, 6, 5), x(6), x(6, seed=1), num_groups=2, epsilon=1e-3, ulp=64),
    norm("LayerNormalization", x(2, 3, 8), x(8), x(8, seed=1), program=["layer_norm"], network=["layerNormalization"],
         note="last axis"),
    norm("LayerNormalization", x(2, 3, 8), x(8), network=["layerNormalization"], note="no bias"),
    norm("LayerNormalization", x(2, 3, 8), x(3, 8), x(3, 8, seed=1), axis=1, network=["layerNormalization"]),
    norm("LayerNormalization", x(2, 3, 8), x(1), x(3, 1), axis=1, ulp=64, program=["layer_norm", "mul", "add"]),
    norm("LayerNormalization", x(2, 3, 8), x(8), x(8, seed=1), computed=True, ulp=64, note="computed"),
    norm("LayerNormalization", x(2, 3, 8), x(8), x(8, seed=1), epsilon=0.0, ulp=64),
    norm("LayerNormalization", x(2, 3, 8), x(8), x(8), outputs=("y", "m"), refused="Mean"),
    norm("RMSNormalization", x(2, 3, 8), x(8), ulp=4, note="last axis"),
    norm("RMSNormalization", x(2, 3, 8), x(3, 8), axis=1, epsilon=1e-3, ulp=4),
    *[norm("LpNormalization", x(2, 3, 4), axis=axis, p=p, ulp=2) for axis in (-1, 1) for p in (1, 2)],
    norm("LpNormalization", np.zeros((2, 3), np.float32), note="zeros"),
    norm("MeanVarianceNormalization", x(2, 3, 4, 5), ulp=64),
    norm("MeanVarianceNormalization", x(2, 3, 4), axes=[-1], ulp=64),
    norm("LRN", x(2, 6, 4, 5), size=3, program=["local_response_norm"], network=["lrn"]),
    norm("LRN", x(2, 6, 4), size=5, alpha=0.1, beta=0.5, bias=2.0),
    norm("LRN", x(2, 6, 4, 5), size=4, refused="an even size"),
    norm("LRN", x(2, 6, 4, 5), size=3, bias=0.0, program=["local_response_norm"], no_network="a bias of 0"),
]


def reduction(kind, data, axes=None, ulp=0, **options):
    known = {k: options.pop(k) for k in list(options) if k in Case.__dataclass_fields__}
    return Case(kind, {"X": data}, {} if axes is None else {"axes": i64(*axes)}, options, ulp=ulp,
                note=known.pop("note", f"axes={axes} {options}"), **known)


FLOAT_REDUCTIONS = ("ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
                    "ReduceProd", "ReduceSum", "ReduceSumSquare")
REDUCTIONS = [
    # coremltools' own reductions fail under NumPy 2, so that Assay alone computes these.
    *[reduction(kind, positive(2, 3, 4), axes, keepdims=keep) for kind in FLOAT_REDUCTIONS
      for axes, keep in (([1], 1), ([-1, 0], 0), (None, 1))],
    *[reduction(kind, ints(2, 3, 4), [1], no_network="layers compute in floating point")
      for kind in ("ReduceL1", "ReduceProd", "ReduceSum", "ReduceSumSquare")],
    *[reduction(kind, ints(2, 3, 4, dtype=np.int64), [1]) for kind in ("ReduceMax", "ReduceMin")],
    *[reduction(kind, ints(2, 3, 4), [1], no_program="of integers", no_network="floating point")
      for kind in ("ReduceMean", "ReduceL2", "ReduceLogSumExp")],
    *[reduction(kind, x(2, 3), noop_with_empty_axes=1)
      for kind in ("ReduceL1", "ReduceL2", "ReduceSum", "ReduceSumSquare")],
    reduction("ReduceLogSum", positive(2, 3), noop_with_empty_axes=1, refused="no axes"),
    Case("ReduceSum", {"X": x(2, 3), "axes": i64(1)}, refused="axes that are computed"),
    *[Case(kind, {"X": x(2, 3, 4)}, attributes=a) for kind in ("ArgMax", "ArgMin")
      for a in ({"axis": 1}, {"axis": -1, "keepdims": 0}, {})],
    Case("ArgMax", {"X": ints(2, 3, 4)}, attributes={"axis": 2}),
    Case("ArgMax", {"X": x(2, 3)}, attributes={"select_last_index": 1}, refused="select_last_index"),
    *[Case("CumSum", {"X": x(2, 3, 4)}, {"axis": i64(axis).reshape(())}, {"exclusive": e, "reverse": r},
           oracle=not e and not r)
      for axis, e, r in ((1, 0, 0), (-1, 1, 0), (0, 0, 1), (2, 1, 1))],
    Case("CumSum", {"X": ints(2, 3)}, {"axis": i64(1).reshape(())}),
    Case("CumSum", {"X": x(2, 3), "axis": i64(1).reshape(())}, refused="an axis"),
    Case("CumProd", {"X": x(2, 3)}, {"axis": i64(1).reshape(())}, opset=26, refused="sums along an axis"),
]


def recurrent(kind, gates, directions=1, steps=4, batch=1, size=3, hidden=2, bias=True, order=(), **options):
    known = {k: options.pop(k) for k in list(options) if k in Case.__dataclass_fields__}
    first = options.get("layout", 0)
    constants = {"W": x(directions, gates * hidden, size, seed=1, low=-1, high=1),
                 "R": x(directions, gates * hidden, hidden, seed=2, low=-1, high=1)}
    inputs = {"X": x(batch, steps, size) if first else x(steps, batch, size)}
    states = (batch, directions, hidden) if first else (directions, batch, hidden)
    all_of = {"B": (constants, x(directions, 2 * gates * hidden, seed=3)),
              "L": (constants, np.full(batch, steps, np.int32)),
              "H": (inputs, x(*states, seed=4)), "C": (inputs, x(*states, seed=6)),
              "P": (constants, x(directions, 3 * hidden, seed=7))}
    wanted = (["B"] if bias else []) + list(order)
    for name in wanted:
        all_of[name][0][name] = all_of[name][1]
    optional = ("B", "L", "H", "C", "P")[: 5 if kind == "LSTM" else 3]
    operands = ["X", "W", "R", *(n if n in wanted else "" for n in optional)]
    outputs = known.pop("outputs", ("y", "h", "c") if kind == "LSTM" else ("y", "h"))
    return Case(kind, inputs, constants, {"hidden_size": hidden, **options}, operands, outputs,
                note=known.pop("note", f"{''.join(order)} {directions} x {batch} {options}"), **known)


def both(kind, gates, **options):
    for direction in ("forward", "reverse", "bidirectional"):
        count = 2 if direction == "bidirectional" else 1
        for batch, layout in ((1, 0), (3, 1)):
            yield recurrent(kind, gates, count, batch=batch, direction=direction, layout=layout, **options)


SEQUENCES = [
    *both("RNN", 1),
    *both("LSTM", 4),
    *both("GRU", 3, ulp=64),
    *both("GRU", 3, ulp=64, linear_before_reset=1),
    *both("LSTM", 4, order=("H", "C", "P")),
    *both("GRU", 3, ulp=64, order=("H",)),
    *both("RNN", 1, order=("L", "H")),
    recurrent("LSTM", 4, bias=False, note="no bias"),
    recurrent("LSTM", 4, order=("H",), note="one state"),
    recurrent("LSTM", 4, outputs=("", "h"), note="last state alone"),
    recurrent("GRU", 3, bias=False, linear_before_reset=1, ulp=64),
    recurrent("RNN", 1, activations=["Relu"], no_network="the activation Relu"),
    recurrent("RNN", 1, activations=["Elu"], refused="the activation Elu"),
    recurrent("LSTM", 4, activations=["HardSigmoid", "Tanh", "Tanh"], note="hard sigmoid"),
    recurrent("LSTM", 4, activations=["HardSigmoid", "Tanh", "Tanh"], activation_alpha=[0.3], refused="HardSigmoid"),
    recurrent("RNN", 1, activations=["HardSigmoid"], note="hard sigmoid"),
    *(recurrent(kind, gates, activations=["Sigmoid", "ScaledTanh", "ScaledTanh"][-count:],
                activation_alpha=[1.7159] * min(count, 2), activation_beta=[2 / 3] * min(count, 2), note="scaled tanh",
                no_program="the activation ScaledTanh with its parameters: ML Programs have 1 and 1")
      for kind, gates, count in (("RNN", 1, 1), ("LSTM", 4, 3))),
    recurrent("GRU", 3, activations=["Sigmoid", "ScaledTanh"], activation_alpha=[1.7159], activation_beta=[2 / 3],
              note="scaled tanh", no_program="the activation ScaledTanh"),
    recurrent("LSTM", 4, clip=1.0, refused="clip"),
    recurrent("LSTM", 4, input_forget=1, refused="input_forget"),
    recurrent("GRU", 3, steps=300, linear_before_reset=1, refused="256 steps"),
]


def resize(data, scales=None, sizes=None, **options):
    known = {k: options.pop(k) for k in list(options) if k in Case.__dataclass_fields__}
    constants = {"s": np.asarray(scales, np.float32)} if scales else {"s": i64(*sizes)}
    return Case("Resize", {"X": data}, constants, options, ["X", "", "s"] if scales else ["X", "", "", "s"],
                note=known.pop("note", f"{scales or sizes} {options}"), **known)


def linear(**options):
    return {"mode": "linear", **options}


IMAGES = [
    resize(x(1, 2, 3, 4), [1, 1, 2, 3], program=["upsample_nearest_neighbor"], network=["upsample"]),
    resize(x(1, 2, 3, 4), [1, 1, 2, 2], coordinate_transformation_mode="asymmetric", nearest_mode="floor",
           program=["upsample_nearest_neighbor"], network=["upsample"]),
    resize(x(1, 2, 6, 8), [1, 1, 0.5, 0.5], program=["resize_nearest_neighbor"], network=["gather", "gather"]),
    resize(x(1, 2, 5, 4), sizes=[1, 2, 7, 3], coordinate_transformation_mode="align_corners", nearest_mode="ceil"),
    resize(x(1, 2, 5), [1, 1, 1.7], program=["gather"]),
    resize(ints(1, 2, 3, 4), [1, 1, 2, 2], program=["gather", "gather"]),
    *[resize(x(1, 2, 3, 4), scales, **linear(coordinate_transformation_mode=mode), program=["resize_bilinear"], ulp=64)
      for mode in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric")
      for scales in ([1, 1, 2, 2], [1, 1, 3, 2])],
    resize(x(1, 2, 6, 8), sizes=[1, 2, 3, 5], **linear(), program=["resize_bilinear"], ulp=64),
    resize(x(1, 2, 3, 4), sizes=[1, 2, 7, 9], **linear(coordinate_transformation_mode="align_corners"), ulp=64),
    resize(x(1, 2, 3, 4), [1, 1, 1.5, 1.6], **linear(), refused="no grid"),
    resize(x(1, 2, 8, 8), [1, 1, 0.5, 0.5], **linear(antialias=1), refused="antialias"),
    resize(x(1, 2, 4, 4), [1, 1, 2, 2], mode="cubic", refused="cubic"),
    resize(x(1, 2, 4), [1, 2, 2], **linear(), ulp=64),
    resize(x(1, 2, 3, 4), [1, 2, 2, 1], **linear(), refused="other axes"),
    *[Case("GridSample", {"X": x(1, 2, 4, 5), "grid": x(1, 3, 2, 2, low=-1.3, high=1.3)},
           attributes={"padding_mode": p, "align_corners": a}, program=["resample"], no_network="no layer samples",
           ulp=64)
      for p in ("zeros", "border", "reflection") for a in (0, 1)],
    Case("GridSample", {"X": x(1, 2, 4, 5), "grid": x(1, 3, 2, 2)}, attributes={"mode": "cubic"}, no_program="cubic",
         no_network="no layer samples"),
    Case("GridSample", {"X": x(1, 2, 4, 5), "grid": x(1, 3, 2, 2)}, attributes={"mode": "nearest"},
         no_program="nearest", no_network="no layer samples"),
    *[Case("DepthToSpace", {"X": x(1, 8, 2, 3)}, attributes={"blocksize": 2, "mode": m}) for m in ("DCR", "CRD")],
    Case("SpaceToDepth", {"X": x(1, 2, 4, 6)}, attributes={"blocksize": 2}),
    *[Case("CenterCropPad", {"X": x(4, 5, 3)}, {"s": i64(*s)}, a) for s, a in (
        ((2, 3, 3), {}), ((7, 8, 4), {}), ((6, 2), {"axes": [0, 2]}), ((4, 5, 3), {}))],
    Case("RoiAlign", {"X": x(1, 1, 6, 6)}, {"r": np.array([[0, 0, 4, 4]], np.float32), "b": i64(0)},
         {"output_height": 2, "output_width": 2, "sampling_ratio": 1}, refused="one sample"),
    Case("Col2Im", {"X": x(1, 4, 4)}, {"i": i64(3, 3), "k": i64(2, 2)}, refused="overlapping"),
    Case("NonMaxSuppression", {"B": positive(1, 3, 4), "S": positive(1, 1, 3)}, {"m": i64(2)}, refused="fixed number"),
]
CASES = [*CONVOLUTIONS, *TRANSPOSED, *POOLS, *PRODUCTS, *NORMS, *REDUCTIONS, *SEQUENCES, *IMAGES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_program(case, assay, tmp_path):
    judge = Near(assay, tmp_path)
    judge.ulp = case.ulp
    if case.reason("mlprogram"):
        judge.refused(case.model(), "mlprogram", case.reason("mlprogram"))
        return
    judge.program(case.model(), case.inputs, ulp=case.ulp, oracle=case.oracle,
                  ops=None if case.program is True else case.program)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_network(case, assay, tmp_path):
    judge = Near(assay, tmp_path)
    judge.ulp = case.ulp
    if case.reason("neuralnetwork"):
        judge.refused(case.model(), "neuralnetwork", case.reason("neuralnetwork"))
        return
    judge.network(case.model(), case.inputs, kinds=None if case.network is True else case.network)


def opened(model, **axes):
    """The model with dimensions of inputs that are not known: X={0: "n"}."""
    for value in model.graph.input:
        for axis, name in axes.get(value.name, {}).items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
    del model.graph.value_info[:]
    for value in model.graph.output:
        value.type.Clear()
    return onnx.shape_inference.infer_shapes(model)


OPEN = [
    (conv(x(2, 2, 8, 7), x(3, 2, 3, 3), x(3), auto_pad="SAME_UPPER", strides=[2, 2]), {2: "h", 3: "w"}),
    (conv(x(2, 2, 8, 7), x(3, 2, 3, 3), x(3), pads=[1, 1, 1, 1]), {0: "n", 2: "h"}),
    (conv(x(2, 3, 5, 4), x(3, 4, 3, 3), kind="ConvTranspose", strides=[2, 2], auto_pad="SAME_LOWER"), {2: "h", 3: "w"}),
    (conv(x(2, 3, 5, 4), x(3, 4, 3, 3), kind="ConvTranspose", strides=[2, 2], output_shape=[10, 8],
          refused="output_shape for an extent that is not known"), {2: "h", 3: "w"}),
    (pool("MaxPool", x(2, 2, 7, 7), [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1,
          no_network="ceil_mode over extents that are not known"), {2: "h", 3: "w"}),
    (pool("MaxPool", x(2, 2, 7, 7), [2, 2], strides=[3, 3], ceil_mode=1, refused="windows that lie apart"), {2: "h"}),
    (pool("AveragePool", x(2, 2, 7, 7), [3, 3], auto_pad="SAME_UPPER"), {0: "n", 2: "h"}),
    (Case("GlobalAveragePool", {"X": x(2, 3, 4, 6)}), {0: "n", 2: "h", 3: "w"}),
    (norm("LayerNormalization", x(2, 3, 8), x(8), x(8, seed=1)), {0: "n", 1: "s"}),
    (resize(x(2, 2, 3, 4), [1, 1, 2, 2], program=["upsample_nearest_neighbor"]), {0: "n", 2: "h", 3: "w"}),
    (resize(x(2, 2, 3, 4), [1, 1, 2, 3], mode="linear", program=["upsample_bilinear"], ulp=64), {2: "h", 3: "w"}),
    (resize(x(2, 2, 3, 4), [1, 1, 0.5, 0.5], mode="linear", refused="no whole factor"), {2: "h"}),
    (recurrent("LSTM", 4, batch=2), {1: "n"}),
    (recurrent("GRU", 3, linear_before_reset=1, refused="a sequence whose length is not known"), {0: "s"}),
]


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
@pytest.mark.parametrize(("case", "axes"), OPEN, ids=lambda v: str(v) if isinstance(v, Case) else "")
def test_extents_that_are_not_known(case, axes, kind, assay, tmp_path):
    judge = Near(assay, tmp_path)
    judge.ulp = case.ulp
    model = opened(case.model(), X=axes)
    if case.reason(kind):
        judge.refused(model, kind, case.reason(kind))
    elif kind == "mlprogram":
        judge.program(model, case.inputs, oracle=False, ops=None if case.program is True else case.program)
    else:
        judge.network(model, case.inputs)


def graph(nodes, inputs=(), outputs=(), constants=()):
    """A nested graph; inputs and outputs are (name, element type, shape)."""
    info = [[helper.make_tensor_value_info(*v) for v in values] for values in (inputs, outputs)]
    return helper.make_graph(nodes, "nested", *info, [numpy_helper.from_array(np.asarray(a), n) for n, a in constants])


FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def choice():
    then = graph([helper.make_node("Add", ["X", "one"], ["same"])], outputs=[("same", FLOAT, [2, 3])],
                 constants=[("one", np.ones(3, np.float32))])
    other = graph([helper.make_node("Mul", ["X", "X"], ["same"]), helper.make_node("Neg", ["same"], ["minus"])],
                  outputs=[("minus", FLOAT, [2, 3])])
    nodes = [helper.make_node("ReduceSum", ["X"], ["total"], keepdims=0),
             helper.make_node("Greater", ["total", "zero"], ["positive"]),
             helper.make_node("If", ["positive"], ["chosen"], then_branch=then, else_branch=other),
             helper.make_node("Mul", ["chosen", "X"], ["y"])]
    return nodes, {"zero": np.float32(0)}


def repetition(limit):
    """Doubles what it carries until it is large, and swaps two other values each time."""
    nodes = [helper.make_node("Mul", ["v", "two"], ["v2"]), helper.make_node("ReduceMax", ["v2"], ["m"], keepdims=0),
             helper.make_node("Less", ["m", "much"], ["go"]), helper.make_node("Identity", ["b"], ["a2"]),
             helper.make_node("Identity", ["a"], ["b2"])]
    body = graph(nodes, [("i", INT64, []), ("c", BOOL, []), ("v", FLOAT, [2, 3]), ("a", FLOAT, [3]), ("b", FLOAT, [3])],
                 [("go", BOOL, []), ("v2", FLOAT, [2, 3]), ("a2", FLOAT, [3]), ("b2", FLOAT, [3])],
                 [("two", np.float32(2)), ("much", np.float32(50))])
    nodes = [helper.make_node("Loop", ["most", "", "X", "p", "q"], ["y", "a_end", "b_end"], body=body)]
    return nodes, {"most": np.int64(limit), "p": x(3, seed=1), "q": x(3, seed=2)}


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
@pytest.mark.parametrize("sign", [1, -1])
def test_if(sign, kind, assay, tmp_path):
    nodes, constants = choice()
    inputs = {"X": sign * x(2, 3, low=0.5)}
    judge = Near(assay, tmp_path)
    model = make(nodes, inputs, ["y"], constants)
    judge.program(model, inputs, oracle=False) if kind == "mlprogram" else judge.network(model, inputs)


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
@pytest.mark.parametrize("limit", [3, 100, 2**63 - 1, 0])
def test_loop(limit, kind, assay, tmp_path):
    nodes, constants = repetition(limit)
    inputs = {"X": x(2, 3, low=0.5)}
    judge = Near(assay, tmp_path)
    model = make(nodes, inputs, ["y", "a_end", "b_end"], constants)
    judge.program(model, inputs, oracle=False) if kind == "mlprogram" else judge.network(model, inputs)


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
def test_scans_are_refused(kind, assay, tmp_path):
    body = graph([helper.make_node("Mul", ["v", "v"], ["v2"]), helper.make_node("Identity", ["c"], ["go"]),
                  helper.make_node("Identity", ["v2"], ["s"])],
                 [("i", INT64, []), ("c", BOOL, []), ("v", FLOAT, [3])],
                 [("go", BOOL, []), ("v2", FLOAT, [3]), ("s", FLOAT, [3])])
    inputs = {"X": x(3)}
    model = make([helper.make_node("Loop", ["m", "", "X"], ["y", "all"], body=body)], inputs, ["y", "all"],
                 {"m": np.int64(4)})
    Judge(assay, tmp_path).refused(model, kind, "scan outputs")


@pytest.mark.parametrize("kind", ["mlprogram", "neuralnetwork"])
def test_every_operator_is_here(kind):
    """What this file promises to hold."""
    refused = {c.kind for c in CASES if c.reason(kind)}
    written = {c.kind for c in CASES if not c.reason(kind)}
    alone = {"MaxUnpool", "CumProd", "Col2Im", "RoiAlign", "NonMaxSuppression"}
    assert refused - written == alone | ({"GridSample"} if kind == "neuralnetwork" else set())
