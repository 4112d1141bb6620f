"""The exceptions of sessions, where code written for ONNX Runtime looks for them.

except ort.capi.onnxruntime_pybind11_state.InvalidArgument as error: ...
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


class MissingInputs(InvalidArgument, ValueError):
    """Inputs that are not given; a ValueError, as in ONNX Runtime."""


_BY_CODE = {
    "A101": NoSuchFile,
    "A102": InvalidProtobuf,
    "A103": InvalidGraph,
    "A104": NotImplemented,
    "A107": NotImplemented,
    "A108": NotImplemented,
}


def as_session_error(error: AssayError) -> AssayError:
    """The same error as the exception that ONNX Runtime would raise. Wrong words (A0xx) stay a UsageError."""
    if error.code.startswith("A0"):
        return error
    kind = InvalidArgument if error.code.startswith("A3") else _BY_CODE.get(error.code, Fail)
    return kind(error.code, error.message, error.where, error.fix)


class onnxruntime_pybind11_state:
    """The names under which ONNX Runtime's own module has them."""

    Fail = Fail
    InvalidArgument = InvalidArgument
    InvalidGraph = InvalidGraph
    InvalidProtobuf = InvalidProtobuf
    NoSuchFile = NoSuchFile
    NotImplemented = NotImplemented
