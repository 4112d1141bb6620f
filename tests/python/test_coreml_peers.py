"""Files that others write: what onnx2coreml makes of whole models, and models built with coremltools itself."""
import contextlib
import io
import logging
import warnings

import coreml_models
import numpy as np
import onnx
import pytest
from coreml_judge import FORMATS, Judge, proto, read_spec
from differential.harness import run_ort
from onnx import TensorProto as T

ArrayType = proto.FeatureTypes_pb2.ArrayFeatureType.ArrayDataType
ARRAYS = {ArrayType.Value("FLOAT32"): np.float32, ArrayType.Value("INT32"): np.int32}
# onnx2coreml 1.1.0 refuses the others: dynamic shapes, GRU, 8-bit types.
DEMO = ("mlp", "blaze_front", "blaze_back")
MADE = ("bert", "resnet", "mobilenet", "detector", "unet")


@contextlib.contextmanager
def quiet():
    """coremltools draws progress bars and warns of each name that it changes."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.ERROR)
        try:
            yield
        finally:
            logging.disable(before)


def near(got, want, tolerance, name=""):
    """Within `tolerance` of each value, or of the largest for what sums leave near zero."""
    assert got.size == want.size, name
    scale = float(np.abs(want).max())
    np.testing.assert_allclose(got.reshape(want.shape), want, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def as_declared(path, given):
    """The inputs under the names and types that the file gives them: its networks take indices as float32."""
    types = {f.name: ARRAYS[f.type.multiArrayType.dataType] for f in read_spec(path)[0].description.input}
    return {n: a.astype(t) for (n, t), a in zip(types.items(), given.values(), strict=True)}


def converted(peer, model, folder, kind):
    path = folder / f"peer.{FORMATS[kind]}"
    with quiet():
        peer.convert(str(model.path), format=FORMATS[kind], compute_precision="fp32").save(str(path))
    return path


@pytest.fixture(scope="module")
def onnx2coreml():
    with quiet():
        return pytest.importorskip("onnx2coreml", reason="onnx2coreml is not installed: tools/setup.sh venv-bench")


def agrees(assay, folder, peer, model, kind, tolerance=2e-5):
    path = converted(peer, model, folder, kind)
    given = model.inputs[0]
    want = list(run_ort(str(model.path), given).values())
    got = Judge(assay, folder).run(path, as_declared(path, given))
    assert len(got) == len(want)
    for (name, array), expected in zip(got.items(), want, strict=True):
        near(array, expected, tolerance, f"'{name}' of {path.name}")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", DEMO)
def test_onnx2coreml_of_the_demo(assay, tmp_path, onnx2coreml, name, kind):
    agrees(assay, tmp_path, onnx2coreml, coreml_models.demo(name), kind)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", MADE)
def test_onnx2coreml_of_many_kinds(assay, tmp_path, onnx2coreml, name, kind):
    agrees(assay, tmp_path, onnx2coreml, coreml_models.make(name, tmp_path), kind)


class Twin:
    """One network twice: as ONNX for ONNX Runtime, and as a body for coremltools' builder, from the same weights."""

    def __init__(self, seed):
        self.onnx = coreml_models.Builder(seed)
        self.random = np.random.default_rng(seed)

    def weights(self, *shape, scale=1.0):
        return (self.random.standard_normal(shape, dtype=np.float32) * np.float32(scale)).astype(np.float32)


def classifier(mb, t, x, y, width=48):
    """Convolutions with batch normalisation, residual blocks, pooling, a dense layer: 1.3 million weights."""
    def block(x, y, inner, outer, stride):
        w = t.weights(outer, inner, 3, 3, scale=(9 * inner) ** -0.5)
        mean, gamma, beta = (t.weights(outer, scale=0.1) for _ in range(3))
        variance = np.abs(t.weights(outer)) + np.float32(0.5)
        x = mb.conv(x=x, weight=w, strides=[stride] * 2, pad_type="custom", pad=[1] * 4)
        x = mb.batch_norm(x=x, mean=mean, variance=variance, gamma=gamma, beta=beta, epsilon=np.float32(1e-5))
        y = t.onnx.op("Conv", [y, t.onnx.const(w)], kernel_shape=[3, 3], strides=[stride] * 2, pads=[1] * 4)
        y = t.onnx.op("BatchNormalization", [y, *(t.onnx.const(a) for a in (gamma, beta, mean, variance))],
                      epsilon=1e-5)
        return x, y

    channels = 3
    for stage in range(3):
        outer = width << stage
        x, y = block(x, y, channels, outer, 2)
        x, y = mb.silu(x=x), t.onnx.op("Mul", [y, t.onnx.op("Sigmoid", [y])])
        for _ in range(2):
            left, right = block(x, y, outer, outer, 1)
            x, y = mb.relu(x=mb.add(x=left, y=x)), t.onnx.op("Relu", [t.onnx.op("Add", [right, y])])
        channels = outer
    x, y = mb.reduce_mean(x=x, axes=[2, 3]), t.onnx.op("ReduceMean", [y], axes=[2, 3], keepdims=0)
    w, bias = t.weights(100, channels, scale=channels**-0.5), t.weights(100, scale=0.1)
    x = mb.softmax(x=mb.linear(x=x, weight=w, bias=bias), axis=-1)
    y = t.onnx.op("Softmax", [t.onnx.op("Gemm", [y, t.onnx.const(w), t.onnx.const(bias)], transB=1)], axis=-1)
    return x, y


