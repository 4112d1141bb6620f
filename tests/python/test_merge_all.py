"""Everything that an audit finds merges: shards in any order give the bytes of one audit of all samples."""
import itertools
import random

import numpy as np
import onnx
import pytest
from onnx import helper

F = onnx.TensorProto.FLOAT
SAMPLES = 96


@pytest.fixture
def job(save_model):
    """A network with flips, samples at risk and operations that overflow; its words and its data."""
    rng = np.random.default_rng(5)
    weights = {"w": rng.normal(size=(12, 24)).astype(np.float32), "v": rng.normal(size=(24, 3)).astype(np.float32),
               "big": np.full(24, 3e4, np.float32), "small": np.full(24, 1 / 3e4, np.float32)}
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"], name="first"), helper.make_node("Relu", ["h"], ["r"]),
             helper.make_node("Mul", ["r", "big"], ["b"], name="large"),
             helper.make_node("Mul", ["b", "small"], ["s"], name="back"),
             helper.make_node("MatMul", ["s", "v"], ["y"], name="last")]
    model = save_model("m.onnx", nodes, {"x": (F, ["N", 12])}, {"y": (F, ["N", 3])}, weights)
    x = rng.normal(size=(SAMPLES, 12)).astype(np.float32) * np.float32(0.1)
    x[::9] *= 40  # these overflow under float16
    return ["audit", model.name, "--decision", "argmax", "--candidate", "coreml-nn-gpu", "--candidate", "bf16-storage",
            "--json", "--fail-on", "none"], x


EVERYTHING = {
    "plain": [],
    "trace": ["--trace", "--trace-exact", "40"],
    "blame": ["--blame", "--blame-samples", "5", "--blame-runs", "60"],
    "forecast": ["--expect", "1000", "--proof"],
}
EVERYTHING["all"] = [word for words in EVERYTHING.values() for word in words]


def result_of(text):
    begin = text.index('"result":')
    return text[begin:text.index(',"meta":')]


@pytest.mark.parametrize("what", EVERYTHING)
def test_shards_give_the_bytes_of_the_whole(job, assay, save_npz, tmp_path, what):
    words, x = job
    words = [*words, *EVERYTHING[what]]
    labels = np.arange(SAMPLES) % 3
    save_npz("x.npz", x=x)
    np.save(tmp_path / "y.npy", labels)
    whole = assay(*words, "--data", "x.npz", "--labels", "y.npy", code=0)
    verdicts = [c["verdict"] for c in whole.result["candidates"]]
    assert sum(v["flips"] + v["at_risk"] for v in verdicts) >= 4  # else this tests little
    cuts = [0, 7, 39, 64, SAMPLES]
    parts = []
    for a, b in itertools.pairwise(cuts):
        save_npz("part.npz", x=x[a:b])
        np.save(tmp_path / "part.npy", labels[a:b])
        out = assay(*words, "--data", "part.npz", "--labels", "part.npy", "--first-sample", a, code=0).out
        parts.append(tmp_path / f"{a}.json")
        parts[-1].write_text(out)
    rng = random.Random(6)
    for _ in range(3):
        rng.shuffle(parts)
        merged = assay("merge", *parts, "--json", "--fail-on", "none", code=0)
        assert result_of(merged.out) == result_of(whole.out)
    # Part by part, too.
    parts.sort(key=lambda p: int(p.stem))
    for name, pair in (("l.json", parts[:2]), ("r.json", parts[2:])):
        (tmp_path / name).write_text(assay("merge", *pair, "--json", "--fail-on", "none", code=0).out)
    merged = assay("merge", "r.json", "l.json", "--json", "--fail-on", "none", code=0)
    assert result_of(merged.out) == result_of(whole.out)


@pytest.mark.parametrize("what", ["trace", "all"])
def test_a_checkpoint_gives_the_bytes_of_an_audit_without(job, assay, save_npz, what):
    words, x = job
    save_npz("x.npz", x=np.concatenate([x, x, x]))
    words = [*words, *EVERYTHING[what], "--data", "x.npz"]
    whole = result_of(assay(*words, code=0).out)
    assert result_of(assay(*words, "--checkpoint", "c.json", code=0).out) == whole
    assert result_of(assay(*words, "--checkpoint", "c.json", code=0).out) == whole  # from the file alone
