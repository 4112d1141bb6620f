"""Models that are run again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay import _assay, _commands, _lists, _results
from assay._errors import UsageError, announce
from assay._source import ModelFile, ModelSource

if TYPE_CHECKING:
    from typing_extensions import Unpack

Port = _assay.PortInfo


class Model(ModelFile):
    """A model file; each profile that it is run under is opened once.

    Attributes: `path`; `inputs` and `outputs`, each with `name`, `type` ("float32") and `shape` (numbers, names, None).
    """

    def __init__(self, source: ModelSource, **common: Unpack[_commands.Common]) -> None:
        super().__init__(source)
        self._common = common
        self._programs: dict[tuple[str, frozenset[str]], _assay.Program] = {}
        default = self.program()
        self.inputs = default.inputs
        self.outputs = default.outputs

    def program(self, profile: str = "", given: frozenset[str] = frozenset()) -> _assay.Program:
        """The model under a profile, a provider or a real runtime, opened at the first call.

        Empty: strict-f32; for Core ML files their format on the CPU. given: names of arrays that replace the model's
        defaults (initializers that are inputs too).
        """
        key = (profile, given)
        if key not in self._programs:
            settings = _commands.settings_of(**self._common)
            program = _assay.Program.open(self.path, profile, settings, primary_only=False, given=sorted(given))
            announce(program.warnings)
            self._programs[key] = program
        return self._programs[key]

    def variants(self, profile: str = "") -> list[str]:
        """The ways in which a device may compute that a profile knows, the likeliest first."""
        return self.program(profile).variants

    def run(
        self, inputs: Mapping[str, Any] | Sequence[Any] | Any, profile: str = "", *, variant: int | str = 0
    ) -> dict[str, Any]:
        """Outputs by name: arrays; sequences as lists, maps as dicts, what an optional holds or None.

        inputs: arrays by input name, in the model's order, or the only one. Memory is shared, not copied; numbers and
        lists take the type that the model declares. Arrays are never converted: another type raises AssayError A303.
        """
        program = self.program(profile)
        arrays = named_inputs(program.inputs, inputs)
        others = arrays.keys() - {port.name for port in program.inputs}
        if others:  # those of defaults; what is no input at all is refused by the run
            program = self.program(profile, frozenset(others))
            arrays = named_inputs(program.inputs, inputs)
        outputs = program.run(arrays, variant_index(program.variants, variant))
        return {port.name: _lists.gather(port.name, port.type, outputs) for port in program.outputs}

    def audit(self, data: Any, labels: Any = None, **options: Any) -> _results.AuditResult:
        """`assay.audit` of this model."""
        return _commands.audit(self, data, labels, **self._with(options))

    def compare(self, inputs: Any, programs: Sequence[Any], **options: Any) -> _results.CompareResult:
        """`assay.compare` of this model."""
        return _commands.compare(self, inputs, programs, **self._with(options))

    def convert(self, output: _commands.Path, **options: Any) -> _results.ConvertResult:
        """`assay.convert` of this model."""
        return _commands.convert(self, output, **self._with(options))

    def repair(self, data: Any, labels: Any = None, **options: Any) -> _results.RepairResult:
        """`assay.repair` of this model."""
        return _commands.repair(self, data, labels, **self._with(options))

    def inspect(self, program: str = "", **options: Any) -> _results.InspectResult:
        """`assay.inspect` of this model."""
        return _commands.inspect(self, program, **self._with(options))

    def _with(self, options: dict[str, Any]) -> dict[str, Any]:
        return dict(self._common) | options

    def __repr__(self) -> str:
        return f"assay.load({self.path!r})"


def variant_index(variants: Sequence[str], variant: int | str) -> int:
    """The number of a variant. Raises UsageError A001 for names that there are not."""
    if not isinstance(variant, str):
        return variant
    if variant not in variants:
        raise UsageError("A001", f"there is no variant '{variant}'", "", f"there are: {', '.join(variants)}")
    return variants.index(variant)


def named_inputs(ports: Sequence[Port], inputs: Any) -> dict[str, Any]:
    """Inputs by name, whichever way they were given."""
    types = {port.name: port.type for port in ports}
    if not isinstance(inputs, Mapping):
        single = hasattr(inputs, "dtype") or hasattr(inputs, "__dlpack__") or len(ports) == 1
        if single and not (isinstance(inputs, (list, tuple)) and len(inputs) == 1 and hasattr(inputs[0], "dtype")):
            inputs = [inputs]
        if len(inputs) != len(ports):
            raise TypeError(f"the model has {len(ports)} inputs ({', '.join(types)}), given are {len(inputs)}")
        inputs = dict(zip(types, inputs, strict=True))
    arrays: dict[str, Any] = {}
    for name, value in inputs.items():
        arrays |= _lists.spread(
            name, types.get(name, ""), value, lambda array, type_: _commands.as_array(array, type_ or None)
        )
    return arrays


def load(model: ModelSource, **common: Unpack[_commands.Common]) -> Model:
    """A model to run many times: a path (ONNX or Core ML), the bytes of an ONNX model, or an onnx.ModelProto.

    Raises AssayError: A101 for a missing file, A1xx for what it does wrong.
    """
    return Model(model, **common)
