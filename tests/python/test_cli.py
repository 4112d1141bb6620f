"""The command line as a black box: words, exit codes, envelope, hostile input."""
import json
import zipfile

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper

COMMANDS = ("audit", "compare", "fingerprint", "probe", "inspect", "run", "merge", "report", "profiles", "ops",
            "explain", "bench")


@pytest.fixture
def mlp(root):
    return root / "examples/article/mlp.onnx"


@pytest.fixture
def mlp_input(root):
    return root / "examples/article/input.npz"


def test_help_lists_what_exists(assay):
    text = assay("--help", code=0).out
    for command in COMMANDS:
        assert f"\n  {command} " in text
        own = assay(command, "--help", code=0).out
        assert "example" in own and f"assay {command}" in own


def test_version(assay):
    assert assay("--version", code=0).out.startswith("assay ")


@pytest.mark.parametrize(("words", "hint"), [
    (["inspct", "x"], "did you mean inspect?"),
    (["run", "m.onnx", "--ouput", "x"], "did you mean --output?"),
    (["run", "m.onnx", "--threads", "many"], "--threads"),
    (["run"], "MODEL"),
    (["explain", "A777"], "assay explain"),
    (["ops", "Conb"], "did you mean Conv?"),
    (["profiles", "show", "coreml-nn-gpux"], "did you mean 'coreml-nn-gpu'?"),
    (["profiles", "shw"], "list or show"),
])
def test_wrong_words_exit_2_with_a_remedy(assay, words, hint):
    done = assay(*words, code=2)
    assert done.out == ""
    assert "error A0" in done.err and hint in done.err


def test_unknown_profile_exits_2_and_suggests(assay, mlp, mlp_input):
    done = assay("run", mlp, "--input", mlp_input, "--profile", "f16-storag", code=2)
    assert "A002" in done.err and "f16-storage" in done.err


def test_envelope_of_success_and_failure(assay, mlp, mlp_input, tmp_path):
    good = assay("run", mlp, "--input", mlp_input, "--json", code=0).json
    assert list(good)[:5] == ["schema", "tool", "version", "command", "ok"]
    assert (good["schema"], good["tool"], good["command"], good["ok"]) == (1, "assay", "run", True)
    bad = assay("run", tmp_path / "no.onnx", "--input", mlp_input, "--json", code=3)
    assert bad.json["ok"] is False
    assert set(bad.json["error"]) == {"code", "message", "where", "fix"}
    assert bad.json["error"]["code"] == "A101"
    assert "A101" in bad.err


def test_same_question_same_bytes(assay, mlp, mlp_input):
    def result():
        envelope = assay("compare", mlp, "--input", mlp_input, "--program", "strict-f32", "--program", "coreml-nn-gpu",
                         "--json").json
        return json.dumps(envelope["result"])
    assert result() == result()


ROWS = [
    ("strict-f32", "0.6480752 -0.34015813 1.4329923"),
    ("coreml-nn-cpu", "0.6480752 -0.34015813 1.4329923"),
    ("coreml-mlprogram-f32-gpu", "0.6480752 -0.34015813 1.4329923"),
    ("coreml-nn-gpu", "0.6484375 -0.34033203 1.4326172"),
    ("coreml-nn-ane", "0.6484375 -0.34033203 1.4326172"),
    ("f16-storage", "0.6484375 -0.34033203 1.4326172"),
    ("f16-throughout", "0.6479492 -0.34033203 1.4335938"),
    ("bf16-storage", "0.6484375 -0.33984375 1.4375"),
]


@pytest.mark.parametrize(("profile", "numbers"), ROWS)
@pytest.mark.parametrize("isa", ["scalar", "best"])
def test_article_rows_to_the_last_digit(assay, mlp, mlp_input, tmp_path, profile, numbers, isa):
    words = [] if isa == "best" else ["--isa", isa]
    assay("run", mlp, "--input", mlp_input, "--profile", profile, "--output", tmp_path / "o.npz", *words, code=0)
    out = np.load(tmp_path / "o.npz")["output"]
    assert out.dtype == np.float32
    assert " ".join(str(v) for v in out.ravel()) == numbers


