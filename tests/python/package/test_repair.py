"""Blame and repair in Python: the same results as the command line, from files or from memory."""
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import assay

N = 24


@pytest.fixture
def model():
    """A product that loses its last digits to a large constant, which is taken away again."""
    rng = np.random.default_rng(5)
    weights = {"w": rng.normal(size=(8, 8)), "c": np.array(2048), "v": rng.normal(size=(8, 4))}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="first"),
             helper.make_node("Add", ["h", "c"], ["a"], name="add"),
             helper.make_node("Sub", ["a", "c"], ["s"], name="planted"),
             helper.make_node("MatMul", ["s", "v"], ["y"], name="last")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])],
                              [numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def data():
    return {"x": np.random.default_rng(6).normal(size=(N, 8)).astype(np.float32)}


def command(*words, cwd):
    done = subprocess.run([sys.executable, "-m", "assay", *words, "--json"], cwd=cwd, check=False, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(Path(assay.__file__).parents[1])})
    return json.loads(done.stdout)["result"]


def test_blame_in_python_is_the_commands(model, data, tmp_path):
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", **data)
    result = assay.audit(tmp_path / "m.onnx", data, decision="argmax", candidates="f16-storage", blame=True,
                         blame_samples=4)
    candidate = result.candidates[0]
    blame = candidate.blame
    assert candidate.flips and len(blame.samples) == min(4, len(candidate.flips))
    assert blame.named().node == "planted" and blame.named(99) is None
    words = ["audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-storage", "--blame",
             "--blame-samples", "4"]
    assert json.loads(result.to_json())["candidates"] == command(*words, cwd=tmp_path)["candidates"]
    with pytest.raises(assay.UsageError):
        assay.audit(model, data, decision="argmax", candidates="f16-storage", blame=True, blame_runs=-1)


def test_repair_in_python_is_the_commands(model, data, tmp_path):
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", **data)
    result = assay.repair(tmp_path / "m.onnx", data, decision="argmax", candidate="f16-storage",
                          output=tmp_path / "fixed.onnx", configs=tmp_path / "configs")
    assert result.passed and result.reached and result.minimal
    assert [result.operations[i].node for i in result.kept] == ["add", "planted"]
    assert result.files[0].meets and result.files[0].standing.flips == 0
    assert result.front[0].cost.total == 0 and result.front[-1].searched.flips == 0
    assert {fix.kind for fix in result.free_fixes} == {"compute-unit"}
    assert (tmp_path / "configs/tensorrt_layers.txt").exists()
    again = assay.audit(None, data, decision="argmax", reference=f"{tmp_path}/m.onnx@strict-f32",
                        candidates=f"{tmp_path}/fixed.onnx@strict-f32")
    assert again.passed
    fresh = assay.load(model).repair(data, decision="argmax", candidate="f16-storage")
    words = ["repair", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "f16-storage"]
    assert json.loads(fresh.to_json()) == command(*words, cwd=tmp_path)


def test_a_goal_that_is_not_reached(model, data, tmp_path):
    result = assay.repair(model, data, decision="argmax", candidate="f16-storage", reference="bf16-storage",
                          goal="max-error:1e-9", output=tmp_path / "never.onnx")
    assert not result.passed and not result.found and not (tmp_path / "never.onnx").exists()
    with pytest.raises(assay.UsageError):
        assay.repair(model, data, decision="argmax", candidate="f16-storage", goal="better")


def test_functions_are_not_repaired(model, data):
    with pytest.raises(assay.UsageError, match="a function cannot be changed"):
        assay.repair(model, data, decision="argmax", candidate=lambda x: x)


def test_wrong_arguments_are_called_by_their_names(model, data):
    def wrong(name, **words):
        with pytest.raises(assay.UsageError) as refused:
            assay.repair(model, data, decision="argmax", **{"candidate": "f16-storage", **words})
        assert "function" not in str(refused.value) and name in str(refused.value)
        others = {"first_sample", "budget", "candidate", "reference"} - {name}
        assert not any(other in str(refused.value) for other in others), refused.value

    wrong("first_sample", first_sample=-1)
    wrong("budget", budget=-1)
    wrong("budget", budget=0)
    wrong("candidate", candidate=None)
    wrong("candidate", candidate=["f16-storage"])


def test_two_reports_are_two_files(model, data, tmp_path):
    page = tmp_path / "page"
    with pytest.raises(assay.UsageError, match="would write the same file"):
        assay.audit(model, data, decision="argmax", candidates="f16-storage", html=page, markdown=page)


def test_errors_need_no_decision(model, data):
    result = assay.repair(model, data, candidate="f16-storage", goal="max-error:1e30")
    assert result.reached and not result.float32_is_better and result.unrescaled is None
