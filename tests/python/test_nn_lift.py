"""Layers of NeuralNetworks run as the format documents them: models made with coremltools, references in NumPy."""
import functools

import numpy as np
import pytest

coremltools = pytest.importorskip("coremltools")
from coremltools.models import datatypes  # noqa: E402
from coremltools.models.neural_network import NeuralNetworkBuilder  # noqa: E402
from coremltools.proto import Model_pb2, NeuralNetwork_pb2  # noqa: E402
from nn_lift import control, elementwise, linear, recurrent, tensors, windows  # noqa: E402
from nn_lift.harness import FLOAT32, image_model, layers_of, network_of, noise, run_model, save, spec_of  # noqa: E402

CASES = [c for m in (elementwise, windows, linear, tensors, recurrent, control) for c in m.cases]
NOT_LIFTED = {"custom", "categoricalDistribution", *(f"random{d}{k}" for d in ("Normal", "Uniform", "Bernoulli")
                                                     for k in ("Like", "Static", "Dynamic"))}


@pytest.fixture
def run(assay, tmp_path):
    """run(spec, inputs) gives the outputs of the model."""
    return functools.partial(run_model, assay, tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_layer(run, case):
    out = run(spec_of(case), case.inputs)
    assert set(out) == set(case.expected)
    for name, expected in case.expected.items():
        want = np.asarray(expected)
        assert out[name].dtype == np.float32
        assert out[name].shape == want.shape, name
        np.testing.assert_allclose(out[name], want, case.rtol, case.atol, err_msg=name)


def test_every_layer_has_a_case():
    tested = {layer.WhichOneof("layer") for c in CASES for layer in layers_of(network_of(spec_of(c)))}
    known = {f.name for f in NeuralNetwork_pb2.NeuralNetworkLayer.DESCRIPTOR.oneofs_by_name["layer"].fields}
    assert known - tested == NOT_LIFTED


def test_scaled_tanh_of_recurrent_layers_states_its_factors(assay, tmp_path):
    """Public texts contradict each other on what it is without them."""
    b = NeuralNetworkBuilder([("x", datatypes.Array(2, 1, 3, 1, 1))], [("y", None)], disable_rank5_shape_mapping=True)
    b.add_simple_rnn("f", noise(4, 4), noise(4, 3), None, 4, 3, "SCALED_TANH", ["x"], ["y", "h"])
    done = assay("inspect", save(b.spec, tmp_path / "m.mlmodel"), "--profile", "coreml-nn-cpu", code=3)
    assert "scaledTanh without its factors" in done.err


def test_what_is_missing_is_told_at_once(assay, tmp_path):
    b = NeuralNetworkBuilder([("x", datatypes.Array(3))], [("y", None)], disable_rank5_shape_mapping=True)
    b.add_random_normal_like("a", "x", "r")
    b.add_random_uniform_like("b", "r", "q")
    b.add_custom("c", ["q"], ["y"])
    done = assay("run", save(b.spec, tmp_path / "m.mlmodel"), "--random", 1, code=3)
    for kind in ("randomNormalLike", "randomUniformLike", "custom"):
        assert kind in done.err


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("color", ["RGB", "BGR", "GRAYSCALE"])
def test_images(run, color, exact):
    """Channels come as red, green, blue; preprocessing's biases are those of the model's channels."""
    gray = color == "GRAYSCALE"
    pixels = np.random.default_rng(0).integers(0, 256, (1, 1 if gray else 3, 2, 4)).astype(np.uint8)
    biases = {"red_bias": 1.0, "green_bias": 2.0, "blue_bias": 3.0, "gray_bias": 4.0}
    out = run(image_model(color, exact, gray, image_scale=0.5, **biases), {"image": pixels})["y"]
    seen = pixels[:, ::-1] if color == "BGR" else pixels
    bias = np.array({"RGB": [1, 2, 3], "BGR": [3, 2, 1], "GRAYSCALE": [4]}[color]).reshape(-1, 1, 1)
    want = (seen * 0.5 + bias) * 2 + 1
    np.testing.assert_array_equal(out, want if exact else want[0])


def test_mean_image(run):
    spec = image_model("RGB", True)
    mean = noise(3, 2, 4)
    preprocessing = network_of(spec).preprocessing.add()
    preprocessing.featureName = "image"
    preprocessing.meanImage.meanImage.extend(mean.ravel())
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 3, 2, 4)
    np.testing.assert_allclose(run(spec, {"image": pixels})["y"], (pixels - mean) * 2 + 1, rtol=1e-6, atol=1e-6)


