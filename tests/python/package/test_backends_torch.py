"""PyTorch's modules as programs, in the Python that has PyTorch: $ASSAY_TORCH_PYTHON, else Debian's."""
import importlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import assay

HERE = Path(__file__).resolve().parent
GARMENTS = HERE.parents[2] / "examples/garments"
PYTHON = os.environ.get("ASSAY_TORCH_PYTHON", "/usr/bin/python3")


@pytest.fixture(scope="module")
def in_torch(tmp_path_factory):
    """in_torch(check) runs a function of torch_programs.py there, warnings as errors, and returns what it printed."""
    if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True, check=False).returncode != 0:
        if os.environ.get("CI"):
            pytest.fail(f"{PYTHON} has no PyTorch (Debian: python3-torch)")
        pytest.skip(f"{PYTHON} has no PyTorch (Debian: python3-torch)")
    folder = tmp_path_factory.mktemp("torch")
    (folder / "assay").symlink_to(Path(assay.__file__).parent)  # without what lies beside it: another NumPy
    weights, model = folder / "weights.npz", GARMENTS / "garments.onnx"
    graph = onnx.load(model).graph
    np.savez(weights, **{tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer})

    def run(check):
        words = [PYTHON, "-W", "error::UserWarning", HERE / "torch_programs.py", check, model, weights]
        done = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{GARMENTS}"})
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_the_example_in_float32_and_bfloat16(in_torch):
    single, half = in_torch("audit")
    assert single["program"] == "callable:torch-sequential"
    assert single["format"] == "float32"
    assert single["max_abs"] < 1e-6
    assert half["program"] == "callable:torch-sequential-bfloat16"
    assert half["format"] == "bfloat16"
    assert 1e-3 < half["max_abs"] < 0.05
    assert single["flips"] == half["flips"] == 0
    assert not single["emulated"]
    assert not half["emulated"]


def test_inputs_and_outputs_by_position_and_name(in_torch):
    rows = {row["how"]: row for row in in_torch("inputs_and_outputs")}
    assert rows["by position"] == {"how": "by position", "names": ["difference", "sum"], "difference": [[4.0, 4.0]] * 3}
    assert rows["in this order"]["names"] == ["sum", "difference"]
    assert rows["in this order"]["difference"] == rows["by keyword"]["difference"] == [[-4.0, -4.0]] * 3
    assert rows["a function"] == {"how": "a function", "names": ["y", "z"], "difference": [[2.0, 2.0]] * 3}


def test_memory_is_shared_and_integers_stay(in_torch):
    in_torch("memory")


def test_bits_of_bfloat16_come_and_go_unchanged(in_torch):
    in_torch("bfloat16")


def test_errors(monkeypatch):
    with pytest.raises(TypeError, match="a module or a function"):
        assay.backends.torch(3)

    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(assay.AssayError, match="pip install torch") as absent:
        assay.backends.torch(len)
    assert absent.value.code == "A401"
