"""Sessions shaped like ONNX Runtime's, so that `import assay as ort` runs code that was written for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay import _assay, _commands, _lists
from assay._errors import AssayError, AssayMessage, AssayWarning, UsageError, warnings_in
from assay._model import variant_index
from assay._ort_options import RunOptions, SessionOptions
from assay._ort_value import IOBinding, OrtValue, tensor_type
from assay._source import ModelFile
from assay.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, MissingInputs, as_session_error

_CPU = "CPUExecutionProvider"
_AVAILABLE = ["CoreMLExecutionProvider", _CPU]
# Those that ONNX Runtime knows, in its order.
_ALL = [
    "TensorrtExecutionProvider", "CUDAExecutionProvider", "MIGraphXExecutionProvider", "OpenVINOExecutionProvider",
    "DnnlExecutionProvider", "VitisAIExecutionProvider", "QNNExecutionProvider", "NnapiExecutionProvider",
    "VSINPUExecutionProvider", "JsExecutionProvider", "CoreMLExecutionProvider", "DmlExecutionProvider",
    "RknpuExecutionProvider", "WebNNExecutionProvider", "WebGpuExecutionProvider", "XnnpackExecutionProvider",
    "CANNExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider",
]  # fmt: skip

Provider = str | tuple[str, dict[Any, Any]]


@dataclass(frozen=True)
class NodeArg:
    """An input or output: `shape` holds numbers, names, and None for what is not known."""

    name: str
    type: str
    shape: list[int | str | None]


@dataclass(frozen=True)
class ModelMetadata:
    """What a model says of itself."""

    producer_name: str = ""
    graph_name: str = ""
    domain: str = ""
    description: str = ""
    graph_description: str = ""
    version: int = 2**63 - 1
    custom_metadata_map: dict[str, str] = field(default_factory=dict)


def get_available_providers() -> list[str]:
    """Providers that sessions take: emulated ones. Real ones are written `ort:NAME`."""
    return list(_AVAILABLE)


def get_all_providers() -> list[str]:
    """Providers that ONNX Runtime knows."""
    return list(_ALL)


def get_device() -> str:
    """Where sessions compute: always "CPU"."""
    return "CPU"


def get_version_string() -> str:
    """Assay's version."""
    return _assay.version()


def set_default_logger_severity(severity: int) -> None:
    """Nothing is logged: warnings go through Python's `warnings`."""


def set_default_logger_verbosity(verbosity: int) -> None:
    """Nothing is logged."""


def set_seed(seed: int) -> None:
    """Models that Assay runs draw nothing at random."""


def enable_telemetry_events() -> None:
    """Nothing is sent anywhere."""


def disable_telemetry_events() -> None:
    """Nothing is sent anywhere."""


def _as_pairs(
    providers: Sequence[Provider] | None, provider_options: Sequence[Mapping[Any, Any]] | None
) -> tuple[list[tuple[str, dict[str, str]]], list[AssayMessage]]:
    """Names with their options as text, as ONNX Runtime makes it (`str(value)`); and what to say of the list."""
    if not providers:
        if provider_options:
            raise ValueError("'provider_options' need 'providers'")
        return [(_CPU, {})], []
    given = _with_options(providers, provider_options)
    pairs: dict[str, dict[str, str]] = {}
    said: list[AssayMessage] = []
    for name, options in given:
        if name in pairs:
            said.append(AssayWarning("A001", f"{name} is given twice", "providers", "the first one counts"))
        else:
            pairs[name] = {str(key): str(value) for key, value in options.items()}
    first, *others = pairs
    if first == _CPU and others:
        left = ", ".join(others)
        said.append(
            AssayWarning("A001", f"{_CPU} stands first and takes everything: nothing is left for {left}", "providers",
                         "put it last")
        )  # fmt: skip
    return list(pairs.items()), said


def _with_options(
    providers: Sequence[Provider], provider_options: Sequence[Mapping[Any, Any]] | None
) -> list[tuple[str, Mapping[Any, Any]]]:
    """Both ways to give options as one. Raises ValueError where ONNX Runtime does."""
    if isinstance(providers, str) or not isinstance(providers, Sequence):
        raise ValueError("'providers' should be a sequence.")
    if provider_options is None:
        return [_with_own_options(provider) for provider in providers]
    if not isinstance(provider_options, Sequence):
        raise ValueError("'provider_options' should be a sequence.")
    if len(providers) != len(provider_options):
        raise ValueError("'providers' and 'provider_options' should be the same length if both are given.")
    names = [provider for provider in providers if isinstance(provider, str)]
    if len(names) != len(providers):
        raise ValueError("Only string values for 'providers' are supported if 'provider_options' is given.")
    if not all(isinstance(options, dict) for options in provider_options):
        raise ValueError("'provider_options' values must be dicts.")
    return list(zip(names, provider_options, strict=True))


