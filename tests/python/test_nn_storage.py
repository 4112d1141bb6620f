"""Under float16 storage a layer of a NeuralNetwork is one kernel: it rounds what it loads and what it stores, and
computes in float32 between. References in NumPy's float32, from inputs and weights rounded to float16."""
import math

import numpy as np
import pytest

pytest.importorskip("coremltools")
from nn_lift.elementwise import erf
from nn_lift.harness import Cases, image_model, network_of, noise, run_model, spec_of
from nn_lift.windows import conv

F = np.float32


def half(x):
    return np.asarray(x).astype(np.float16).astype(F)


X, Z, U = noise(3, 4, 5, scale=2), noise(3, 4, 5, seed=1), noise(3, 4, 5, seed=2)
POS = np.abs(X) + F(0.25)
W, V = noise(3, 4, 5, seed=3), noise(3, 4, 5, seed=4)
HX, HZ, HU, HW, HV, HP = (half(a) for a in (X, Z, U, W, V, POS))
EPS = F(3e-4)  # another number in float16

exact, near = Cases(), Cases()  # `near` ones call functions whose float32 results may differ by an ULP or so


def unary(cases, mode, x, fn, **params):
    cases.add(f"unary-{mode}", x, lambda b: b.add_unary("f", "x", "y", mode, scale=1.3, shift=0.3, **params),
              fn(half(x) * F(1.3) + F(0.3)))


unary(exact, "sqrt", POS, np.sqrt)
unary(exact, "rsqrt", POS, lambda t: F(1) / np.sqrt(t + EPS), epsilon=EPS)
unary(exact, "inverse", POS, lambda t: F(1) / (t + EPS), epsilon=EPS)
unary(exact, "abs", X, np.abs)
unary(exact, "threshold", X, lambda t: np.maximum(t, F(0.1)), alpha=0.1)
unary(near, "power", POS, lambda t: t ** F(1.7), alpha=1.7)
unary(near, "exp", X, np.exp)
unary(near, "log", POS, np.log)
exact.add("scale", X, lambda b: b.add_scale("f", W, V, True, "x", "y", list(W.shape), list(V.shape)), HX * HW + HV)
exact.add("multiply-3", [X, Z, U], lambda b: b.add_elementwise("f", ["x", "z", "u"], "y", "MULTIPLY"), HX * HZ * HU)
exact.add("average-3", [X, Z, U], lambda b: b.add_elementwise("f", ["x", "z", "u"], "y", "AVE"),
          (HX + HZ + HU) / F(3))
exact.add("linear", X, lambda b: b.add_activation("f", "LINEAR", "x", "y", [1.3, 0.3]), HX * F(1.3) + F(0.3))
exact.add("hard-sigmoid", X, lambda b: b.add_activation("f", "SIGMOID_HARD", "x", "y", [0.3, 0.45]),
          np.clip(HX * F(0.3) + F(0.45), 0, 1))
exact.add("clip", X, lambda b: b.add_clip("f", "x", "y", -0.1, 0.1), np.clip(HX, F(-0.1), F(0.1)))
exact.add("less-alpha", np.full(3, 0.1), lambda b: b.add_less_than("f", ["x"], "y", alpha=0.1), np.ones(3))
exact.add("mvn-mean", X, lambda b: b.add_mvn("f", "x", "y", False, False), HX - HX.mean((1, 2), keepdims=True))
exact.add("inner-product", X, lambda b: b.add_inner_product("f", noise(2, 5), noise(2), 5, 2, True, "x", "y"),
          HX @ half(noise(2, 5)).T + half(noise(2)))
K = noise(2, 3, 3, 3)
exact.add("convolution", X, lambda b: b.add_convolution(
    "f", 3, 2, 3, 3, 1, 1, "valid", 1, np.transpose(K, (2, 3, 1, 0)), noise(2), True, input_name="x", output_name="y"),
    conv(HX[None], half(K))[0] + half(noise(2))[:, None, None])
exact.add("embedding", np.array([[0], [2]]), lambda b: b.add_embedding_nd("f", "x", "y", 3, 4, noise(4, 3), noise(4)),
          half(noise(4, 3)).T[[0, 2]] + half(noise(4)))
