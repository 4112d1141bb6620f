"""Words in any order, mistyped ones, and outputs that are devices, links or cannot be written."""
import json
import os
import re
import stat
import subprocess

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper

FLAGS_FIRST = ["--candidate", "f16-storage", "--decision", "threshold:0.5"]


@pytest.fixture
def scorer(save_model, tmp_path):
    """A model of one score per sample, and data for it in x.npz."""
    rng = np.random.default_rng(3)
    np.savez(tmp_path / "x.npz", x=rng.normal(size=(40, 8)).astype(np.float32))
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["p"])]
    return save_model("score.onnx", nodes, {"x": (T.FLOAT, ["N", 8])}, {"p": (T.FLOAT, ["N", 1])},
                      {"w": rng.normal(size=(8, 1)).astype(np.float32)})


def test_flags_take_one_value_and_leave_the_model_to_its_place(assay, scorer, tmp_path):
    before = assay("audit", *FLAGS_FIRST, scorer, "--data", tmp_path / "x.npz", "--fail-on", "none", code=0)
    behind = assay("audit", scorer, "--data", tmp_path / "x.npz", *FLAGS_FIRST, "--fail-on", "none", code=0)
    assert before.out == behind.out
    extra = assay("compare", scorer, "--random", 1, "--program", "f16-storage", "cpu-f32", code=2)
    assert "cpu-f32" in extra.err


@pytest.mark.parametrize(("words", "hint"), [
    (["audti"], "did you mean audit?"),
    (["audit", "--jsn"], "did you mean --json?"),
    (["ops", "relu"], "did you mean Relu?"),
    (["profiles", "list", "f64"], "takes no name"),
    (["run", "m.onnx", "--profile", ""], "--profile is given no value"),
    (["run", "m.onnx", "--random", "1", "--provider", "CoreMLExecutionProvide"], "'CoreMLExecutionProvider'?"),
    (["audit", "m.onnx", "--data", "x", "--decision", "argmax", "--candidate", "f64", "--score", "a", "--output", "a"],
     "exclude each other"),
])
def test_remedies(assay, words, hint):
    assert hint in assay(*words, code=2).err


def test_common_flags_may_stand_before_the_command(assay):
    envelope = assay("--json", "ops", "Relu", code=0).json
    assert (envelope["command"], envelope["ok"]) == ("ops", True)
    assert set(envelope["meta"]) == {"seconds", "host"}


def test_the_fields_of_an_audit_in_their_order(assay, scorer, tmp_path):
    np.save(tmp_path / "y.npy", np.arange(40) % 2)
    result = assay("audit", scorer, "--data", tmp_path / "x.npz", "--labels", tmp_path / "y.npy", "--decision",
                   "threshold:0.5", "--candidate", "coreml-nn-gpu", "--json", "--fail-on", "none", code=0).result
    assert list(result)[:4] == ["samples", "decision", "reference", "candidates"]
    assert list(result["reference"])[:3] == ["program", "confusion", "metrics"]
    known = ["program", "profile", "variants", "verdict", "flips", "at_risk", "differences", "lattice", "confusion",
             "metrics"]
    assert list(result["candidates"][0])[:len(known)] == known


def test_fields_of_a_flip_in_their_order(assay, save_model, tmp_path):
    np.savez(tmp_path / "x.npz", x=np.array([[0.49999], [0.25], [0.75]], np.float32))
    model = save_model("id.onnx", [helper.make_node("Relu", ["x"], ["p"])], {"x": (T.FLOAT, ["N", 1])},
                       {"p": (T.FLOAT, ["N", 1])})
    done = assay("audit", model, "--data", tmp_path / "x.npz", "--decision", "threshold:0.5", "--candidate",
                 "f16-storage", "--json", code=1)
    assert done.json["ok"] is True
    flips = done.result["candidates"][0]["flips"]
    assert [f["sample"] for f in flips] == [0]
    assert list(flips[0])[:9] == ["sample", "label", "reference_score", "candidate_score", "reference_decision",
                                  "candidate_decision", "margin_ulp", "explained_by_output_rounding", "variants"]
    assert flips[0]["label"] is None and flips[0]["candidate_score"] == 0.5
    assert flips[0]["explained_by_output_rounding"] is True


