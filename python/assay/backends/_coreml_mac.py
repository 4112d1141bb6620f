"""Core ML itself, through coremltools on a Mac.

Not run here: its logic is tested through a stand-in for coremltools.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from assay._errors import AssayError, UsageError
from assay.backends._function import Backend, Function, runtime

# Core ML's names, and ONNX Runtime's (MLComputeUnits) -> coremltools'.
_UNITS = {
    "ALL": "ALL",
    "CPUANDGPU": "CPU_AND_GPU",
    "CPUONLY": "CPU_ONLY",
    "CPUANDNEURALENGINE": "CPU_AND_NE",
    "CPUANDNE": "CPU_AND_NE",
}
_ARRAY = "multiArrayType"


def coreml(
    path: str | os.PathLike[str],
    compute_units: str = "ALL",
    *,
    outputs: Sequence[str] | None = None,
    batch: int | None = 1,
    name: str | None = None,
) -> Backend:
    """A Core ML model (.mlpackage, .mlmodel) run by Core ML, through coremltools' `MLModel.predict`. On a Mac only.

    compute_units: ALL, CPU_ONLY, CPU_AND_GPU or CPU_AND_NE (ONNX Runtime's CPUOnly, ... are taken too). Core ML chooses
    among the units by itself; the fingerprint of the outputs tells the format that it computed in.
    outputs: which of the model's outputs; None: all.
    batch: samples a call: 1 where the model declares one sample, None where its first axis is flexible.
    float16 inputs are handed over as float32, which has all their values.
    Raises AssayError A401 elsewhere, naming the recorder; A107 for inputs that are no arrays.
    """
    units = _UNITS.get(compute_units.replace("_", "").upper())
    if units is None:
        raise UsageError(
            "A001",
            f"no compute units are called {compute_units!r}",
            "compute_units",
            "ALL, CPU_ONLY, CPU_AND_GPU, CPU_AND_NE",
        )
    if sys.platform != "darwin":
        raise AssayError(
            "A401",
            "Core ML runs on Macs alone",
            os.fspath(path),
            "run the model there with `assay-record`, and audit the file that it writes: recorded:FILE.npz",
        )
    title = name or f"coreml-{units.lower().replace('_', '-')}"
    return Function(_CoreML(os.fspath(path), units), title, outputs, batch, None)


class _CoreML:
    def __init__(self, path: str, units: str) -> None:
        coremltools = runtime("coremltools", "assay.backends.coreml")
        self._model = coremltools.models.MLModel(path, compute_units=coremltools.ComputeUnit[units])
        description = self._model.get_spec().description
        self._kinds = {port.name: port.type.WhichOneof("Type") for port in description.input}
        other = [f"{name} ({kind})" for name, kind in self._kinds.items() if kind != _ARRAY]
        if other:
            raise AssayError(
                "A107",
                f"inputs that are no arrays: {', '.join(other)}",
                path,
                "give the model array inputs (`assay convert`)",
            )

    def __call__(self, inputs: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
        given = {name: _as_core_ml_takes(inputs[name]) for name in self._kinds if name in inputs}
        returned = self._model.predict(given)
        return {name: np.asarray(value) for name, value in returned.items()}


def _as_core_ml_takes(array: Any) -> Any:
    return array.astype(np.float32) if array.dtype == np.float16 else array
