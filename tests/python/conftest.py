"""Fixtures for the black-box tests: the built command line, and small models made with the `onnx` package."""
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
CANDIDATES = ("build/dev/assay", "build/release/assay")


@dataclass
class Done:
    """What one run of the command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def result(self):
        return self.json["result"]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def assay_path():
    """The binary under test: $ASSAY, else the dev build, else the release build."""
    paths = [os.environ["ASSAY"]] if "ASSAY" in os.environ else [ROOT / p for p in CANDIDATES]
    for path in paths:
        if Path(path).is_file():
            return str(path)
    if "ASSAY" in os.environ or os.environ.get("CI"):
        pytest.fail(f"no assay binary at {', '.join(map(str, paths))}")
    return pytest.skip("assay is not built: run `make test`")


@pytest.fixture
def assay(assay_path, tmp_path):
    """assay("run", model, ...) runs the command in an empty folder and returns a Done; code= asserts the exit code."""

    def run(*args, code=None, cwd=tmp_path, timeout=300, env=None):
        p = subprocess.run([assay_path, *map(str, args)], cwd=cwd, capture_output=True, text=True, timeout=timeout,
                           check=False, stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1", **(env or {})})
        if code is not None:
            assert p.returncode == code, f"exit {p.returncode}, not {code}\n{p.stdout}\n{p.stderr}"
        return Done(p.returncode, p.stdout, p.stderr)

    return run


@pytest.fixture
def run_arrays(assay, tmp_path):
    """run_arrays(path, x=array, ..., code=0) runs a model once; its outputs by name (none where it fails), and what was
    said."""

    def run(path, code=0, **arrays):
        np.savez(tmp_path / "in.npz", **arrays)
        done = assay("run", path, "--input", tmp_path / "in.npz", "--output", tmp_path / "out.npz", code=code)
        if code:
            return {}, done.err
        with np.load(tmp_path / "out.npz") as out:
            return dict(out), done.err

    return run


def make_model(nodes, inputs, outputs, weights=None, *, opset=17, ir_version=8):
    """A ModelProto, checked where its outputs have shapes. `nodes` are helper.make_node results; `inputs` and
    `outputs` map names to (element type, shape); `weights` maps names to numpy arrays."""
    def infos(items):
        return [helper.make_tensor_value_info(n, t, s) for n, (t, s) in items.items()]

    graph = helper.make_graph(nodes, "g", infos(inputs), infos(outputs),
                              [numpy_helper.from_array(a, n) for n, a in (weights or {}).items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    if all(shape is not None for _, shape in outputs.values()):  # the checker wants a rank; exports often have none
        onnx.checker.check_model(model)
    return model


@pytest.fixture
def save_model(tmp_path):
    """save_model("m.onnx", nodes, inputs, outputs, weights...) -> path; see make_model."""

    def save(name, *args, **kwargs):
        path = tmp_path / name
        onnx.save(make_model(*args, **kwargs), path)
        return path

    return save


@pytest.fixture
def one_op(save_model):
    """one_op("Relu", x) -> path of a model of one node; arrays give the inputs' types and shapes."""

    def build(kind, *arrays, outputs=(("y", onnx.TensorProto.FLOAT, None),), opset=17, **attributes):
        names = [f"x{i}" for i in range(len(arrays))]
        node = helper.make_node(kind, names, [o[0] for o in outputs], **attributes)
        types = {n: (helper.np_dtype_to_tensor_dtype(a.dtype), a.shape) for n, a in zip(names, arrays, strict=True)}
        return save_model(f"{kind}.onnx", [node], types, {o[0]: (o[1], o[2]) for o in outputs}, opset=opset)

    return build


@pytest.fixture
def save_npz(tmp_path):
    """save_npz("in.npz", x=array) -> path."""

    def save(name, **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    return save