def transformer(mb, t, x, y, d=128, heads=4, length=32, layers=3):
    """Encoder layers over a sequence of vectors: 0.6 million weights."""
    def linear(x, y, inner, outer):
        w, bias = t.weights(outer, inner, scale=inner**-0.5), t.weights(outer, scale=0.1)
        turned = t.onnx.const(np.ascontiguousarray(w.T))
        return (mb.linear(x=x, weight=w, bias=bias),
                t.onnx.op("Add", [t.onnx.op("MatMul", [y, turned]), t.onnx.const(bias)]))

    def norm(x, y):
        gamma, beta = np.float32(1) + t.weights(d, scale=0.1), t.weights(d, scale=0.1)
        return (mb.layer_norm(x=x, axes=[-1], gamma=gamma, beta=beta, epsilon=np.float32(1e-5)),
                t.onnx.op("LayerNormalization", [y, t.onnx.const(gamma), t.onnx.const(beta)], epsilon=1e-5))

    def split(x, y):
        shape, turned = [1, length, heads, d // heads], [0, 2, 1, 3]
        return (mb.transpose(x=mb.reshape(x=x, shape=shape), perm=turned),
                t.onnx.op("Transpose", [t.onnx.op("Reshape", [y, t.onnx.i64(*shape)])], perm=turned))

    for _ in range(layers):
        (qx, qy), (kx, ky), (vx, vy) = (split(*linear(x, y, d, d)) for _ in range(3))
        scale = np.float32((d // heads) ** -0.5)
        a = mb.softmax(x=mb.mul(x=mb.matmul(x=qx, y=kx, transpose_y=True), y=scale), axis=-1)
        b = t.onnx.op("MatMul", [qy, t.onnx.op("Transpose", [ky], perm=[0, 1, 3, 2])])
        b = t.onnx.op("Softmax", [t.onnx.op("Mul", [b, t.onnx.f32(scale)])], axis=-1)
        a = mb.reshape(x=mb.transpose(x=mb.matmul(x=a, y=vx), perm=[0, 2, 1, 3]), shape=[1, length, d])
        b = t.onnx.op("Transpose", [t.onnx.op("MatMul", [b, vy])], perm=[0, 2, 1, 3])
        a, b = linear(a, t.onnx.op("Reshape", [b, t.onnx.i64(1, length, d)]), d, d)
        x, y = norm(mb.add(x=x, y=a), t.onnx.op("Add", [y, b]))
        a, b = linear(x, y, d, 4 * d)
        a = mb.gelu(x=a, mode="EXACT")
        one = t.onnx.op("Add", [t.onnx.op("Erf", [t.onnx.op("Mul", [b, t.onnx.f32(0.5**0.5)])]), t.onnx.f32(1)])
        b = t.onnx.op("Mul", [t.onnx.op("Mul", [b, t.onnx.f32(0.5)]), one])
        a, b = linear(a, b, 4 * d, d)
        x, y = norm(mb.add(x=x, y=a), t.onnx.op("Add", [y, b]))
    return x, y


BUILT = {"classifier": (classifier, (1, 3, 64, 64), (1, 100)), "transformer": (transformer, (1, 32, 128), (1, 32, 128))}


@pytest.mark.parametrize(("form", "tolerance"), [("float32", 2e-5), ("float16", 1e-2), ("neuralnetwork", 2e-5)])
@pytest.mark.parametrize("name", BUILT)
def test_built_with_coremltools(assay, tmp_path, name, form, tolerance):
    """With all the passes that coremltools runs for those who use it."""
    ct = pytest.importorskip("coremltools", reason="coremltools builds the models")
    from coremltools.converters.mil import Builder as mb  # noqa: N813, PLC0415
    body, shape, result = BUILT[name]
    twin = Twin(31)

    @mb.program(input_specs=[mb.TensorSpec(shape=shape)], opset_version=ct.target.iOS15)
    def program(x):
        x, y = body(mb, twin, x, "x")
        twin.onnx.give(y)
        return x

    network = form == "neuralnetwork"
    path = tmp_path / ("built.mlmodel" if network else "built.mlpackage")
    settings = {} if network else {
        "minimum_deployment_target": ct.target.iOS15,
        "compute_precision": ct.precision.FLOAT32 if form == "float32" else ct.precision.FLOAT16}
    with quiet():
        ct.convert(program, source="milinternal", skip_model_load=True,
                   convert_to="neuralnetwork" if network else "mlprogram", **settings).save(str(path))
    twin.onnx.write(tmp_path / "twin.onnx", {"x": (T.FLOAT, shape)}, {"y": (T.FLOAT, result)})
    x = coreml_models.floats(*shape)
    want, = run_ort(str(tmp_path / "twin.onnx"), {"x": x}).values()
    np.savez(tmp_path / "in.npz", x=x)
    assay("run", path, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz", code=0)
    with np.load(tmp_path / "out.npz") as found:
        near(found[found.files[0]], want, tolerance)
    assay("convert", path, "-o", tmp_path / "back.onnx", code=0)
    if form == "float16":  # ONNX Runtime has few kernels of float16
        return
    back, = run_ort(str(tmp_path / "back.onnx"), {onnx.load(tmp_path / "back.onnx").graph.input[0].name: x}).values()
    near(back, want, tolerance)
