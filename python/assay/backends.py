"""Programs that are not Assay's own engine: whatever turns inputs into outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Backend(Protocol):
    """A function from arrays (by input name) to outputs: by output name, or in the model's order."""

    name: str

    def __call__(self, inputs: dict[str, Any]) -> Any: ...


class _Function:
    """A function under a name."""

    def __init__(self, function: Callable[[dict[str, Any]], Any], name: str) -> None:
        self._function = function
        self.name = name

    def __call__(self, inputs: dict[str, Any]) -> Any:
        return self._function(inputs)


def callable(function: Callable[[dict[str, Any]], Any], name: str | None = None) -> Backend:
    """A function as a program of `compare` and `audit`, under the name that reports give it.

    It takes NumPy arrays by input name, some samples along their first axes, and returns outputs for them.
    """
    return _Function(function, name or str(getattr(function, "__name__", type(function).__name__)))
