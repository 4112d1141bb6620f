"""`inspect --emit-onnx`: the plain ONNX that a storage policy means, run by ONNX Runtime, against our engine."""
import ml_dtypes
import numpy as np
import onnx
import pytest
from conftest import ROOT, make_model
from differential.harness import by_opset, differences, model_of, run_assay, run_ort, triples_of
from differential.random_cases import MODULES, random_cases
from divergences import excused
from onnx import TensorProto, helper

STORAGE = {"f16-storage": "float16", "bf16-storage": "bfloat16"}
F32 = TensorProto.FLOAT
# ONNX Runtime has no kernel of their newest operator set (Bernoulli's body has one of these inside).
LACKING = {"Bernoulli", "GlobalLpPool", "MaxRoiPool", "Multinomial", "RandomNormal", "RandomNormalLike",
           "RandomUniform", "RandomUniformLike", "RoiAlign"}


@pytest.fixture
def both(assay, assay_path, tmp_path):
    """both(model, feeds, profile) -> outputs of our engine under the profile, and of ONNX Runtime on what it emits."""

    def run(model, feeds, profile, *, check=True):
        if not isinstance(model, str):
            onnx.save(model, tmp_path / "model.onnx")
            model = str(tmp_path / "model.onnx")
        emitted = str(tmp_path / "emitted.onnx")
        assay("inspect", model, "--profile", profile, "--emit-onnx", emitted, code=0)
        if check:
            onnx.checker.check_model(emitted)
        return run_assay(assay_path, model, feeds, tmp_path, "--profile", profile), run_ort(emitted, feeds)

    return run


def assert_same_bits(ours, theirs, storage=None):
    assert set(ours) == set(theirs)
    for name, array in theirs.items():
        assert array.dtype == ours[name].dtype and array.shape == ours[name].shape, name
        assert array.tobytes() == ours[name].tobytes(), (name, ours[name], array)
        if storage and array.dtype == np.float32:
            assert np.array_equal(array, array.astype(storage).astype(np.float32), equal_nan=True), name


@pytest.mark.parametrize("profile", STORAGE)
def test_article_to_the_last_bit(both, profile):
    with np.load(ROOT / "examples/article/input.npz") as arrays:
        feeds = dict(arrays)
    ours, theirs = both(str(ROOT / "examples/article/mlp.onnx"), feeds, profile)
    assert_same_bits(ours, theirs, np.dtype(getattr(ml_dtypes, STORAGE[profile], STORAGE[profile])))


@pytest.mark.parametrize("profile", STORAGE)
def test_garments(both, profile):
    images = np.random.default_rng(7).random((50, 1, 28, 28), dtype=np.float32)
    ours, theirs = both(str(ROOT / "examples/garments/garments.onnx"), {"image": images}, profile)
    far = 2 * {"f16-storage": 2.0**-11, "bf16-storage": 2.0**-8}[profile]  # two places of the score, a sigmoid
    assert np.abs(ours["score"] - theirs["score"]).max() <= far


@pytest.mark.parametrize("profile", STORAGE)
@pytest.mark.parametrize("module", MODULES)
def test_every_operator(both, module, profile):
    cases = [c for c in random_cases(module, 5, 2) if c.kind not in LACKING]
    lines = []
    for group in by_opset(cases):
        model, feeds = model_of(group)  # its outputs have no types, which onnx.checker does not like
        ours, theirs = both(model, feeds, profile, check=False)
        lines += differences(triples_of(group, ours, theirs), excused, STORAGE[profile])
    assert not lines, f"{len(lines)} cases differ\n" + "\n".join(lines[:40])


def exempt_resize():
    """Scales that float16 does not hold, read by Resize as they are and returned rounded."""
    nodes = [helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="linear"),
             helper.make_node("Identity", ["scales"], ["z"])]
    scales = np.array([1, 1, 1.3335, 2.0004], np.float32)
    x = {"x": (F32, [1, 2, 6, 5])}
    return make_model(nodes, x, {"y": (F32, ["a", "b", "c", "d"]), "z": (F32, [4])}, {"scales": scales})


