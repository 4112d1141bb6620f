"""The examples' inputs, held against what their descriptions say, with ONNX Runtime as the other side."""
import importlib.util
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest


def session(path):
    onnxruntime.set_default_logger_severity(3)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    """made("garments") runs examples/garments/make_data.py into a folder and returns the folder."""
    def make(name):
        out = tmp_path_factory.mktemp(name)
        subprocess.run([sys.executable, root / "examples" / name / "make_data.py", out], check=True)
        return out
    return make


def test_article_is_what_its_script_makes(root, monkeypatch):
    folder = root / "examples/article"
    monkeypatch.syspath_prepend(folder)  # its numbers stand in a file beside it
    spec = importlib.util.spec_from_file_location("make_mlp", folder / "make_mlp.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert onnx.load(folder / "mlp.onnx") == script.model()
    assert np.load(folder / "input.npz")["input"].tobytes() == script.X.tobytes()


def test_article_in_float32(root):
    folder = root / "examples/article"
    y, = session(folder / "mlp.onnx").run(["output"], {"input": np.load(folder / "input.npz")["input"]})
    assert [str(v) for v in y[0]] == ["0.6480752", "-0.34015813", "1.4329923"]


def test_garments(root, made):
    out = made("garments")
    images, labels = np.load(out / "garments.npz")["image"], np.load(out / "garments_labels.npy")
    assert images.shape == (10000, 1, 28, 28)
    assert images.dtype == np.float32
    assert labels.sum() == 1000
    model = root / "examples/garments/garments.onnx"
    assert model.stat().st_size < 400_000
    kinds = [n.op_type for n in onnx.load(model).graph.node]
    assert {"Conv", "BatchNormalization", "Relu", "MaxPool", "Sigmoid"} <= set(kinds)
    score, = session(model).run(["score"], {"image": images})
    said, truth = score[:, 0] >= 0.5, labels == 1
    assert (said == truth).mean() == pytest.approx(0.9435, abs=5e-4)


def test_blazeface(root, made):
    out = made("blazeface")
    images, labels = np.load(out / "blazeface.npz")["input:0"], np.load(out / "blazeface_labels.npy")
    assert images.shape == (200, 128, 128, 3)
    run = session(root / "build/inputs/blazeface/front.onnx").run
    logits = [np.concatenate([o.ravel() for o in run(["Identity:0", "Identity_1:0"], {"input:0": x[None]})])
              for x in images]
    found = 1 / (1 + np.exp(-np.max(logits, axis=1).astype(np.float64))) >= 0.75
    assert (found[labels == 1].sum(), found[labels == 0].sum()) == (96, 0)
