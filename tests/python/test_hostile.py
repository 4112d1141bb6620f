"""Models, profiles and words that mean harm or were mistyped: a coded error with its place, and nothing destroyed."""
import signal
import subprocess
import time

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper


def model_of(save_model, op, inputs=("x",), shape=(1, 1, 8, 8), **attrs):
    return save_model("m.onnx", [helper.make_node(op, list(inputs), ["y"], **attrs)],
                      {"x": (T.FLOAT, list(shape))}, {"y": (T.FLOAT, None)})


@pytest.mark.parametrize("op", ["Max", "Min", "Sum", "Mean", "Concat"])
def test_an_absent_operand_among_many(assay, save_model, op):
    attrs = {"axis": 0} if op == "Concat" else {}
    done = assay("run", model_of(save_model, op, ("x", "", "x"), **attrs), "--random", 1, code=3)
    assert "A103" in done.err and "is missing" in done.err


@pytest.mark.parametrize("op", ["AveragePool", "MaxPool", "LpPool"])
def test_windows_that_dwarf_the_data(assay, save_model, op):
    model = model_of(save_model, op, kernel_shape=[2, 2**31 - 1], auto_pad="SAME_LOWER")
    assert "A103" in assay("run", model, "--random", 1, code=3, timeout=60).err


def test_an_interrupt_inside_an_operation(assay_path, save_model, tmp_path):
    model = save_model("big.onnx", [helper.make_node("MatMul", ["x", "x"], ["y"])],
                       {"x": (T.FLOAT, [3000, 3000])}, {"y": (T.FLOAT, [3000, 3000])})
    out = tmp_path / "out.npz"
    words = ["run", model, "--random", "1", "--profile", "coreml-nn-ane", "--output", out]
    process = subprocess.Popen([assay_path, *words],
                               stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(1)  # long enough to be at work, by far not enough to be done
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert "A403" in err and not out.exists()


@pytest.mark.parametrize(("words", "target"), [
    (("run", "m.onnx", "--random", "1", "--output", "./m.onnx"), "m.onnx"),
    (("inspect", "m.onnx", "--emit-onnx", "m.onnx"), "m.onnx"),
    (("run", "m.onnx", "--input", "x.npy", "--output", "x.npy"), "x.npy"),
    (("audit", "m.onnx", "--data", "x.npy", "--decision", "argmax", "--candidate", "m.onnx@f16-storage", "--html",
      "m.onnx"), "m.onnx"),
])
def test_outputs_never_replace_inputs(assay, save_model, tmp_path, words, target):
    model_of(save_model, "Relu", shape=(2, 3))
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    before = (tmp_path / target).read_bytes()
    assert "would overwrite" in assay(*words, code=2).err
    assert (tmp_path / target).read_bytes() == before


PROFILE = """name = "mine"
doc = "."
storage = "{storage}"

[[statement]]
{match}
set.{setting}
evidence.source = "test"
evidence.certainty = "assumed"
"""


@pytest.mark.parametrize(("change", "line", "word"), [
    ({"match": 'match.op = "Convv"'}, 5, "did you mean 'Conv'"),
    ({"storage": "float16 nearest-even toward-zero"}, 3, "toward-zero"),
    ({"storage": "float16 nearest-even limit=100 limit=200"}, 3, "limit=200"),
    ({"setting": 'accumulator = "aligned"'}, 7, "block"),
    ({"setting": 'accumulator = { kind = "tiles", block = 4 }'}, 7, "fraction-bits"),
    ({"setting": 'accumulator = { kind = "lanes" }'}, 7, "lanes"),
])
def test_profiles_say_what_would_be_without_effect(assay, save_model, tmp_path, change, line, word):
    model = model_of(save_model, "Relu", shape=(2, 3))
    parts = {"storage": "float16 nearest-even", "match": "", "setting": 'result = "float16 nearest-even"'} | change
    (tmp_path / "mine.toml").write_text(PROFILE.format(**parts))
    done = assay("run", model, "--random", 1, "--profile", "mine", "--profile-file", tmp_path / "mine.toml", code=3)
    assert "A203" in done.err and f"mine.toml:{line}" in done.err and word in done.err


def test_a_run_says_what_its_intermediates_took(assay, save_model):
    nodes = [helper.make_node("Exp", ["x"], ["a"]), helper.make_node("MatMul", ["a", "a"], ["b"]),
             helper.make_node("Exp", ["b"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (T.FLOAT, [16, 16])}, {"y": (T.FLOAT, [16, 16])})
    memory = assay("run", model, "--random", 1, "--json", code=0).result["memory"]
    assert memory["intermediate_bytes"] >= memory["intermediate_lower_bound_bytes"] == 1024


@pytest.mark.parametrize(("op", "inputs", "outputs", "opset", "attrs"), [
    ("Softmax", ["x"], [], 12, {}),
    ("Softmax", ["x"], [""], 12, {"axis": 2}),
    ("Softmax", [""], ["y"], 12, {"axis": 2}),
    ("Relu", ["x"], [], 17, {}),
    ("Relu", ["x"], [""], 17, {}),
    ("LSTM", ["x", "x", "x"], [""], 17, {"hidden_size": 1}),
    ("BatchNormalization", ["x"], ["y"], 8, {"spatial": 0}),
    ("BatchNormalization", ["x", "", "x"], ["y"], 8, {"spatial": 0}),
    ("DynamicQuantizeLinear", ["x"], ["y", "scale"], 17, {}),
    ("Tile", ["x", "", "x"], ["y"], 1, {}),
    ("Add", ["", "x"], ["y"], 6, {"broadcast": 1, "axis": 0}),
    ("GroupNormalization", ["x", "", ""], ["y"], 18, {"num_groups": 1}),
])
def test_operands_and_results_that_are_missing(assay, save_model, op, inputs, outputs, opset, attrs):
    """Of operators whose older versions are rewritten on the way, too."""
    nodes = [helper.make_node(op, inputs, outputs, **attrs), helper.make_node("Identity", ["x"], ["z"])]
    model = save_model("m.onnx", nodes, {"x": (T.FLOAT, [1, 1, 2, 2])}, {"z": (T.FLOAT, None)}, opset=opset)
    done = assay("run", model, "--random", 1, code=3)
    assert "A103" in done.err and op in done.err


@pytest.mark.parametrize("corner", [np.inf, -np.inf, 3e38, -3e38, np.nan])
def test_regions_of_no_extent(assay, save_model, save_npz, corner):
    """Numbers that no integer holds: refused where a region is endless, empty where it is turned inside out."""
    node = helper.make_node("RoiAlign", ["x", "rois", "batch"], ["y"], output_height=2, output_width=2)
    model = save_model("m.onnx", [node], {"x": (T.FLOAT, [1, 1, 4, 4]), "rois": (T.FLOAT, [1, 4]),
                                          "batch": (T.INT64, [1])}, {"y": (T.FLOAT, None)})
    data = save_npz("in.npz", x=np.ones((1, 1, 4, 4), np.float32), batch=np.zeros(1, np.int64),
                    rois=np.array([[0, 0, corner, corner]], np.float32))
    done = assay("run", model, "--input", data, code=0 if corner < 0 else 3)
    assert "RoiAlign" in done.err or corner < 0