def exempt_clip():
    """Bounds that float16 does not hold, as attributes before operator set 11."""
    nodes = [helper.make_node("Clip", ["x"], ["c"], min=-0.10001, max=0.30003), helper.make_node("Neg", ["c"], ["y"])]
    return make_model(nodes, {"x": (F32, [1, 2, 6, 5])}, {"y": (F32, [1, 2, 6, 5])}, opset=6)


def exempt_clip_inputs():
    nodes = [helper.make_node("Clip", ["x", "low", "high"], ["y"]), helper.make_node("Add", ["x", "high"], ["z"])]
    return make_model(nodes, {"x": (F32, [1, 2, 6, 5])}, {"y": (F32, [1, 2, 6, 5]), "z": (F32, [1, 2, 6, 5])},
                      {"low": np.array(-0.10001, np.float32), "high": np.array(0.30003, np.float32)}, opset=13)


def computed_scales():
    """Resize reads what a Mul made before its rounding; the graph returns it rounded."""
    nodes = [helper.make_node("Mul", ["a", "b"], ["scales"]),
             helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest")]
    weights = {"a": np.array([1, 1, 1.1112, 1.5], np.float32), "b": np.array([1, 1, 1.2, 2], np.float32)}
    x = {"x": (F32, [1, 2, 6, 5])}
    return make_model(nodes, x, {"y": (F32, ["a", "b", "c", "d"]), "scales": (F32, [4])}, weights)


def ranges_and_choices():
    nodes = [helper.make_node("Range", ["start", "limit", "step"], ["r"]),
             helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
             helper.make_node("Softmax", ["m"], ["s"]), helper.make_node("Where", ["c", "s", "m"], ["w"]),
             helper.make_node("Mul", ["w", "f"], ["y"])]
    weights = {"start": np.array(0.1, np.float32), "limit": np.array(2, np.float32), "step": np.array(0.3, np.float32),
               "c": np.array([[True, False]]), "f": np.array([1.0001, 70000], np.float32)}
    return make_model(nodes, {"x": (F32, [1, 2, 6, 5])}, {"r": (F32, ["a"]), "y": (F32, [1, 2]), "m": (F32, [1, 2])},
                      weights)


EXEMPT = [exempt_resize, exempt_clip, exempt_clip_inputs, computed_scales]


@pytest.mark.parametrize("profile", STORAGE)
@pytest.mark.parametrize("make", EXEMPT, ids=lambda make: make.__name__)
def test_exempt_inputs_to_the_last_bit(both, make, profile):
    x = np.random.default_rng(3).normal(size=(1, 2, 6, 5)).astype(np.float32)
    ours, theirs = both(make(), {"x": x}, profile)
    assert_same_bits(ours, theirs, np.dtype(getattr(ml_dtypes, STORAGE[profile], STORAGE[profile])))


@pytest.mark.parametrize("profile", STORAGE)
def test_parts_of_all_kinds_in_one_model(both, profile):
    x = np.random.default_rng(4).normal(size=(1, 2, 6, 5)).astype(np.float32)
    ours, theirs = both(ranges_and_choices(), {"x": x}, profile)
    for name, array in theirs.items():
        np.testing.assert_allclose(ours[name], array, rtol=2.0**-9 if profile == "f16-storage" else 2.0**-6)


@pytest.mark.parametrize(("profile", "statement"), [
    ("f16-throughout", "accumulator = "), ("coreml-nn-ane", "coreml-nn-ane.toml:"), ("f64", "float64")])
def test_what_onnx_cannot_say_is_refused_and_leaves_no_file(assay, tmp_path, profile, statement):
    model = ROOT / "examples/article/mlp.onnx"
    done = assay("inspect", model, "--profile", profile, "--emit-onnx", "out.onnx", "--json", code=3)
    error = done.json["error"]
    assert error["code"] == "A202" and statement in error["message"] and profile in error["where"]
    assert not list(tmp_path.iterdir())
