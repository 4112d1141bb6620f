"""Layers as ONNX files: ONNX Runtime has their numbers, or A213 says that only Assay runs the file."""
import re
import subprocess

import numpy as np
import onnx
import pytest

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("coremltools")
from mil_programs import build, mb  # noqa: E402
from mil_programs import save as save_program  # noqa: E402
from nn_lift import control, elementwise, linear, recurrent, tensors, windows  # noqa: E402
from nn_lift.harness import network_of, noise, save, spec_of  # noqa: E402

CASES = [c for m in (elementwise, windows, linear, tensors, recurrent, control) for c in m.cases]
OWN = [  # cases that only Assay runs, the operator and why
    (r"resizeBilinear-.*|upsample-.*", "coreml.Resize", "ONNX's Resize has other grids"),
    (r"cropResize.*", "coreml.CropResize", "RoiAlign samples elsewhere"),
    (r"NonMaximumSuppression.*", "coreml.NonMaximumSuppression", "its results are padded and counted"),
    (r"uniDirectionalLSTM-(cell-clip|functions|initial)", "coreml.LSTM", "the clip of its cell may act"),
    (r"biDirectionalLSTM-initial", "coreml.LSTM", "the clip of its cell may act"),
]
OF_THE_RUNTIME = {  # what ONNX Runtime 1.2x lacks of ONNX
    "convolution-same-dilated": "auto_pad SAME_UPPER with dilations",
}


def own_operator(case):
    return next((op for pattern, op, _ in OWN if re.fullmatch(pattern, case.name)), None)


def computed(path, case):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    out = session.run(None, {n: case.inputs[n] for n in names})
    return dict(zip([o.name for o in session.get_outputs()], out, strict=True))


@pytest.fixture
def to_onnx(assay_path, tmp_path):
    def convert(case):
        save(spec_of(case), tmp_path / "m.mlmodel")
        done = subprocess.run([assay_path, "convert", "m.mlmodel", "-o", "m.onnx"], cwd=tmp_path, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, done.stderr
        return tmp_path / "m.onnx", done.stderr
    return convert


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_layer(to_onnx, case):
    path, told = to_onnx(case)
    own = own_operator(case)
    assert ("A213" in told) == (own is not None), told
    if own:
        assert own in told
        return
    onnx.checker.check_model(str(path))
    if case.name in OF_THE_RUNTIME:
        with pytest.raises(Exception, match="Dilation not supported"):
            computed(path, case)
        return
    out = computed(path, case)
    for name, want in case.expected.items():
        np.testing.assert_allclose(out[name], np.asarray(want), max(case.rtol, 1e-5), max(case.atol, 1e-5),
                                   err_msg=name)


def operators(path):
    return {f"{n.domain}.{n.op_type}".strip(".") for n in onnx.load(path).graph.node}


def test_every_reason_has_a_case():
    for pattern, _, reason in OWN:
        assert any(re.fullmatch(pattern, c.name) for c in CASES), reason
    assert set(OF_THE_RUNTIME) <= {c.name for c in CASES}


@pytest.mark.parametrize(("limit", "function", "own"), [
    (10.0, "tanh", False),  # five steps add at most 1 each, and half of the limit is left for rounding
    (9.9, "tanh", True),
    (50000.0, "sigmoid", False),
    (50000.0, "ReLU", True),
])
def test_clip_that_cannot_act(assay, tmp_path, limit, function, own):
    """An LSTM whose cell cannot reach its limit is ONNX's, and has the same numbers."""
    case = next(c for c in recurrent.cases if c.name == "uniDirectionalLSTM-sequence")
    spec = spec_of(case)
    layer = network_of(spec).layers[0].uniDirectionalLSTM
    layer.params.cellClipThreshold = limit
    getattr(layer.activations[1], function).SetInParent()
    save(spec, tmp_path / "m.mlmodel")
    assay("convert", "m.mlmodel", "-o", "m.onnx", code=0)
    assert ("coreml.LSTM" in operators(tmp_path / "m.onnx")) == own
    if own:
        return
    np.savez(tmp_path / "in.npz", **case.inputs)
    assay("run", "m.mlmodel", "--input", "in.npz", "--output", "out.npz", code=0)
    found = computed(tmp_path / "m.onnx", case)
    with np.load(tmp_path / "out.npz") as out:
        for name, want in dict(out).items():
            np.testing.assert_allclose(found[name], want, rtol=1e-5, atol=1e-6)


def test_steps_that_are_not_known_may_clip(assay, tmp_path):
    spec = spec_of(next(c for c in recurrent.cases if c.name == "uniDirectionalLSTM-sequence"))
    array = spec.description.input[0].type.multiArrayType
    for size, most in zip(array.shape, [-1, *list(array.shape)[1:]], strict=True):
        limits = array.shapeRange.sizeRanges.add()
        limits.lowerBound, limits.upperBound = 1 if most == -1 else size, most
    save(spec, tmp_path / "m.mlmodel")
    assert "1 coreml.LSTM" in assay("convert", "m.mlmodel", "-o", "m.onnx", code=0).err


@pytest.mark.parametrize(("start", "own"), [(1.0, False), (6.0, True)])
def test_programs_with_a_clip(assay, tmp_path, start, own):
    """The constant cell that an ML Program starts with counts."""
    w, r, x = noise(16, 3), noise(16, 4, seed=1), noise(5, 2, 3, seed=2)
    zeros = np.zeros((2, 4), np.float32)

    def body(a):
        return mb.lstm(x=a, initial_h=zeros, initial_c=zeros + np.float32(start), weight_ih=w, weight_hh=r, clip=20.0,
                       output_sequence=True)
    save_program(build(body, [x]), tmp_path / "x.mlpackage")
    assay("convert", "x.mlpackage", "-o", "y.onnx", code=0)
    assert ("coreml.LSTM" in operators(tmp_path / "y.onnx")) == own
