"""Models of the kinds that people convert, small enough for a test: (path, inputs of one or several sizes) by name.

    make("detector", folder)      -> Model: a file, and the inputs to run it with
    packaged("magika")            -> the same for models that other packages ship; skips when it is not there
"""
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import make_models  # noqa: E402


@dataclass
class Model:
    path: Path
    inputs: list  # one dictionary of arrays for each size
    words: tuple = ()  # of `assay convert`
    only: str = ""  # the one format that can hold it


def floats(*shape, seed=5):
    return np.random.default_rng([seed, *shape]).standard_normal(shape, dtype=np.float32)


def integers(below, *shape, dtype=np.int64):
    return np.random.default_rng([below, *shape]).integers(0, below, shape).astype(dtype)


class Builder(make_models.B):
    def i64(self, *values):
        return self.const(np.array(values, np.int64), "i")

    def f32(self, value):
        return self.const(np.float32(value))

    def linear(self, x, inner, outer):
        return self.op("Add", [self.op("MatMul", [x, self.w((inner, outer), inner**-0.5)]), self.w((outer,), 0.1)])

    def norm(self, x, d):
        return self.op("LayerNormalization", [x, self.w((d,), 1), self.w((d,), 0.1)], axis=-1, epsilon=1e-5)

    def give(self, x, name="y"):
        self.nodes.append(helper.make_node("Identity", [x], [name], name=name + "_out"))

    def write(self, path, inputs, outputs, opset=17):
        """`inputs` and `outputs`: name to (type, shape)."""
        infos = [[helper.make_tensor_value_info(n, t, s) for n, (t, s) in side.items()] for side in (inputs, outputs)]
        graph = helper.make_graph(self.nodes, "g", *infos, self.init)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def bert(path):
    make_models.bert(str(path), layers=2, d=64, heads=4, ff=128, s=16, vocab=200)
    return [{"x": integers(200, 1, 16)}]


def resnet(path):
    make_models.resnet50(str(path), size=64, blocks=(1, 1, 1, 1), width=16, classes=20)
    return [{"x": floats(1, 3, 64, 64)}]


def mobilenet(path):
    make_models.mobilenet(str(path), size=64, stages=make_models.MOBILENET[:5], features=128, classes=20)
    return [{"x": floats(1, 3, 64, 64)}]


def tagger(path, vocab=60, d=12, h=10, tags=5):
    """Words to tags: embeddings, an LSTM both ways over any number of words, a projection, probabilities."""
    b = Builder(11)
    x = b.op("Gather", [b.w((vocab, d), 1), "words"], axis=0)
    x = b.op("Transpose", [x], perm=[1, 0, 2])
    x = b.op("LSTM", [x, b.w((2, 4 * h, d), 0.4), b.w((2, 4 * h, h), 0.4), b.w((2, 8 * h), 0.2)], outs=3,
             hidden_size=h, direction="bidirectional")[0]
    x = b.op("Reshape", [b.op("Transpose", [x], perm=[2, 0, 1, 3]), b.i64(0, 0, 2 * h)])
    b.give(b.op("Softmax", [b.linear(x, 2 * h, tags)], axis=-1))
    b.write(path, {"words": (T.INT64, [1, "n"])}, {"y": (T.FLOAT, [1, "n", tags])})
    return [{"words": integers(vocab, 1, n)} for n in (7, 3)]


def gru(path, d=6, h=8):
    """A step of a recurrent model that gets and gives its state."""
    b = Builder(12)
    x = b.op("Tanh", [b.linear("x", d, d)])
    y, last = b.op("GRU", [x, b.w((1, 3 * h, d), 0.4), b.w((1, 3 * h, h), 0.4), b.w((1, 6 * h), 0.2), "", "state"], 2,
                   hidden_size=h, linear_before_reset=1)
    b.give(b.linear(b.op("Squeeze", [y, b.i64(1)]), h, 3))
    b.give(last, "next")
    b.write(path, {"x": (T.FLOAT, [5, 1, d]), "state": (T.FLOAT, [1, 1, h])},
            {"y": (T.FLOAT, [5, 1, 3]), "next": (T.FLOAT, [1, 1, h])})
    return [{"x": floats(5, 1, d), "state": floats(1, 1, h)}]