def test_flexible_image(run):
    spec = image_model("RGB", True)
    image = spec.description.input[0].type.imageType
    image.imageSizeRange.widthRange.lowerBound, image.imageSizeRange.widthRange.upperBound = 1, -1
    image.imageSizeRange.heightRange.lowerBound, image.imageSizeRange.heightRange.upperBound = 1, 9
    pixels = np.arange(3 * 5 * 6, dtype=np.uint8).reshape(1, 3, 5, 6)
    np.testing.assert_array_equal(run(spec, {"image": pixels})["y"], pixels * 2.0 + 1)


def classifier(labels, blob=""):
    b = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("p", datatypes.Array(3))], mode="classifier")
    b.add_inner_product("d", noise(3, 4), None, 4, 3, False, "x", "s")
    b.add_softmax("f", "s", "p")
    b.set_class_labels(labels, prediction_blob=blob)
    return b.spec


@pytest.mark.parametrize("labels", [["cat", "dog", "ünd"], [5, 7, 11]])
def test_classifier(run, labels):
    x = noise(4, seed=3)
    spec = classifier(labels)
    spec.description.input[0].type.multiArrayType.dataType = FLOAT32
    out = run(spec, {"x": x})
    e = np.exp(noise(3, 4) @ x)
    np.testing.assert_allclose(out[spec.description.predictedProbabilitiesName], e / e.sum(), rtol=1e-5)
    assert out[spec.description.predictedFeatureName] == labels[np.argmax(e)]


def test_optional_input(run):
    """Without a value it is its default, or zeros."""
    b = NeuralNetworkBuilder([("x", datatypes.Array(2)), ("z", datatypes.Array(2))], [("y", None)],
                             disable_rank5_shape_mapping=True)
    b.add_add_broadcastable("f", ["x", "z"], "y")
    for feature in b.spec.description.input:
        feature.type.multiArrayType.dataType = FLOAT32
    b.spec.description.output[0].type.multiArrayType.dataType = FLOAT32
    b.spec.description.input[1].type.isOptional = True
    x, z = np.float32([1, 2]), np.float32([5, 6])
    np.testing.assert_array_equal(run(b.spec, {"x": x})["y"], x)
    b.spec.description.input[1].type.multiArrayType.floatDefaultValue = 2.5
    np.testing.assert_array_equal(run(b.spec, {"x": x})["y"], x + 2.5)
    np.testing.assert_array_equal(run(b.spec, {"x": x, "z": z})["y"], x + z)


def test_flexible_shapes(run):
    """Ranges and enumerated shapes: convolution, pooling, reshaping and resizing with unknown extents."""
    b = NeuralNetworkBuilder([("x", datatypes.Array(1, 3, 8, 8))], [("y", None)], disable_rank5_shape_mapping=True)
    w = noise(2, 3, 3, 3)
    b.add_convolution("c", 3, 2, 3, 3, 1, 1, "same", 1, np.transpose(w, (2, 3, 1, 0)), None, False, input_name="x",
                      output_name="c")
    b.add_pooling("p", 2, 2, 2, 2, "MAX", "INCLUDE_LAST_PIXEL", "c", "p")
    b.add_upsample("u", 2, 2, "p", "u")
    b.add_flatten("f", 0, "u", "f")
    b.add_concat_nd("i", ["f", "f"], "y", 1, True)
    array = b.spec.description.input[0].type.multiArrayType
    array.dataType = b.spec.description.output[0].type.multiArrayType.dataType = FLOAT32
    for low, high in ((1, -1), (3, 3), (8, 16), (4, -1)):
        size = array.shapeRange.sizeRanges.add()
        size.lowerBound, size.upperBound = low, high
    x = noise(2, 3, 9, 6)
    c = windows.conv(x, w, pads=[1, 1, 1, 1])
    p = windows.pool(c, "MAX", [2, 2], [2, 2], [0] * 4, extra=[1, 0])
    f = p.repeat(2, 2).repeat(2, 3).reshape(2, -1, 1, 1)
    np.testing.assert_allclose(run(b.spec, {"x": x})["y"], f.repeat(2, 1), rtol=1e-5, atol=1e-5)


