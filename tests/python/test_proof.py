"""No decision that a proof says cannot flip flips: what once was a counterexample."""
import numpy as np
import pytest
from onnx import TensorProto
from onnx import helper as h

FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def assert_no_proved_decision_flips(assay, model, data, *words):
    """The proved and the changed are different samples; returns the number of the proved."""
    result = assay("audit", model, "--data", data, *words, "--proof", "--fail-on", "none", "--json", code=0).result
    candidate = result["candidates"][0]
    proved = candidate["forecast"]["proof"]["proved"]
    assert proved + candidate["verdict"]["flips"] + candidate["verdict"]["at_risk"] <= result["samples"]
    return proved


@pytest.mark.parametrize("profile", ["f16-storage", "coreml-nn-gpu", "coreml-nn-ane", "bf16-storage", "f16-throughout"])
@pytest.mark.parametrize("comparison, at", [("GreaterOrEqual", 0.09999), ("Greater", 0.10002), ("Less", 0.09999)])
def test_a_constant_that_decides_is_read_as_it_is_stored(assay, save_model, save_npz, profile, comparison, at):
    nodes = [h.make_node(comparison, ["x", "limit"], ["c"]), h.make_node("Mul", ["x", "two"], ["d"]),
             h.make_node("Where", ["c", "d", "x"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (FLOAT, ["N", 1])}, {"y": (FLOAT, ["N", 1])},
                       {"limit": np.float32(0.1), "two": np.float32(2)})
    data = save_npz("x.npz", x=np.array([[at], [0.5], [0.01]], np.float32))
    assert_no_proved_decision_flips(assay, model, data, "--decision", "threshold:0.15", "--candidate", profile)


@pytest.mark.parametrize("rule", ["argmax", "topk:3", "ranking:3"])
def test_differences_of_a_score_that_is_rounded_may_vanish(assay, save_model, save_npz, rule):
    rng = np.random.default_rng(0)
    w, b, k = rng.normal(size=(16, 10)).astype(np.float32), np.full(10, 40, np.float32), np.array([1.1], np.float32)
    tail = [h.make_node("MatMul", ["m", "w"], ["s"]), h.make_node("Add", ["s", "b"], ["y"])]
    wide = save_model("wide.onnx", [h.make_node("Mul", ["x", "k"], ["m"]), *tail], {"x": (FLOAT, ["N", 16])},
                      {"y": (FLOAT, ["N", 10])}, {"w": w, "b": b, "k": k})
    half = save_model("half.onnx", [h.make_node("Cast", ["x"], ["c"], to=HALF), h.make_node("Mul", ["c", "k"], ["m"]),
                                    *tail], {"x": (FLOAT, ["N", 16])}, {"y": (HALF, ["N", 10])},
                      {name: a.astype(np.float16) for name, a in (("w", w), ("b", b), ("k", k))})
    data = save_npz("x.npz", x=rng.normal(size=(2000, 16)).astype(np.float32) * 0.1)
    words = ["--decision", rule, "--candidate", f"{wide}@strict-f32"]
    assert_no_proved_decision_flips(assay, half, data, *words)
    assert assert_no_proved_decision_flips(assay, wide, data, "--decision", rule, "--candidate", "f64") > 1000


def test_narrowing_float64_rounds(assay, save_model, save_npz):
    nodes = [h.make_node("Cast", ["x"], ["f"], to=FLOAT), h.make_node("Sub", ["f", "near"], ["d"]),
             h.make_node("Mul", ["d", "large"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (TensorProto.DOUBLE, ["N", 1])}, {"y": (FLOAT, ["N", 1])},
                       {"near": np.float32(1.5), "large": np.float32(1e8)})
    data = save_npz("x.npz", x=1.5 + np.array([[1e-8], [2e-8], [3e-8], [-4e-8], [0.5]]))
    for profile in ("strict-f32", "cpu-f32", "cuda-tf32-ampere"):
        assert_no_proved_decision_flips(assay, model, data, "--decision", "threshold:0.5", "--reference", "f64",
                                        "--candidate", profile)
