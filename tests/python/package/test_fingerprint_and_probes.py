"""Fits and probes from Python: what the command line finds, one call finds."""
from pathlib import Path

import numpy as np
import pytest

import assay

RECORDINGS = Path(__file__).resolve().parents[2] / "data/recordings"


def test_a_fit_says_which_policies_explain_outputs(mlp, article_input):
    outputs = assay.run(mlp, article_input, "coreml-nn-gpu").arrays
    with pytest.warns(assay.AssayWarning, match="A312"):
        result = assay.fingerprint(outputs, mlp, article_input, combinations=80)
    assert result.fit.verdict == "exact"
    assert result.fit.explanation == "float16 storage, float32 accumulation"
    named = {p.profile for p in result.fit.groups[0].policies}
    assert {"f16-storage", "coreml-nn-gpu", "coreml-nn-ane"} <= named
    assert sum(group.likelihood for group in result.fit.groups) == pytest.approx(1)
    assert assay.fingerprint(outputs).fit is None


def test_traits_of_outputs():
    y = (np.random.default_rng(2).integers(-100, 100, (50, 8)) * np.float32(0.037)).astype(np.float32)
    (print_,) = assay.fingerprint(y).arrays
    assert np.float32(print_.scaled.scale) == np.float32(0.037)
    assert print_.range.clamped is None
    assert print_.mixed is None


def test_a_model_without_inputs_is_refused(mlp):
    with pytest.raises(assay.UsageError, match="--model needs the inputs"):
        assay.fingerprint({"output": np.zeros((1, 3), np.float32)}, mlp)


def test_probes_are_made_and_read(tmp_path):
    made = assay.probe_make(tmp_path / "probes", ["matmul", "mul"])
    assert {probe.group for probe in made.probes} == {"matmul", "mul"}
    arrays = {}
    for probe in made.probes:
        model = assay.load(tmp_path / f"probes/{probe.name}.onnx")
        with np.load(tmp_path / f"probes/{probe.name}.npz") as inputs:
            arrays[probe.name + "/y"] = model.run(dict(inputs), profile="cuda-f16-hopper")["y"]
    np.savez(tmp_path / "recorded.npz", **arrays)
    read = assay.probe_read(tmp_path / "recorded.npz", tmp_path / "found.toml", combinations=0)
    (mode,) = read.modes
    assert mode.verdict == "exact"
    assert "cuda-f16-hopper" in {policy.profile for policy in mode.policies}
    assert "aligned" in (tmp_path / "found.toml").read_text()


def test_a_recording_is_read():
    read = assay.probe_read(RECORDINGS / "onnxruntime-1.32.0-cpu.npz", combinations=0)
    assert read.modes[0].words == "float32 storage, float32 accumulation"
    probes = {probe.name: probe for group in read.modes[0].groups for probe in group.probes}
    assert probes["matmul_random"].verdict == "exact"
