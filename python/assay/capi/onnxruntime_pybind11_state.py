"""The exceptions of sessions, under the names that ONNX Runtime's own module gives them.

except ort.capi.onnxruntime_pybind11_state.InvalidArgument as error: ...

There they are plain exceptions; here they are AssayErrors, with code, place and remedy. Those that nothing raises are
there so that `except` clauses that name them go on to work.
"""

from __future__ import annotations

from assay._errors import AssayError


class Fail(AssayError):
    """What fails for any other reason."""


class InvalidArgument(AssayError):
    """Inputs whose names, types or shapes do not fit, or outputs that do not exist."""


class InvalidGraph(AssayError):
    """A model that breaks a rule of ONNX."""


class InvalidProtobuf(AssayError):
    """A file that is no model."""


class NoSuchFile(AssayError):
    """A file that does not exist."""


class NotImplemented(AssayError):
    """A model that needs what is not there."""


class RuntimeException(AssayError):
    """A real runtime, or a function of the caller's, that failed."""


class MissingInputs(InvalidArgument, ValueError):
    """Inputs that are not given; a ValueError, as in ONNX Runtime."""


class DeviceReset(AssayError):
    """Never raised: no device is used."""


class EPFail(AssayError):
    """Never raised: providers are emulated."""


class EngineError(AssayError):
    """Never raised."""


class ModelLoadCanceled(AssayError):
    """Never raised: Ctrl-C is a KeyboardInterrupt."""


class ModelLoaded(AssayError):
    """Never raised."""


class ModelRequiresCompilation(AssayError):
    """Never raised: nothing is compiled."""


class NoModel(AssayError):
    """Never raised: there is no session without a model."""


class NotFound(AssayError):
    """Never raised."""


_BY_CODE = {
    "A101": NoSuchFile,
    "A102": InvalidProtobuf,
    "A103": InvalidGraph,
    "A104": NotImplemented,
    "A107": NotImplemented,
    "A108": NotImplemented,
    "A402": RuntimeException,
}


def as_session_error(error: AssayError) -> AssayError:
    """The same error as the exception that ONNX Runtime would raise. Wrong words (A0xx) stay a UsageError."""
    if error.code.startswith("A0"):
        return error
    kind = InvalidArgument if error.code.startswith("A3") else _BY_CODE.get(error.code, Fail)
    return kind(error.code, error.message, error.where, error.fix)