def decoder(path, d=24, heads=3, vocab=50):
    """A transformer's decoder block over any batch and length, as exporters write it: shapes are computed from the
    input's, the mask hides what comes later."""
    b = Builder(13)
    x = b.op("Gather", [b.w((vocab, d), 1), "x"], axis=0)
    batch, length = (b.op("Gather", [b.op("Shape", ["x"]), b.i64(i)], axis=0) for i in (0, 1))
    split = b.op("Concat", [batch, length, b.i64(heads), b.i64(d // heads)], axis=0)
    join = b.op("Concat", [batch, length, b.i64(d)], axis=0)
    place = b.op("Range", [b.const(np.int64(0)), b.op("Squeeze", [length]), b.const(np.int64(1))])
    later = b.op("Less", [b.op("Unsqueeze", [place, b.i64(1)]), b.op("Unsqueeze", [place, b.i64(0)])])
    h = b.norm(x, d)
    q, k, v = (b.op("Transpose", [b.op("Reshape", [b.linear(h, d, d), split])], perm=[0, 2, 1, 3]) for _ in range(3))
    scores = b.op("MatMul", [q, b.op("Transpose", [k], perm=[0, 1, 3, 2])])
    scores = b.op("Where", [later, b.f32(-1e9), b.op("Div", [scores, b.f32((d // heads) ** 0.5)])])
    mixed = b.op("MatMul", [b.op("Softmax", [scores], axis=-1), v])
    mixed = b.op("Reshape", [b.op("Transpose", [mixed], perm=[0, 2, 1, 3]), join])
    x = b.op("Add", [x, b.linear(mixed, d, d)])
    h = b.linear(b.norm(x, d), d, 2 * d)
    h = b.op("Mul", [h, b.op("Sigmoid", [h])])
    b.give(b.op("Add", [x, b.linear(h, 2 * d, d)]))
    b.write(path, {"x": (T.INT64, ["batch", "length"])}, {"y": (T.FLOAT, ["batch", "length", d])})
    return [{"x": integers(vocab, *shape)} for shape in ((1, 6), (2, 9), (3, 1))]


def detector(path, c=8):
    """A detector: a backbone, features of two scales joined through Resize and Concat, boxes and scores."""
    b = Builder(14)
    x = b.op("LeakyRelu", [make_models.conv(b, "image", 3, c, 3, 2, act="")], alpha=0.1)
    low = b.op("LeakyRelu", [make_models.conv(b, x, c, 2 * c, 3, 2, act="")], alpha=0.1)
    up = b.op("Resize", [low, "", b.const(np.array([1, 1, 2, 2], np.float32))], mode="nearest",
              coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    x = make_models.conv(b, b.op("Concat", [x, up], axis=1), 3 * c, c, 3)
    maps = [make_models.conv(b, x, c, 12, 1, act=""), make_models.conv(b, low, 2 * c, 12, 1, act="")]
    flat = [b.op("Reshape", [b.op("Transpose", [m], perm=[0, 2, 3, 1]), b.i64(1, -1, 6)]) for m in maps]
    centre, size, score = b.op("Split", [b.op("Concat", flat, axis=1), b.i64(2, 2, 2)], 3, axis=2)
    half = b.op("Mul", [b.op("Exp", [size]), b.f32(0.5)])
    b.give(b.op("Concat", [b.op("Sub", [centre, half]), b.op("Add", [centre, half])], axis=2), "boxes")
    b.give(b.op("Sigmoid", [score]), "scores")
    b.write(path, {"image": (T.FLOAT, [1, 3, 32, 32])},
            {"boxes": (T.FLOAT, [1, 640, 4]), "scores": (T.FLOAT, [1, 640, 2])})
    return [{"image": floats(1, 3, 32, 32)}]


def unet(path, c=6):
    """An image to an image: normalised per channel, halved, and doubled again by a transposed convolution."""
    b = Builder(15)
    x = make_models.conv(b, "image", 3, c, 3, act="")
    x = b.op("Relu", [b.op("InstanceNormalization", [x, b.w((c,), 1), b.w((c,), 0.1)])])
    low = make_models.conv(b, b.op("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2]), c, 2 * c, 3)
    up = b.op("ConvTranspose", [low, b.w((2 * c, c, 2, 2), 0.3), b.w((c,), 0.1)], kernel_shape=[2, 2], strides=[2, 2])
    x = make_models.conv(b, b.op("Concat", [x, up], axis=1), 2 * c, c, 3)
    b.give(b.op("Tanh", [make_models.conv(b, x, c, 3, 1, act="")]))
    b.write(path, {"image": (T.FLOAT, [1, 3, 24, 16])}, {"y": (T.FLOAT, [1, 3, 24, 16])})
    return [{"image": floats(1, 3, 24, 16)}]


def quantised(path):
    """Two layers with weights and activations in 8 bits, as quantisers leave them."""
    b = Builder(16)

    def linear(x, inner, outer, scale):
        zero, step = b.const(np.int8(3)), b.f32(scale)
        x = b.op("DequantizeLinear", [b.op("QuantizeLinear", [x, step, zero]), step, zero])
        weight = b.const(b.r.integers(-128, 128, (inner, outer)).astype(np.int8))
        steps = b.const(b.r.uniform(0.002, 0.01, outer).astype(np.float32))
        weight = b.op("DequantizeLinear", [weight, steps, b.const(np.zeros(outer, np.int8))], axis=1)
        return b.op("Add", [b.op("MatMul", [x, weight]), b.w((outer,), 0.1)])

    x = b.op("Relu", [linear("x", 16, 32, 0.03)])
    b.give(linear(x, 32, 4, 0.05))
    b.write(path, {"x": (T.FLOAT, [4, 16])}, {"y": (T.FLOAT, [4, 4])})
    return [{"x": floats(4, 16)}]


MADE = {f.__name__: f for f in (bert, resnet, mobilenet, tagger, gru, decoder, detector, unet, quantised)}
ONLY = {"quantised": "mlprogram"}


def make(name, folder):
    path = Path(folder) / f"{name}.onnx"
    inputs = MADE[name](path)
    return Model(path, inputs, only=ONLY.get(name, ""))


def demo(name):
    """The models of the project's demo."""
    path, shapes = {
        "mlp": (ROOT / "examples/article/mlp.onnx", [(1, 4)]),
        "garments": (ROOT / "examples/garments/garments.onnx", [(1, 1, 28, 28), (3, 1, 28, 28)]),
        "blaze_front": (ROOT / "build/inputs/blazeface/front.onnx", [(1, 128, 128, 3)]),
        "blaze_back": (ROOT / "build/inputs/blazeface/back.onnx", [(1, 256, 256, 3)]),
    }[name]
    if not path.is_file():
        pytest.skip(f"{path.name} is missing: tools/setup.sh inputs")
    given = onnx.load(path, load_external_data=False).graph.input[0]
    assert len(given.type.tensor_type.shape.dim) == len(shapes[0])
    return Model(path, [{given.name: floats(*shape)} for shape in shapes])


def voice(batch=1):
    return {"input": floats(batch, 576), "state": floats(2, batch, 128)}


FIXED = ("--input", "input:1x576", "--input", "state:2x1x128")
PACKAGED = {
    "magika": ("magika_v3", (), [{"bytes": integers(256, n, 2048, dtype=np.int32)} for n in (1, 2)]),
    "silero_sequence": ("silero_sequence", (),
                        [{"input": floats(n, 576), "h": floats(1, 1, 128), "c": floats(1, 1, 128)} for n in (3, 1)]),
    "silero_openvino": ("silero_openvino", (), [voice()]),
    "silero_op15": ("silero_op15", FIXED, [{**voice(), "sr": np.array(16000)}]),
    "silero_op18": ("silero_op18", FIXED, [{"input": voice()["input"], "sr": np.array(16000),
                                            "state": voice()["state"]}]),
}


def packaged(name):
    """A model that a Python package ships: tools/models.txt."""
    file, words, inputs = PACKAGED[name]
    path = ROOT / "build/inputs/models" / f"{file}.onnx"
    if not path.is_file():
        pytest.skip(f"{path.name} is missing: tools/setup.sh models")
    return Model(path, inputs, words)
