"""What sessions say of a model is what ONNX Runtime's say, over the models of the package onnx."""
import collections
import warnings
from pathlib import Path

import onnx
import onnxruntime
import pytest

import assay

DATA = Path(onnx.__file__).parent / "backend/test/data"
MODELS = sorted(DATA.glob("*/*/model.onnx"))
REFUSALS = (assay.AssayError, *[
    getattr(onnxruntime.capi.onnxruntime_pybind11_state, name)
    for name in ("Fail", "InvalidArgument", "InvalidGraph", "NotImplemented", "RuntimeException")])
META = ("producer_name", "graph_name", "domain", "description", "version", "custom_metadata_map")


def both(path):
    """The model in both runtimes; None where one of them does not have it."""
    try:
        theirs = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", assay.AssayWarning)
            return assay.InferenceSession(path), theirs
    except REFUSALS:
        return None


def sizes_agree(ours, theirs):
    """Where both know the rank it is the same, and so are the sizes that both know."""
    if not ours.shape or not theirs.shape:
        return True
    return len(ours.shape) == len(theirs.shape) and all(
        a == b or not isinstance(a, int) or not isinstance(b, int)
        for a, b in zip(ours.shape, theirs.shape, strict=True))


@pytest.fixture(scope="module")
def sessions():
    onnxruntime.set_default_logger_severity(4)
    opened = [(path.parent.name, pair) for path in MODELS if (pair := both(path))]
    onnxruntime.set_default_logger_severity(2)
    assert len(opened) > 1400, "most of them run in both"
    return opened


def test_inputs(sessions):
    wrong = []
    for name, (ours, theirs) in sessions:
        for a, b in zip(ours.get_inputs(), theirs.get_inputs(), strict=True):
            declared = [None if size == 0 else size for size in b.shape]
            if (a.name, a.type, a.shape) != (b.name, b.type, declared):
                wrong.append((name, a, (b.name, b.type, b.shape)))
    assert not wrong, wrong[:10]


def test_outputs(sessions):
    """Their sizes are those that follow from the model, whatever the file declares: docs/python-session.md."""
    wrong, seen = [], collections.Counter()
    for name, (ours, theirs) in sessions:
        for a, b in zip(ours.get_outputs(), theirs.get_outputs(), strict=True):
            seen[a.shape == b.shape] += 1
            if (a.name, a.type) != (b.name, b.type) or not sizes_agree(a, b):
                wrong.append((name, a, (b.name, b.type, b.shape)))
    assert not wrong, wrong[:10]
    assert seen[True] > 4 * seen[False]


def test_metadata(sessions):
    wrong = []
    for name, (ours, theirs) in sessions:
        a, b = ours.get_modelmeta(), theirs.get_modelmeta()
        wrong += [(name, field, getattr(a, field), getattr(b, field)) for field in META
                  if getattr(a, field) != getattr(b, field)]
    assert not wrong, wrong[:10]
