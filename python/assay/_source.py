"""Models as callers have them: a path, bytes, an onnx.ModelProto, an assay.Model."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any, Protocol, Union, runtime_checkable


@runtime_checkable
class _Serializable(Protocol):
    def SerializeToString(self) -> bytes: ...  # noqa: N802  # protobuf's name


ModelSource = Union[str, os.PathLike[str], bytes, bytearray, memoryview, _Serializable, "ModelFile"]


class ModelFile:
    """A model as a file: the caller's own, or a temporary one of its bytes, which is removed with this object."""

    path: str

    @property
    def temporary(self) -> bool:
        """Whether the file goes with this object."""
        return self._folder is not None

    def __init__(self, source: ModelSource) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if isinstance(source, ModelFile):
            self.path, self._folder = source.path, source._folder  # kept for as long as either lives
            return
        if isinstance(source, (str, os.PathLike)):
            self.path = os.fspath(source)
            return
        if isinstance(source, _Serializable):
            source = source.SerializeToString()
        if not isinstance(source, (bytes, bytearray, memoryview)):
            raise TypeError(f"a model is a path, bytes or an onnx.ModelProto, not {type(source).__name__}")
        self._folder = tempfile.TemporaryDirectory(prefix="assay-")
        path = Path(self._folder.name) / "model.onnx"
        path.write_bytes(source)
        self.path = str(path)


def path_text(path: Any) -> str:
    """A path as text; empty for None."""
    return "" if path is None else os.fspath(path)