def _with_own_options(provider: object) -> tuple[str, Mapping[Any, Any]]:
    match provider:
        case str():
            return provider, {}
        case (str(name), dict(options)) if isinstance(provider, tuple):
            return name, options
    raise ValueError("'providers' values must be either strings or (string, dict) tuples.")


def _program_text(pairs: list[tuple[str, dict[str, str]]], options: SessionOptions) -> str:
    """The program that a list of providers stands for: the first; the CPU runs what it does not take."""
    name, said = pairs[0]
    others = [other for other, _ in pairs if other not in (name, _CPU)]
    if name != _CPU and others:
        raise UsageError("A003", f"one provider besides {_CPU} is emulated, not {', '.join([name, *others])}", "",
                         "give the one that the model will run on")  # fmt: skip
    if name.startswith("ort:"):
        said = said | {f"session.{key}": value for key, value in options._entries.items()}
    elif name == _CPU:
        said = {}  # those of ONNX Runtime's CPU change no result
    return name + (":" + ",".join(f"{key}={_escaped(value)}" for key, value in said.items()) if said else "")


def _escaped(value: str) -> str:
    """A value as it stands in a program's text, where commas part options."""
    return value.replace("\\", "\\\\").replace(",", "\\,")


def _is_emulated_core_ml(program: str) -> bool:
    return program.split(":", 1)[0] == "CoreMLExecutionProvider"


def _is_core_ml_file(path: str) -> bool:
    return path.rstrip("/").endswith((".mlmodel", ".mlpackage"))


def _remove(paths: list[str], owner: int) -> None:
    """Removes files, unless this is a process that was forked off: they are its parent's."""
    for path in paths if os.getpid() == owner else []:
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.remove(path)