GAMMA, BETA, MEAN, VAR = (noise(3, seed=5), noise(3, seed=6), noise(3, seed=7), np.abs(noise(3, seed=8)) + F(0.1))
A = half(GAMMA) / np.sqrt(half(VAR) + EPS)
exact.add("batchnorm", X, lambda b: b.add_batchnorm("f", 3, GAMMA, BETA, MEAN, VAR, "x", "y", epsilon=EPS),
          HX * A[:, None, None] + (half(BETA) - half(MEAN) * A)[:, None, None])
D = HX - HX.mean((1, 2), keepdims=True)
near.add("mvn", X, lambda b: b.add_mvn("f", "x", "y", False, True, EPS),
         D / np.sqrt((D * D).mean((1, 2), keepdims=True) + EPS))
near.add("logsum", POS, lambda b: b.add_reduce("f", "x", "y", "CHW", "logsum", EPS),
         np.log(HP + EPS).sum((0, 1, 2), keepdims=True))
def dot(b):
    layer = b.spec.neuralNetwork.layers.add()
    layer.name = "f"
    layer.input.extend(["x", "z"])
    layer.output.append("y")
    layer.dot.cosineSimilarity = True


P, Q = noise(40, 1, 1), noise(40, 1, 1, seed=1)
HPQ = [half(a) / np.sqrt((half(a) ** 2).sum()) for a in (P, Q)]
near.add("cosine", [P, Q], dot, (HPQ[0] * HPQ[1]).sum(keepdims=True))
near.add("softmax-nd", X, lambda b: b.add_softmax_nd("f", "x", "y", 1), np.exp(HX) / np.exp(HX).sum(1, keepdims=True))
near.add("gelu", X, lambda b: b.add_gelu("f", "x", "y"), F(0.5) * HX * (F(1) + erf(HX / math.sqrt(2)).astype(F)))
HY = np.maximum(HX, F(-1.5))  # further below, 1 + tanh cancels
near.add("gelu-tanh", HY, lambda b: b.add_gelu("f", "x", "y", "TANH_APPROXIMATION"),
         F(0.5) * HY * (F(1) + np.tanh(F(math.sqrt(2 / math.pi)) * (HY + F(0.044715) * HY * HY * HY))))
near.add("gelu-sigmoid", X, lambda b: b.add_gelu("f", "x", "y", "SIGMOID_APPROXIMATION"),
         HX / (F(1) + np.exp(F(-1.702) * HX)))
near.add("softplus", X * 30, lambda b: b.add_activation("f", "SOFTPLUS", "x", "y"), np.logaddexp(F(0), half(X * 30)))


def stored(assay, folder, case, profile="coreml-nn-gpu"):
    out = run_model(assay, folder, spec_of(case), case.inputs, "--profile", profile)["y"]
    np.testing.assert_array_equal(out, half(out))
    return out


@pytest.mark.parametrize("case", exact, ids=lambda c: c.name)
def test_a_layer_rounds_once(assay, tmp_path, case):
    np.testing.assert_array_equal(stored(assay, tmp_path, case), half(case.expected["y"]))


@pytest.mark.parametrize("case", near, ids=lambda c: c.name)
def test_a_layer_with_functions_rounds_once(assay, tmp_path, case):
    """A float32 result beside the middle of two float16 numbers may fall to the other side: one element in twenty."""
    out, want = stored(assay, tmp_path, case), half(case.expected["y"])
    ulp = np.spacing(np.abs(want).astype(np.float16)).astype(F)
    assert np.max(np.abs(out - want) / ulp) <= 1
    assert np.mean(out != want) <= 0.05


def test_preprocessing_rounds_once(assay, tmp_path):
    spec = image_model("RGB", True, image_scale=1 / 255, red_bias=-0.485, green_bias=-0.456, blue_bias=-0.406)
    layer = network_of(spec).layers[0].activation.linear
    layer.alpha, layer.beta = 1, 0
    pixels = np.arange(24, dtype=np.uint8).reshape(1, 3, 2, 4) * 10
    want = half(pixels * F(1 / 255) + F([-0.485, -0.456, -0.406])[:, None, None])
    out = run_model(assay, tmp_path, spec, {"image": pixels}, "--profile", "coreml-nn-gpu")["y"]
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("profile", ["f16-storage", "coreml-nn-ane", "coreml-nn-gpu-lowacc"])
@pytest.mark.parametrize("case", [c for c in exact if c.name in ("scale", "multiply-3", "less-alpha")],
                         ids=lambda c: c.name)