def test_flexible_loop(run):
    """Blobs of a loop whose extents are not known."""
    spec = spec_of(next(c for c in control.cases if c.name == "loop-growing"))
    array = spec.description.input[0].type.multiArrayType
    for low, high in ((2, 2), (1, -1)):
        size = array.shapeRange.sizeRanges.add()
        size.lowerBound, size.upperBound = low, high
    x = noise(2, 7)
    np.testing.assert_array_equal(run(spec, {"x": x})["y"], np.concatenate([x] * 4))


@pytest.mark.parametrize("case", [c for c in CASES if c.name in (
    "loop-break-middle", "branch-overwrites-1", "uniDirectionalLSTM-peephole", "convolution-rank5", "softmax",
    "cropResize", "topK-False", "padding-constant", "sliceDynamic-inputs-2",
    "activation-PARAMETRICSOFTPLUS", "gru-True-False")], ids=lambda c: c.name)
@pytest.mark.parametrize("profile", ["f16-storage", "coreml-nn-gpu", "coreml-nn-ane", "f64"])
def test_layers_under_profiles(run, case, profile):
    """Every kind of layer runs under storage policies, near the reference."""
    out = run(spec_of(case), case.inputs, "--profile", profile)
    for name, want in case.expected.items():
        np.testing.assert_allclose(out[name], np.asarray(want), rtol=0.05, atol=0.05)


def test_legacy_axes(run):
    """Declared [C] and [C, H, W] are [1, 1, C, 1, 1] and [1, 1, C, H, W] inside; an int32 output is rounded down."""
    b = NeuralNetworkBuilder([("x", datatypes.Array(3)), ("z", datatypes.Array(3, 2, 2))],
                             [("y", datatypes.Array(3, 2, 2)), ("s", datatypes.Array(1))])
    b.add_elementwise("f", ["z", "x"], "y", "ADD")
    b.add_reduce("g", "y", "s", "CHW", "sum")
    for feature in [*b.spec.description.input, *b.spec.description.output]:
        feature.type.multiArrayType.dataType = FLOAT32
    x, z = np.arange(3, dtype=np.float32), noise(3, 2, 2)
    out = run(b.spec, {"x": x, "z": z})
    np.testing.assert_array_equal(out["y"], z + x[:, None, None])
    np.testing.assert_allclose(out["s"], [(z + x[:, None, None]).sum()], rtol=1e-5)


def half(name_in, name_out, scale):
    b = NeuralNetworkBuilder([(name_in, datatypes.Array(3))], [(name_out, None)], disable_rank5_shape_mapping=True)
    b.add_activation("f", "LINEAR", name_in, name_out, [scale, 1])
    for feature in [*b.spec.description.input, *b.spec.description.output]:
        feature.type.multiArrayType.dataType = FLOAT32
    return b.spec


def test_pipeline(run, assay, tmp_path):
    """Networks are joined by the names of their features; other models are named in the error."""
    spec = Model_pb2.Model()
    spec.specificationVersion = 5
    parts = [half("x", "t", 2), half("t", "y", 3)]
    spec.pipeline.models.extend(parts)
    spec.description.input.append(parts[0].description.input[0])
    spec.description.output.append(parts[1].description.output[0])
    x = noise(3)
    np.testing.assert_array_equal(run(spec, {"x": x})["y"], (x * 2 + 1) * 3 + 1)
    spec.pipeline.models[1].scaler.shiftValue.append(0)
    done = assay("run", save(spec, tmp_path / "p.mlmodel"), "--random", 1, code=3)
    assert "scaler" in done.err


def test_storage_rounds_once_a_layer(run):
    """Under float16 storage a product with its bias rounds its result alone, whatever axes stand before."""
    x, w, v = noise(2, 3, 8), noise(4, 8, seed=1), noise(4, seed=2)
    b = NeuralNetworkBuilder([("x", datatypes.Array(*x.shape))], [("y", None)], disable_rank5_shape_mapping=True)
    b.add_inner_product("f", w, v, 8, 4, True, "x", "y")
    for feature in [*b.spec.description.input, *b.spec.description.output]:
        feature.type.multiArrayType.dataType = FLOAT32
    out = run(b.spec, {"x": x}, "--profile", "f16-storage")["y"]
    x, w, v = (a.astype(np.float16).astype(np.float64) for a in (x, w, v))
    want = (x @ w.T + v).astype(np.float16)
    np.testing.assert_array_equal(out, want.astype(np.float32))