def test_an_output_that_cannot_be_written_is_said_before_the_work(assay, tmp_path):
    done = assay("run", tmp_path / "none.onnx", "--random", 1, "--output", tmp_path / "no" / "out.npz", code=3)
    assert "A109" in done.err
    assert "folder" in assay("run", tmp_path / "none.onnx", "--random", 1, "--output", tmp_path, code=3).err


def test_links_and_pipes_stay_what_they_are(assay, scorer, tmp_path):
    (tmp_path / "real.npz").write_bytes(b"")
    (tmp_path / "link.npz").symlink_to("real.npz")
    assay("run", scorer, "--random", 1, "--output", tmp_path / "link.npz", code=0)
    assert (tmp_path / "link.npz").is_symlink()
    with np.load(tmp_path / "real.npz") as written:
        assert written.files == ["p"]
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        assay("run", scorer, "--random", 1, "--output", tmp_path / "pipe", code=0)
        assert reader.communicate(timeout=60)[0].startswith(b"PK")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_full_disk_behind_standard_output_is_an_error(assay_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([assay_path, "ops", "--json"], stdout=full, stderr=subprocess.PIPE, check=False,
                              text=True)
    assert done.returncode == 3 and "standard output" in done.stderr


def test_a_reader_that_has_seen_enough_is_no_failure(assay_path):
    with subprocess.Popen([assay_path, "ops", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_an_empty_file_of_labels_is_no_absence_of_labels(assay, scorer, tmp_path):
    (tmp_path / "y.csv").write_text("")
    done = assay("audit", scorer, "--data", tmp_path / "x.npz", "--labels", tmp_path / "y.csv", *FLAGS_FIRST, code=3)
    assert "A305" in done.err


def test_a_provider_that_lowers_precision_says_so_with_the_operations_and_the_fix(assay, scorer):
    silent = "CoreMLExecutionProvider"
    done = assay("run", scorer, "--random", 1, "--provider", silent, "--json", code=0)
    lowered = [w for w in done.json["warnings"] if w["code"] == "A201"]
    assert len(lowered) == 1 and lowered[0]["where"] == silent
    assert "2 operations" in lowered[0]["message"] and "1 MatMul, 1 Sigmoid" in lowered[0]["message"]
    assert "ModelFormat=MLProgram" in lowered[0]["fix"]
    assert "A201" in done.err
    for kept in (silent + ":ModelFormat=MLProgram", silent + ":MLComputeUnits=CPUOnly", "CPUExecutionProvider"):
        assert "A201" not in assay("run", scorer, "--random", 1, "--provider", kept, code=0).err


def test_strict_fails_on_a_warning_and_says_why(assay, scorer):
    done = assay("run", scorer, "--random", 1, "--provider", "CoreMLExecutionProvider", "--strict", "--json", code=1)
    assert done.json["ok"] is True and "A206" in done.err


def test_strict_does_not_fail_on_a_note(assay, scorer):
    for provider in ("CPUExecutionProvider", "CoreMLExecutionProvider:ModelFormat=MLProgram"):
        done = assay("run", scorer, "--random", 1, "--provider", provider, "--strict", "--json", code=0)
        assert [w["code"] for w in done.json["warnings"]] == ["A205"]
        assert done.err.startswith("note A205: ")


def test_limits_beyond_every_difference_hold(assay, scorer):
    words = ["compare", scorer, "--random", 1, "--program", "strict-f32", "--program", "f16-storage"]
    assay(*words, "--max-ulp", "1e99", code=0)
    assay(*words, "--max-ulp", "0", code=1)


def on_a_terminal(words, **env):
    """What a command writes to a terminal on standard output."""
    ours, theirs = os.openpty()
    with subprocess.Popen([*map(str, words)], stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                          env={k: v for k, v in os.environ.items() if k != "NO_COLOR"} | env) as process:
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return text.decode().replace("\r\n", "\n")


def test_verdicts_are_coloured_on_a_terminal_alone(assay, assay_path, scorer, tmp_path):
    words = ["audit", scorer, "--data", tmp_path / "x.npz", *FLAGS_FIRST, "--fail-on", "none"]
    plain = assay(*words, code=0, env={"NO_COLOR": ""}).out
    assert "\x1b" not in plain
    coloured = on_a_terminal([assay_path, *words])
    assert "\x1b[32;1m" in coloured and re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    assert on_a_terminal([assay_path, *words], NO_COLOR="1") == plain
    assert "\x1b" not in on_a_terminal([assay_path, *words, "--json"])


def test_names_cannot_repaint_the_terminal(assay, save_model):
    name = "\x1b[31mred\x07"
    model = save_model("esc.onnx", [helper.make_node("Relu", ["x"], [name])], {"x": (T.FLOAT, [2])},
                       {name: (T.FLOAT, [2])})
    for words in (["run", model, "--random", 1], ["inspect", model, "--full"]):
        text = assay(*words, code=0).out
        assert "red" in text and "\x1b" not in text and "\x07" not in text


def test_profiles_show_prints_what_each_variant_stores(assay):
    text = assay("profiles", "show", "coreml-nn-gpu", code=0).out
    assert "stored: float16 nearest-even\n" in text and "stored: float16 nearest-even clamp\n" in text


def flipping_part(assay, save_model, tmp_path, source):
    """The envelope of an audit of which sample 0 flips, under a profile that cites `source`."""
    np.savez(tmp_path / "x.npz", x=np.array([[0.49999], [0.25]], np.float32))
    (tmp_path / "mine.toml").write_text('name = "mine"\ndoc = "d"\nstorage = "float16 nearest-even"\n[[statement]]\n'
                                        f'set.accumulator = "chain"\nevidence.source = "{source}"\n'
                                        'evidence.certainty = "assumed"\n')
    model = save_model("id.onnx", [helper.make_node("Relu", ["x"], ["p"])], {"x": (T.FLOAT, ["N", 1])},
                       {"p": (T.FLOAT, ["N", 1])})
    return lambda first: assay("audit", model, "--data", tmp_path / "x.npz", "--decision", "threshold:0.5",
                               "--candidate", "mine", "--profile-file", tmp_path / "mine.toml",
                               "--first-sample", first, "--json",
                               code=1).json


def test_merge_refuses_profiles_that_differ_in_what_a_variant_stores(assay, scorer, tmp_path):
    def part(first, storage):
        (tmp_path / "mine.toml").write_text(
            'name = "mine"\ndoc = "d"\nstorage = "float16"\n[[variant]]\nname = "a"\ndoc = "d"\n'
            f'[[variant]]\nname = "b"\ndoc = "d"\nstorage = "{storage}"\n')
        out = assay("audit", scorer, "--data", tmp_path / "x.npz", "--decision", "threshold:0.5", "--candidate", "mine",
                    "--profile-file", tmp_path / "mine.toml", "--first-sample", first, "--fail-on", "none", "--json",
                    code=0).out
        (tmp_path / f"{first}.json").write_text(out)
        return tmp_path / f"{first}.json"

    first = part(0, "float16")
    assert assay("merge", first, part(40, "float16"), "--fail-on", "none", "--json", code=0).result["samples"] == 80
    err = assay("merge", first, part(40, "bfloat16"), "--fail-on", "none", code=3).err
    assert "A307" in err and "profile mine stores or computes otherwise" in err


def test_merge_refuses_cases_outside_the_samples_and_profiles_that_changed(assay, save_model, tmp_path):
    part = flipping_part(assay, save_model, tmp_path, "a")
    first, second = part(0), part(2)
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    a.write_text(json.dumps(first))
    b.write_text(json.dumps(second))
    assert assay("merge", a, b, "--json", code=1).result["samples"] == 4
    other = flipping_part(assay, save_model, tmp_path, "b")(2)
    b.write_text(json.dumps(other))
    assert "A307" in assay("merge", a, b, code=3).err
    first["result"]["candidates"][0]["flips"][0]["sample"] = 2
    a.write_text(json.dumps(first))
    assert "A304" in assay("merge", a, code=3).err
