"""Models that people use, on inputs like theirs: outputs near ONNX Runtime's, and the same decisions."""
import os
from dataclasses import dataclass

import numpy as np
import onnxruntime
import pytest
import real_inputs
from differential.harness import run_assay

# How far an output may lie from ONNX Runtime's. Its kernels sum in another order and its optimiser folds nodes into one
# another; what a recurrent network hands on carries such differences from call to call.
PROBABILITY = 5e-5
STATE = 2e-4
LOGIT = 1e-4  # of the largest magnitude, as boxes are measured in pixels


@pytest.fixture
def real(root):
    """real("magika_v3") -> path of a model that `tools/setup.sh models inputs` fetches."""

    def find(name):
        folder = "blazeface" if name == "back" else "models"
        path = root / "build/inputs" / folder / f"{name}.onnx"
        if not path.is_file() and os.environ.get("CI"):
            pytest.fail(f"{path} is missing: tools/setup.sh models inputs")
        return str(path) if path.is_file() else pytest.skip(f"{path.name} is missing: tools/setup.sh models inputs")

    return find


@pytest.fixture
def both(assay_path, tmp_path):
    """both(path) -> run(ours_in, theirs_in): the outputs of Assay, then of ONNX Runtime with its optimiser."""

    def start(path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        names = [o.name for o in session.get_outputs()]

        def run(ours, theirs=None):
            mine = run_assay(assay_path, path, ours, tmp_path)
            return mine, dict(zip(names, session.run(None, ours if theirs is None else theirs), strict=True))

        return run

    return start


def near(ours, theirs, tolerance, scale=1.0):
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    far = np.abs(ours.astype(np.float64) - theirs).max()
    assert far <= tolerance * scale, f"{far} apart"


@dataclass
class Detector:
    """A file of Silero: how it takes frames of sound and what it hands from call to call."""

    frames: int  # in one call
    inputs: tuple  # of state, as the model names them
    outputs: tuple
    shape: tuple
    probability: str
    rates: tuple = (16000,)
    has_rate: bool = False


STATEFUL = {"inputs": ("state",), "outputs": ("stateN",), "shape": (2, 1, 128), "probability": "output", "frames": 1}
SEQUENCE = {"inputs": ("h", "c"), "outputs": ("hn", "cn"), "shape": (1, 1, 128), "probability": "speech_probs",
            "frames": 12}
DETECTORS = {
    "silero": Detector(**STATEFUL, rates=(16000, 8000), has_rate=True),
    "silero_op15": Detector(**STATEFUL, has_rate=True),
    "silero_op18": Detector(**STATEFUL, rates=(16000, 8000), has_rate=True),
    "silero_half": Detector(**STATEFUL),
    "silero_openvino": Detector(**STATEFUL),
    "silero_sequence": Detector(**SEQUENCE),
    "whisper_vad": Detector(**SEQUENCE),
}


@pytest.mark.parametrize(("name", "rate"), [(n, r) for n, d in DETECTORS.items() for r in d.rates])
def test_voice(real, both, name, rate):
    """Speech or not, frame by frame through a sentence; each runtime carries on from its own state."""
    detector = DETECTORS[name]
    run = both(real(name))
    heard = real_inputs.frames(real_inputs.voice(rate, 1.6), rate * 32 // 1000, rate // 250)[:48]
    states = [{n: np.zeros(detector.shape, np.float32) for n in detector.inputs} for _ in range(2)]
    speech = []
    for begin in range(0, len(heard), detector.frames):
        common = {"input": heard[begin:begin + detector.frames]}
        if detector.has_rate:
            common["sr"] = np.array(rate)
        ours, theirs = run({**common, **states[0]}, {**common, **states[1]})
        near(ours[detector.probability], theirs[detector.probability], PROBABILITY)
        for output in detector.outputs:
            near(ours[output], theirs[output], STATE)
        states = [{i: out[o] for i, o in zip(detector.inputs, detector.outputs, strict=True)} for out in (ours, theirs)]
        decisions = ours[detector.probability].ravel() > 0.5
        assert np.array_equal(decisions, theirs[detector.probability].ravel() > 0.5)
        speech += list(decisions)
    assert {True, False} == set(speech)


@pytest.mark.parametrize(("name", "sizes", "dtype"), [("magika_v1", (512, 512, 512), np.float32),
                                                      ("magika_v3", (1024, 0, 1024), np.int32)])
def test_kinds_of_files(real, both, name, sizes, dtype):
    ours, theirs = both(real(name))({"bytes": real_inputs.files(*sizes).astype(dtype)})
    ours, theirs = ours["target_label"], theirs["target_label"]
    near(ours, theirs, PROBABILITY)
    assert np.array_equal(ours.argmax(1), theirs.argmax(1))
    assert len(set(ours.argmax(1))) >= 7


def test_faces(real, both):
    """The back camera's BlazeFace: which anchors see a face, and the boxes there."""
    run = both(real("back"))
    seen = []
    for picture in real_inputs.faces(4, 256):
        ours, theirs = run({"input:0": picture[None]})
        for name, array in theirs.items():
            near(ours[name], array, LOGIT, np.abs(array).max())
        logits = [np.concatenate([out["Identity:0"], out["Identity_1:0"]], axis=1).ravel() for out in (ours, theirs)]
        assert np.array_equal(logits[0] > 0, logits[1] > 0)
        assert logits[0].argmax() == logits[1].argmax()
        seen.append(bool((logits[0] > 0).any()))
    assert seen[0] and not seen[-1]


def test_where_text_stands(real, both):
    page = real_inputs.page(160, 288, ("ASSAY 2026", 4, 20, 10), ("F16", 8, 90, 30))
    ours, theirs = both(real("ocr_detector"))({"x": page})
    (ours,), (theirs,) = ours.values(), theirs.values()
    near(ours, theirs, PROBABILITY)
    assert np.array_equal(ours > 0.3, theirs > 0.3)
    assert 0.05 < (ours > 0.3).mean() < 0.5


def test_which_way_text_runs(real, both):
    line = real_inputs.page(48, 192, ("ASSAY", 5, 8, 12))
    ours, theirs = both(real("ocr_direction"))({"x": np.concatenate([line, line[:, :, ::-1, ::-1]])})
    (ours,), (theirs,) = ours.values(), theirs.values()
    near(ours, theirs, PROBABILITY)
    assert ours.argmax(1).tolist() == theirs.argmax(1).tolist() == [0, 1]


def test_what_text_says(real, both):
    ours, theirs = both(real("ocr_reader"))({"x": real_inputs.page(48, 320, ("ASSAY 2026", 5, 7, 10))})
    (ours,), (theirs,) = ours.values(), theirs.values()
    near(ours, theirs, PROBABILITY)
    letters = ours.argmax(2).ravel()
    assert np.array_equal(letters, theirs.argmax(2).ravel())
    assert letters[letters > 0].size == len("ASSAY 2026")
