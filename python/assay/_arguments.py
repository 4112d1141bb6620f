"""Wrong arguments by name: the extension module refuses a value without saying whose it is."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, ParamSpec, TypeVar

from assay._errors import UsageError

_P = ParamSpec("_P")
_R = TypeVar("_R")
_COUNTS = 2**64  # what the library counts with


def _is_whole(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _is_count(value: Any) -> bool:
    return 0 <= operator.index(value) < _COUNTS


# By annotation: what a value has to be, in words, and whether it is.
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "bool": ("True or False", lambda value: isinstance(value, bool)),
    "int": ("a whole number", _is_whole),
    "float": ("a number", lambda value: isinstance(value, Real)),
    "str": ("a text", lambda value: isinstance(value, str)),
}


def _annotations(signature: inspect.Signature, common: Mapping[str, Any]) -> dict[str, str]:
    named = {name: parameter.annotation for name, parameter in signature.parameters.items()} | dict(common)
    return {name: str(getattr(kind, "__forward_arg__", kind)) for name, kind in named.items()}


def _check(name: str, kind: str, value: Any) -> None:
    """Raises TypeError or UsageError, with the name of what is wrong."""
    if value is None and kind.endswith(" | None"):
        return
    kind = kind.removesuffix(" | None")
    words, fits = _KINDS.get(kind, ("", lambda _: True))
    if not fits(value):
        raise TypeError(f"{name} is {words}, not {value!r}")
    if kind == "int" and not _is_count(value):
        raise UsageError("A001", f"{name} takes 0 to 2^64 - 1, not {value}", name)


def named(common: Mapping[str, Any]) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Has a TypeError name the argument that caused it, where that can be told; `common`: keywords all functions take.

    Looked for only once something was refused: what the function itself says of its arguments goes first.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            try:
                return function(*args, **kwargs)
            except TypeError as refused:
                signature = inspect.signature(function)
                try:
                    bound = signature.bind(*args, **kwargs).arguments
                except TypeError:  # an argument is missing, or is none: said well
                    raise refused from None
                kinds = _annotations(signature, common)
                given = {**bound, **bound.pop("common", {})}
                for name, value in given.items():
                    _check(name, kinds.get(name, ""), value)
                raise

        return call

    return decorate