class InferenceSession:
    """A model under an execution provider, emulated: with a warning that says so, once for each way to run.

    Attributes beyond ONNX Runtime's: `profile` (the profile that the provider's options stand for), `variants`,
    `emulated`, `warnings`, `program` (as on the command line), `model_files` (the Core ML models that the session
    stands for; they go with it, unless ModelCacheDirectory is given).
    """

    _announced: set[tuple[str, str, str]] = set()  # noqa: RUF012  # shared by all sessions

    def __init__(
        self,
        path_or_bytes: str | bytes | os.PathLike[str],
        sess_options: SessionOptions | None = None,
        providers: Sequence[Provider] | None = None,
        provider_options: Sequence[dict[Any, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        """Opens the model.

        providers: names, or (name, options); the first besides CPUExecutionProvider is emulated, what it does not take
        runs as on the CPU. None: CPUExecutionProvider. A profile's name, or `ort:NAME` for the real runtime, stands
        for a provider too. Raises UsageError A003 for providers that no profile stands for: nothing falls back.
        """
        if not isinstance(path_or_bytes, (str, bytes, os.PathLike)) and not hasattr(path_or_bytes, "SerializeToString"):
            raise TypeError(f"Unable to load from type '{type(path_or_bytes)}'")
        self._options = sess_options or SessionOptions()
        self._options._check()
        self._files: Callable[[], object] | None = None
        if not providers and self._options.has_providers():
            providers = list(self._options._providers)
        try:
            self._file = ModelFile(path_or_bytes)
            self._open(providers, provider_options)
        except AssayError as error:
            raise as_session_error(error) from error

    def _open(self, providers: Sequence[Provider] | None, provider_options: Sequence[Mapping[Any, Any]] | None) -> None:
        """All or nothing: until the new program is there, the old one stays as it is."""
        pairs, said = _as_pairs(providers, provider_options)
        text = _program_text(pairs, self._options)
        settings = _commands.settings_of(threads=self._options.intra_op_num_threads)
        program = _assay.Program.open(self._file.path, text, settings, primary_only=False)
        said += warnings_in(program.warnings)
        paths: list[str] = []
        gone = None
        if _is_emulated_core_ml(text) and not _is_core_ml_file(self._file.path):
            files = _assay.write_coreml_provider(self._file.path, text, settings)
            paths = files.paths
            said += warnings_in(files.warnings)
            gone = None if files.cached else weakref.finalize(self, _remove, paths, os.getpid())
        try:
            self._announce(said)
        except Warning:  # that the caller's filters make errors
            if gone is not None:
                gone()
            raise
        if self._files is not None:
            self._files()
        self.program, self._program, self._providers, self.warnings = text, program, pairs, said
        self.model_files, self._files = paths, gone

    def partition(self) -> list[_assay.TakenNode]:
        """Which nodes the emulated CoreMLExecutionProvider takes: `name`, `op`, `taken`, `reason`, `partition`.

        Raises UsageError A001 for sessions without it.
        """
        settings = _commands.settings_of(threads=self._options.intra_op_num_threads)
        return _assay.coreml_provider(self._file.path, self.program, settings).nodes

    def _announce(self, said: Sequence[AssayMessage]) -> None:
        for warning in said:
            key = (warning.code, warning.message, warning.where)
            if key not in self._announced:
                warnings.warn(warning, stacklevel=4)
                self._announced.add(key)

    @property
    def profile(self) -> str:
        """The profile that computes; empty for real runtimes."""
        return self._program.profile

    @property
    def emulated(self) -> bool:
        """False for real runtimes."""
        return self._program.emulated

    @property
    def variants(self) -> list[str]:
        """The ways in which the device may compute; runs take the first unless the run's options say otherwise."""
        return self._program.variants

    def get_inputs(self) -> list[NodeArg]:
        """Inputs that must be given."""
        return [NodeArg(port.name, tensor_type(port.type), port.shape or []) for port in self._program.inputs]

    def get_outputs(self) -> list[NodeArg]:
        """Outputs, in the model's order."""
        return [NodeArg(port.name, tensor_type(port.type), port.shape or []) for port in self._program.outputs]

    def get_modelmeta(self) -> ModelMetadata:
        """What the model says of itself."""
        found = _commands.inspect(self._file)
        said = {key: value for key, value in found.metadata.items() if not key.startswith("onnx.opset")}
        said.pop("onnx.ir_version", None)
        return ModelMetadata(
            producer_name=said.pop("onnx.producer", "").rsplit(" ", 1)[0],
            graph_name=found.graph,
            domain=said.pop("onnx.domain", ""),
            description=said.pop("onnx.doc", ""),
            version=int(said.pop("onnx.model_version", 2**63 - 1)),
            custom_metadata_map=said,
        )

    def get_providers(self) -> list[str]:
        """Providers in order, the CPU's last: it runs what the others do not take."""
        names = [name for name, _ in self._providers]
        return names if _CPU in names else [*names, _CPU]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """Options by provider."""
        return {name: {} for name in self.get_providers()} | dict(self._providers)

    def get_session_options(self) -> SessionOptions:
        """The options that the session was made with."""
        return self._options

    def set_providers(
        self, providers: Sequence[Provider] | None = None, provider_options: Sequence[dict[Any, Any]] | None = None
    ) -> None:
        """Opens the model again under other providers."""
        try:
            self._open(providers, provider_options)
        except AssayError as error:
            raise as_session_error(error) from error

    def enable_fallback(self) -> None:
        """Nothing falls back here."""

    def disable_fallback(self) -> None:
        """Nothing falls back here."""

    def end_profiling(self) -> str:
        """Nothing is profiled: `assay bench run` times models. Empty."""
        return ""

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: RunOptions | None = None,
    ) -> list[Any]:
        """Outputs in the order of `output_names` (None: all, in the model's order); sequences as lists, maps as dicts,
        what an optional holds or None.

        input_feed: arrays by input name; numbers and lists take the declared type. Raises ValueError for missing
        inputs, `capi.InvalidArgument` for names, types and shapes that do not fit.
        """
        options = run_options or RunOptions()
        if options.terminate:
            raise Fail("A403", "the run's options ask to terminate", "", "set terminate to False")
        types = {port.name: port.type for port in self._program.inputs}
        missing = [name for name in types if name not in input_feed]
        if missing:
            raise MissingInputs(
                "A301", f"Required inputs ({missing}) are missing from input feed ({list(input_feed)}).", "", ""
            )
        names = [port.name for port in self._program.outputs]
        unknown = [name for name in input_feed if name not in types], [n for n in output_names or [] if n not in names]
        if any(unknown):
            what = f"Invalid input name: {unknown[0][0]}" if unknown[0] else f"Invalid output name: {unknown[1][0]}"
            raise InvalidArgument("A301", what, "", f"inputs: {', '.join(types)}; outputs: {', '.join(names)}")
        inputs: dict[str, Any] = {}
        for name, type_ in types.items():
            inputs |= _lists.spread(name, type_, input_feed[name], _array_of)
        try:
            outputs = self._program.run(inputs, self._variant(options))
        except AssayError as error:
            raise as_session_error(error) from error
        declared = {port.name: port.type for port in self._program.outputs}
        return [_lists.gather(name, declared[name], outputs) for name in output_names or names]

    def _variant(self, options: RunOptions) -> int:
        return variant_index(self.variants, options._entries.get("assay.variant", 0))

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callable[[list[Any], Any, str], None],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """Runs, then calls callback(outputs, user_data, error); error is empty where there was none."""
        try:
            outputs, error = self.run(output_names, input_feed, run_options), ""
        except AssayError as failed:
            outputs, error = [], str(failed)
        callback(outputs, user_data, error)

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """The same with values."""
        feed = {name: value.numpy() for name, value in input_dict_ort_values.items()}
        return [OrtValue(array) for array in self.run(output_names, feed, run_options)]

    def io_binding(self) -> IOBinding:
        """Inputs and outputs to be given once for several runs."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Runs on what a binding holds."""
        iobinding._run(run_options)


def _array_of(value: Any, element: str) -> Any:
    if isinstance(value, OrtValue):
        return value.numpy()
    return _commands.as_array(value, element)