def test_other_float16_storage_too(assay, tmp_path, case, profile):
    """Layers without sums and settings, which the Neural Engine has in other ways."""
    np.testing.assert_array_equal(stored(assay, tmp_path, case, profile), half(case.expected["y"]))


def test_the_neural_engine_s_softplus_falls_off_its_cliff(assay, tmp_path):
    """coremltools issue 2687: softplus of 10.394 is 10.39, of 10.395 it is 0."""
    softplus = Cases()
    x = np.float32([10.394, 10.395]).reshape(2, 1, 1)
    softplus.add("softplus", x, lambda b: b.add_activation("f", "SOFTPLUS", "x", "y"), x)
    out = stored(assay, tmp_path, softplus[0], "coreml-nn-ane")
    np.testing.assert_array_equal(out.ravel(), [10.390625, 0])


def test_float16_arithmetic_rounds_each_step(assay, tmp_path):
    """Where each step of an operation is rounded, so is each step of a layer."""
    case = next(c for c in exact if c.name == "scale")
    np.testing.assert_array_equal(stored(assay, tmp_path, case, "f16-throughout"), half(half(HX * HW) + HV))


def test_layers_do_not_share_what_is_inside(assay, tmp_path):
    """Two layers round between them what one layer of both does not."""
    two = Cases()

    def build(b):
        b.add_scale("f", W, None, False, "x", "t", list(W.shape))
        b.add_bias("g", V, "t", "y", list(V.shape))
    two.add("two", X, build, X)
    np.testing.assert_array_equal(stored(assay, tmp_path, two[0]), half(half(HX * HW) + HV))


def test_the_program_says_what_is_inside(assay, tmp_path):
    """Shown as resolved, and as plain ONNX, which gives the same bits without a profile."""
    case = next(c for c in exact if c.name == "scale")
    want = stored(assay, tmp_path, case, "f16-storage")
    shown = assay("inspect", tmp_path / "m.mlmodel", "--profile", "f16-storage", "--full", "--emit-onnx",
                  tmp_path / "m.onnx", code=0).out
    assert '%f/Mul: float32[3,4,5] inside as float32 = Mul(' in shown
    assert shown.count('name "f" from "scale"') == 2
    assay("run", tmp_path / "m.onnx", "--input", tmp_path / "in.npz", "--output", tmp_path / "y.npz", code=0)
    with np.load(tmp_path / "y.npz") as out:
        np.testing.assert_array_equal(out["y"], want)


@pytest.mark.parametrize("case", [c for c in (*exact, *near) if c.name in (
    "scale", "logsum", "mvn-mean", "multiply-3", "gelu-sigmoid")], ids=lambda c: c.name)
def test_converted_models_compute_the_same(assay, tmp_path, case):
    """What is written from a layer are its operations: in float32 the same bits in every format."""
    want = run_model(assay, tmp_path, spec_of(case), case.inputs)["y"]
    for name in ("m.mlpackage", "m.onnx"):
        assay("convert", tmp_path / "m.mlmodel", "-o", tmp_path / name, code=0)
        assay("run", tmp_path / name, "--input", tmp_path / "in.npz", "--output", tmp_path / "y.npz", code=0)
        with np.load(tmp_path / "y.npz") as out:
            np.testing.assert_array_equal(out["y"], want)


def test_updates_that_meet_are_rounded_once(assay, tmp_path):
    """And as the ONNX model that says so gives them."""
    indices, updates = np.float32([0, 2, 2, 2]), noise(3, 4, 4, seed=6)
    want = HX.copy()
    for k, i in enumerate(indices.astype(int)):
        want[..., i] += half(updates)[..., k]
    case = Cases()
    case.add("scatter", [X, indices, updates],
             lambda b: b.add_scatter("f", ["x", "z", "u"], "y", axis=-1, mode="ADD"), want)
    np.testing.assert_array_equal(stored(assay, tmp_path, case[0]), half(want))
    out = stored(assay, tmp_path, case[0], "f16-storage")
    assay("inspect", tmp_path / "m.mlmodel", "--profile", "f16-storage", "--emit-onnx", tmp_path / "m.onnx", code=0)
    assay("run", tmp_path / "m.onnx", "--input", tmp_path / "in.npz", "--output", tmp_path / "again.npz", code=0)
    with np.load(tmp_path / "again.npz") as again:
        np.testing.assert_array_equal(again["y"], out)
