"""Core ML through coremltools: not run here. A stand-in for coremltools shows what would be asked of it on a Mac."""
import sys
import types
from typing import ClassVar

import numpy as np
import pytest

import assay


class StandIn:
    """`coremltools.models.MLModel` of a model with one array, which Core ML would compute in float16."""

    made: ClassVar = []

    def __init__(self, path, compute_units):
        self.path, self.compute_units, self.seen = path, compute_units, []
        self.made.append(self)

    def get_spec(self):
        kind = "imageType" if "image" in self.path else "multiArrayType"
        port = types.SimpleNamespace(name="input", type=types.SimpleNamespace(WhichOneof=lambda _: kind))
        return types.SimpleNamespace(description=types.SimpleNamespace(input=[port]))

    def predict(self, data):
        assert type(data) is dict
        self.seen.append(data)
        x = data["input"].astype(np.float16)
        return {"doubled": (x * 2).astype(np.float32), "input": 7.0}


@pytest.fixture
def mac(monkeypatch):
    StandIn.made.clear()
    units = {name: f"unit {name}" for name in ("ALL", "CPU_AND_GPU", "CPU_ONLY", "CPU_AND_NE")}
    fake = types.SimpleNamespace(models=types.SimpleNamespace(MLModel=StandIn), ComputeUnit=units)
    monkeypatch.setitem(sys.modules, "coremltools", fake)
    monkeypatch.setattr(sys, "platform", "darwin")
    return StandIn.made


X = np.random.default_rng(4).standard_normal((6, 3)).astype(np.float32)


def test_elsewhere_the_recorder_is_named(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(assay.AssayError) as refused:
        assay.backends.coreml("model.mlpackage")
    assert (refused.value.code, refused.value.where) == ("A401", "model.mlpackage")
    assert "assay-record" in refused.value.fix


@pytest.mark.parametrize(("words", "unit"), [("ALL", "ALL"), ("CPU_ONLY", "CPU_ONLY"), ("CPUAndGPU", "CPU_AND_GPU"),
                                             ("CPUAndNeuralEngine", "CPU_AND_NE"), ("cpu_and_ne", "CPU_AND_NE")])
def test_compute_units_have_both_spellings(mac, words, unit):
    backend = assay.backends.coreml("model.mlpackage", words)
    assert mac[0].compute_units == f"unit {unit}"
    assert backend.name == "coreml-" + unit.lower().replace("_", "-")


def test_words_that_are_wrong(mac):
    with pytest.raises(assay.UsageError, match="no compute units are called 'GPU'"):
        assay.backends.coreml("model.mlpackage", "GPU")
    with pytest.raises(assay.AssayError, match=r"input \(imageType\)") as image:
        assay.backends.coreml("image.mlmodel")
    assert image.value.code == "A107"


def test_samples_go_one_by_one_unless_told_otherwise(mac):
    for batch, calls in ((1, 6), (4, 2), (None, 1)):
        backend = assay.backends.coreml("model.mlpackage", outputs=["doubled"], batch=batch)
        doubled = backend({"input": X, "unknown": X})["doubled"]
        assert np.array_equal(doubled, 2 * X.astype(np.float16).astype(np.float32))
        assert len(mac[-1].seen) == calls
        assert all(list(data) == ["input"] for data in mac[-1].seen)


def test_float16_goes_as_float32_of_the_same_values(mac):
    assay.backends.coreml("model.mlpackage", batch=None)({"input": X.astype(np.float16)})
    (seen,) = mac[0].seen
    assert seen["input"].dtype == np.float32
    assert np.array_equal(seen["input"], X.astype(np.float16))


def test_an_audit_sees_the_format(mac):
    backend = assay.backends.coreml("model.mlpackage", "CPUAndGPU", outputs=["doubled"])
    reference = assay.backends.callable(lambda inputs: {"doubled": inputs["input"] * 2}, "reference")
    result = assay.audit(None, {"input": X}, decision="argmax", reference=reference, candidates=backend, fail_on="none")
    assert result.candidates[0].lattice.format == "float16"
    assert not result.candidates[0].emulated
    assert result.candidates[0].program == "callable:coreml-cpu-and-gpu"
