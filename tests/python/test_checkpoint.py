"""Audits that are killed and go on give the bytes of those that are not."""
import json
import random
import signal
import subprocess
import sys
import time

import numpy as np
import onnx
import pytest
from onnx import helper

F = onnx.TensorProto.FLOAT
WORDS = ["--decision", "argmax", "--candidate", "coreml-nn-gpu", "--candidate", "f16-throughout", "--json", "--quiet"]


@pytest.fixture
def make_job(save_model, save_npz):
    """make_job(samples, width): a classifier over so many samples."""

    def make(samples, width):
        rng = np.random.default_rng(1)
        weights = {"w": rng.normal(size=(96, width)).astype(np.float32),
                   "v": rng.normal(size=(width, 8)).astype(np.float32)}
        nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["r"]),
                 helper.make_node("MatMul", ["r", "v"], ["y"])]
        model = save_model("m.onnx", nodes, {"x": (F, ["N", 96])}, {"y": (F, ["N", 8])}, weights)
        data = save_npz("x.npz", x=rng.normal(size=(samples, 96)).astype(np.float32))
        return ["audit", str(model), "--data", str(data), *WORDS]

    return make


@pytest.fixture
def job(make_job):
    return make_job(2000, 32)


def result_of(text):
    """The bytes of the result: all but what varies from run to run."""
    begin = text.index('"result":')
    return text[begin:text.index(',"meta":')]


def killed_until_it_ends(words, tmp_path, seconds):
    """How often it was killed, later and later, and what it printed at last."""
    rng, kept = random.Random(2), tmp_path / "c.json"
    kept.unlink(missing_ok=True)
    for kills in range(60):
        process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            out, _ = process.communicate(timeout=rng.uniform(0.1, 0.5) * seconds * (1 + kills / 8))
            return kills, out
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            if kept.exists():
                json.loads(kept.read_text())  # whole, whenever it was killed
    return pytest.fail("it does not get on")


def test_killed_at_random_points_it_gives_the_same_bytes(make_job, assay, assay_path, tmp_path):
    job = make_job(20000, 512)  # about two seconds
    begin = time.monotonic()
    whole = result_of(assay(*job).out)
    seconds = time.monotonic() - begin
    words = [*job, "--checkpoint", "c.json"]
    assert result_of(assay(*words).out) == whole
    kills = 0
    while kills < 2:  # sooner, if the machine has become faster meanwhile
        kills, out = killed_until_it_ends([assay_path, *words], tmp_path, seconds)
        assert result_of(out) == whole
        seconds /= 2


def test_what_is_done_is_not_done_again(job, assay, tmp_path):
    first = assay(*job, "--checkpoint", "c.json")
    saved = json.loads((tmp_path / "c.json").read_text())
    assert saved["result"]["samples"] == 2000
    saved["result"]["candidates"][0]["evidence"][0]["what"] = "from the checkpoint"
    (tmp_path / "c.json").write_text(json.dumps(saved))
    again = assay(*job, "--checkpoint", "c.json")
    assert "from the checkpoint" in again.out
    assert "from the checkpoint" not in first.out


@pytest.mark.parametrize(("words", "part"), [
    (["--decision", "topk:2"], "the decision was argmax and is topk:2"),
    (["--variants", "primary"], "the list of variants was"),
    (["--candidate", "bf16-storage"], "the number of candidates was 2 and is 3"),
    (["--first-sample", "7"], "the number of the first sample was 0 and is 7"),
    (["--reference", "f64"], "the reference was strict-f32"),
])
def test_another_question_is_refused_by_name(job, assay, words, part):
    assay(*job, "--checkpoint", "c.json")
    done = assay(*job, *words, "--checkpoint", "c.json", code=3)
    assert "A307" in done.err
    assert part in done.err


def test_other_data_is_refused(job, assay, save_npz):
    assay(*job, "--checkpoint", "c.json")
    save_npz("x.npz", x=np.zeros((2000, 96), np.float32))
    assert "the data 'x' was" in assay(*job, "--checkpoint", "c.json", code=3).err


@pytest.mark.parametrize("blame", [[], ["--blame"]])
def test_another_recording_under_the_name_is_refused(job, assay, tmp_path, blame):
    assay("run", job[1], "--input", "x.npz", "--output", "r.npz")
    words = ["--candidate", "recorded:r.npz", *blame, "--checkpoint", "c.json"]
    assay(*job, *words)
    assay(*job, *words)
    y = np.load(tmp_path / "r.npz")["y"]
    np.savez(tmp_path / "r.npz", y=y[:, ::-1])
    done = assay(*job, *words, code=3)
    assert "A307" in done.err and "the candidate was recorded:r.npz" in done.err


def test_weights_beside_a_model_of_onnx_runtime_are_looked_at(job, assay, tmp_path):
    model = onnx.load(job[1])
    onnx.save(model, tmp_path / "e.onnx", save_as_external_data=True, location="e.bin", size_threshold=0)
    words = ["--candidate", "e.onnx@ort:CPUExecutionProvider", "--checkpoint", "c.json"]
    env = {"VIRTUAL_ENV": sys.prefix}
    first = assay(*job, *words, code=1, env=env).out
    assert result_of(assay(*job, *words, code=1, env=env).out) == result_of(first)
    content = bytearray((tmp_path / "e.bin").read_bytes())
    content[1000] ^= 0xff
    (tmp_path / "e.bin").write_bytes(content)
    assert "the candidate was e.onnx@ort" in assay(*job, *words, code=3, env=env).err


@pytest.mark.parametrize("text", ["", "{}", '{"assay_checkpoint":1}', '{"assay_checkpoint":9}', "null", "[1"])
def test_what_is_no_checkpoint_is_refused(job, assay, tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    assert "A304" in assay(*job, "--checkpoint", "c.json", code=3).err


def test_a_repair_is_refused_another_recording(job, assay, tmp_path):
    assay("run", job[1], "--input", "x.npz", "--output", "r.npz")
    words = ["repair", job[1], "--data", "x.npz", "--decision", "argmax", "--reference", "recorded:r.npz",
             "--candidate", "f16-storage", "--checkpoint", "s.json", "--quiet"]
    first = assay(*words)
    assert (assay(*words).out, first.code) == (first.out, 0)
    y = np.load(tmp_path / "r.npz")["y"]
    np.savez(tmp_path / "r.npz", y=y[:, ::-1])
    assert "another search" in assay(*words, code=3).err


def test_a_repair_is_refused_other_strings(assay, save_model, save_npz):
    nodes = [helper.make_node("Equal", ["x", "words"], ["e"]), helper.make_node("Cast", ["e"], ["f"], to=F),
             helper.make_node("MatMul", ["f", "w"], ["y"])]
    model = save_model("m.onnx", nodes, {"x": (onnx.TensorProto.STRING, ["N", 1])}, {"y": (F, ["N", 4])},
                       {"words": np.array(["a", "b", "c"], object),
                        "w": np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)}, opset=19, ir_version=9)
    words = ["repair", model, "--data", "x.npz", "--decision", "argmax", "--candidate", "f16-storage", "--checkpoint",
             "s.json"]
    save_npz("x.npz", x=np.array([["a"], ["b"]] * 8))
    assay(*words, code=0)
    save_npz("x.npz", x=np.array([["b"], ["c"]] * 8))
    assert "another search" in assay(*words, code=3).err
