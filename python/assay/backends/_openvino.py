"""OpenVINO's models as programs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from assay._errors import AssayError
from assay._source import path_text
from assay.backends._function import Function, runtime


class Operation(NamedTuple):
    """An operation of what OpenVINO made of a model: which code runs it, computing in which type, writing which."""

    name: str
    kind: str
    implementation: str
    precision: str
    output: str
    of: str
    """The model's operations that it stands for, with commas between."""


class OpenVino(Function):
    """A compiled model. Attributes: `config`, the options in force by name; `operations`, what it is made of."""

    def __init__(self, compiled: Any, inputs: dict[str, str], outputs: list[str], name: str, batch: int | None) -> None:
        super().__init__(self._infer, name, None, batch, None)
        self._compiled, self._input_names, self._output_names = compiled, inputs, outputs

    def _infer(self, inputs: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
        request = self._compiled.create_infer_request()
        request.infer({self._input_names.get(name, name): array for name, array in inputs.items()})
        # Memory of the request is used again; what is returned lives on.
        return {name: np.array(request.get_output_tensor(index).data) for index, name in enumerate(self._output_names)}

    @property
    def config(self) -> dict[str, str]:
        """The options in force, by name."""
        names = self._compiled.get_property("SUPPORTED_PROPERTIES")
        return {str(name): str(self._compiled.get_property(str(name))) for name in names}

    @property
    def operations(self) -> list[Operation]:
        """What the compiled model runs, in its order; constants left out.

        Where sizes are not known before the first call, neither is the code that will run.
        """
        found = []
        for node in self._compiled.get_runtime_model().get_ordered_ops():
            info = node.get_rt_info()
            keys = ("layerType", "primitiveType", "runtimePrecision", "outputPrecisions", "originalLayersNames")
            words = [info[key].astype(str) if key in info else "" for key in keys]
            if words[0] != "Const":
                found.append(Operation(node.get_friendly_name(), *words))
        return found


def openvino(
    model: Any,
    device: str = "CPU",
    config: Mapping[str, Any] | None = None,
    *,
    outputs: Sequence[str] | None = None,
    batch: int | None = None,
    name: str | None = None,
) -> OpenVino:
    """A model compiled by OpenVINO, with its own options, as a program.

    model: a path (.onnx, .xml), the bytes of an ONNX model, an onnx.ModelProto or an openvino.Model.
    config: for example {"INFERENCE_PRECISION_HINT": "bf16"}: without it OpenVINO lowers precision by itself where the
    processor has instructions for that.
    outputs: names of outputs or of inner values, which become outputs (and may keep operations from being fused);
    None: the model's outputs.
    batch: at most so many samples a call; None: as many as there are at a time.
    Raises AssayError A401 where OpenVINO is not installed, A402 with OpenVINO's own message where it does not take the
    model, the device or an option.
    """
    package = runtime("openvino", "assay.backends.openvino")
    title = name or f"openvino-{device.lower()}"
    try:
        core = package.Core()
        graph = model.clone() if isinstance(model, package.Model) else core.read_model(_readable(model))
        if outputs is not None:
            present = [graph.output(i).get_names() for i in range(len(graph.outputs))]
            graph.add_outputs([wanted for wanted in outputs if not any(wanted in names for names in present)])
        compiled = core.compile_model(graph, device, dict(config or {}))
    except RuntimeError as refused:
        where = path_text(model) if isinstance(model, (str, os.PathLike)) else title
        raise AssayError(
            "A402", f"OpenVINO: {refused}", where, "see OpenVINO's documentation of the option"
        ) from refused
    return OpenVino(compiled, _input_names(compiled), _output_names(compiled, outputs), title, batch)


def _readable(model: Any) -> Any:
    """A model as `Core.read_model` takes it."""
    if isinstance(model, (str, os.PathLike)):
        return os.fspath(model)
    if hasattr(model, "SerializeToString"):
        return model.SerializeToString()
    if hasattr(model, "path"):
        return model.path
    return bytes(model)


def _input_names(compiled: Any) -> dict[str, str]:
    """Any of an input's names -> the one that OpenVINO is asked by."""
    return {name: port.get_any_name() for port in compiled.inputs for name in port.get_names()}


def _output_names(compiled: Any, wanted: Sequence[str] | None) -> list[str]:
    """A name for each output, in OpenVINO's order: a wanted one where it has several."""
    names: list[str] = []
    for port in compiled.outputs:
        own = port.get_names()
        names.append(
            next((name for name in wanted or () if name in own), None) or min(own, default=f"output_{len(names)}")
        )
    return names