def test_fingerprint_tells_the_gpu_from_the_cpu(assay, mlp, mlp_input, tmp_path):
    for profile, word in (("coreml-nn-gpu", "float16"), ("strict-f32", "float32")):
        assay("run", mlp, "--input", mlp_input, "--profile", profile, "--output", tmp_path / "o.npz", code=0)
        assert word in assay("fingerprint", tmp_path / "o.npz", code=0).out


def test_compare_limits_decide_the_exit(assay, mlp, mlp_input):
    words = ["compare", mlp, "--input", mlp_input, "--program", "strict-f32", "--program", "coreml-nn-gpu"]
    assay(*words, code=0)
    assay(*words, "--max-abs", "1e-4", code=1)
    assay(*words, "--max-abs", "1e-3", code=0)


def test_inspect_names_types(assay, mlp):
    text = assay("inspect", mlp, code=0).out
    assert "float32" in text
    resolved = assay("inspect", mlp, "--profile", "coreml-nn-gpu", "--full", code=0).out
    assert "float16" in resolved


def test_every_truncation_is_an_error_of_the_file(assay, mlp, mlp_input, tmp_path):
    data = mlp.read_bytes()
    for n in range(0, len(data), 17):
        path = tmp_path / "cut.onnx"
        path.write_bytes(data[:n])
        done = assay("run", path, "--input", mlp_input, "--output", tmp_path / "never.npz")
        assert done.code == 3, (n, done.err)
        assert "error A1" in done.err or "error A3" in done.err
        assert not (tmp_path / "never.npz").exists()


def test_missing_operators_are_named_at_once(assay, tmp_path, save_model):
    nodes = [helper.make_node("NoSuchA", ["x"], ["a"], domain="my"),
             helper.make_node("NoSuchB", ["a"], ["b"], domain="my"),
             helper.make_node("NoSuchA", ["b"], ["y"], domain="my")]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, [1])],
                          [helper.make_tensor_value_info("y", T.FLOAT, [1])]),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("my", 1)], ir_version=8)
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    err = assay("inspect", path, code=3).err
    assert "A104" in err and "NoSuchA" in err and "NoSuchB" in err and "2" in err


@pytest.mark.parametrize("arrays", [
    {"input": np.zeros((1, 5), np.float32)},
    {"input": np.zeros((1, 4), np.float64)},
    {"other": np.zeros((1, 4), np.float32), "more": np.zeros(3, np.float32)},
])
def test_inputs_that_do_not_fit(assay, mlp, save_npz, arrays):
    done = assay("run", mlp, "--input", save_npz("bad.npz", **arrays), code=3)
    assert "error A30" in done.err and "input" in done.err


def test_labels_of_the_wrong_length(assay, mlp, mlp_input, tmp_path):
    np.save(tmp_path / "y.npy", np.zeros(7, np.int64))
    done = assay("audit", mlp, "--data", mlp_input, "--labels", tmp_path / "y.npy", "--decision", "threshold:0.5",
                 "--score", "index(output, 0)", "--candidate", "coreml-nn-gpu", code=3)
    assert "A305" in done.err


@pytest.mark.parametrize("words", [
    ["--decision", "thresold:0.5"],
    ["--decision", "threshold:x"],
    ["--decision", "topk:0"],
    ["--decision", "threshold:0.5", "--score", "max(nothing)"],
    ["--decision", "threshold:0.5", "--score", "max(output"],
    ["--decision", "threshold:0.5", "--fail-on", "never"],
])
def test_bad_decisions_exit_2(assay, mlp, mlp_input, words):
    assert "error A00" in assay("audit", mlp, "--data", mlp_input, "--candidate", "coreml-nn-gpu", *words, code=2).err


def test_hostile_npz_headers(assay, mlp, tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }"
    npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    for name, payload in (("huge", npy), ("short", npy[:9]), ("object", npy.replace(b"<f4", b"|O8")), ("none", b"")):
        path = tmp_path / f"{name}.npz"
        with zipfile.ZipFile(path, "w") as z:
            z.writestr("input.npy", payload)
        assert "error A304" in assay("run", mlp, "--input", path, code=3).err
    (tmp_path / "junk.npz").write_bytes(b"PK\x03\x04 not really a zip")
    assert "error A304" in assay("run", mlp, "--input", tmp_path / "junk.npz", code=3).err
