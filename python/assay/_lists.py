"""Sequences, optionals and maps: lists, None and dicts in Python; named arrays (`m[0]`, `m.keys`) in the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


def held(type_: str) -> tuple[str, str]:
    """("seq", "float32[2]") of "seq(float32[2])"; ("", type_) of a tensor's."""
    kind, found, rest = type_.partition("(")
    return (kind, rest.removesuffix(")")) if found else ("", type_)


def spread(name: str, type_: str, value: Any, as_array: Callable[[Any, str], Any]) -> dict[str, Any]:
    """The arrays of a value. Raises TypeError for what is no value of the type."""
    kind, element = held(type_)
    if kind == "seq":
        if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
            raise TypeError(f"'{name}' is {type_}: give a list, not {type(value).__name__}")
        parts = [spread(f"{name}[{i}]", element, item, as_array) for i, item in enumerate(value)]
        return {key: array for part in parts for key, array in part.items()}
    if kind == "optional":
        return {} if value is None else spread(f"{name}[0]", element, value, as_array)
    if kind == "map":
        if not isinstance(value, Mapping):
            raise TypeError(f"'{name}' is {type_}: give a dict, not {type(value).__name__}")
        key, of_value = element.split(",", 1)
        keys = np.array(list(value), None if key == "string" else key)
        return {f"{name}.keys": keys, f"{name}.values": as_array(list(value.values()), of_value)}
    return {name: as_array(value, type_)}


def gather(name: str, type_: str, arrays: Mapping[str, Any]) -> Any:
    """The value of that type: an array, a list, what an optional holds or None, a dict."""
    kind, element = held(type_)
    if kind == "seq":
        items: list[Any] = []
        while _has(f"{name}[{len(items)}]", arrays):
            items.append(gather(f"{name}[{len(items)}]", element, arrays))
        return items
    if kind == "optional":
        return gather(f"{name}[0]", element, arrays) if _has(f"{name}[0]", arrays) else None
    if kind == "map":
        return dict(zip(arrays[f"{name}.keys"].tolist(), arrays[f"{name}.values"].tolist(), strict=True))
    return arrays[name]


def _has(name: str, arrays: Mapping[str, Any]) -> bool:
    return any(array == name or array.startswith((f"{name}[", f"{name}.")) for array in arrays)
