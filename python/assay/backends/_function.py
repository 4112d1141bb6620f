"""Functions as programs: what every backend is made of."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from assay._errors import AssayError


class Backend(Protocol):
    """A function from arrays (by input name) to outputs: by output name, or in the model's order."""

    name: str

    def __call__(self, inputs: dict[str, Any]) -> Any: ...


class Function:
    """A function under a name, called with as many samples as it takes."""

    def __init__(
        self,
        function: Callable[[dict[str, Any]], Any],
        name: str,
        outputs: Sequence[str] | None,
        batch: int | None,
        dtype: Any,
    ) -> None:
        if batch is not None and batch < 1:
            raise ValueError(f"batch is the number of samples of a call, 1 or more, not {batch}")
        if isinstance(outputs, str):
            raise TypeError("outputs is a list of names, not one text")
        self.name = name
        self._function, self._outputs, self._batch = function, outputs, batch
        self._dtype = None if dtype is None else np.dtype(dtype)

    def __call__(self, inputs: dict[str, Any]) -> Any:
        if self._dtype is not None:
            inputs = {name: cast(array, self._dtype) for name, array in inputs.items()}
        parts = list(split(inputs, self._batch))
        if len(parts) == 1:
            return self._named(self._function(parts[0]))
        return join([_kept(self._named(self._function(part))) for part in parts])

    def _named(self, returned: Any) -> Any:
        if self._outputs is None:
            return returned
        if isinstance(returned, Mapping):
            missing = [name for name in self._outputs if name not in returned]
            if missing:
                raise AssayError(
                    "A402",
                    f"it returned no {missing[0]!r} but {', '.join(map(str, returned))}",
                    self.name,
                    "name outputs that it returns",
                )
            return {name: returned[name] for name in self._outputs}
        values = returned if isinstance(returned, (list, tuple)) else [returned]
        if len(values) != len(self._outputs):
            raise AssayError(
                "A402",
                f"it returned {len(values)} outputs for {len(self._outputs)} names ({', '.join(self._outputs)})",
                self.name,
                "give one name for each output, in its order",
            )
        return dict(zip(self._outputs, values, strict=True))

    def __repr__(self) -> str:
        return f"<{self.name}>"


def is_floating(array: Any) -> bool:
    """Whether an array holds floating-point numbers; those of ml_dtypes are to NumPy of an unknown kind."""
    kind, name = str(array.dtype.kind), str(array.dtype.name)
    return kind == "f" or (kind == "V" and name.startswith(("bfloat", "float")))


def cast(array: Any, dtype: np.dtype[Any]) -> Any:
    """Floating-point arrays as `dtype`, rounded to nearest; others as they are."""
    return array.astype(dtype, copy=False) if is_floating(array) else array


def split(inputs: dict[str, Any], batch: int | None) -> Iterable[dict[str, Any]]:
    """The inputs in pieces of at most `batch` samples along their first axes."""
    if batch is None:
        return [inputs]
    counts = [array.shape[0] if array.ndim else -1 for array in inputs.values()]
    if len(set(counts)) != 1 or -1 in counts:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in inputs.items())
        raise AssayError(
            "A302",
            f"inputs have no common first axis of samples: {shapes}",
            "batch",
            "leave `batch` out, and split them in the function",
        )
    count = int(counts[0])
    if count <= batch:
        return [inputs]
    return ({name: array[i : i + batch] for name, array in inputs.items()} for i in range(0, count, batch))


def _kept(outputs: Any) -> Any:
    """A copy: a runtime may write the outputs of its next call over these."""
    if isinstance(outputs, Mapping):
        return {name: np.array(array) for name, array in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [np.array(array) for array in outputs]
    return np.array(outputs)


def join(pieces: list[Any]) -> Any:
    """What several calls returned as one, along the first axes."""
    first = pieces[0]
    if isinstance(first, Mapping):
        return {name: np.concatenate([np.asarray(piece[name]) for piece in pieces]) for name in first}
    if isinstance(first, (list, tuple)):
        return [np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*pieces, strict=True)]
    return np.concatenate([np.asarray(piece) for piece in pieces])


def callable(
    function: Callable[[dict[str, Any]], Any],
    name: str | None = None,
    *,
    outputs: Sequence[str] | None = None,
    batch: int | None = None,
    dtype: Any = None,
) -> Backend:
    """A function as a program of `compare` and `audit`, under the name that reports give it.

    It takes NumPy arrays by input name, some samples along their first axes, and returns outputs for them: a mapping by
    output name, or a sequence in the model's order. They may have any floating-point type.

    outputs: names for what it returns in order, or which of a mapping to take.
    batch: at most so many samples a call (1: sample by sample); None: as many as there are at a time, up to 32. Real
    runtimes may give other bits for another number of samples.
    dtype: floating-point inputs are rounded to this type before the call ("float16", ml_dtypes.bfloat16).
    Raises AssayError A402 while it runs, with what the function raised as its cause.
    """
    title = name or str(getattr(function, "__name__", type(function).__name__))
    return Function(function, title, outputs, batch, dtype)


def runtime(module: str, needed_for: str) -> Any:
    """A runtime's Python module, imported when it is asked for. Raises AssayError A401 where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise AssayError(
            "A401",
            f"{needed_for} needs the package {module}, which does not load: {missing}",
            "",
            f"pip install {module}",
        ) from missing


def is_function(value: Any) -> bool:
    """Python's own `callable`, which has another meaning here."""
    return builtins.callable(value)
