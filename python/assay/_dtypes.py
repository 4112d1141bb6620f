"""Element types that NumPy lacks: those of ml_dtypes, where it is installed."""

from __future__ import annotations

from typing import Any

from assay._errors import AssayError

# The library's names of types that ml_dtypes spells otherwise.
_SPELLED = {
    "float8e4m3fn": "float8_e4m3fn",
    "float8e4m3fnuz": "float8_e4m3fnuz",
    "float8e5m2": "float8_e5m2",
    "float8e5m2fnuz": "float8_e5m2fnuz",
    "float8e8m0": "float8_e8m0fnu",
    "float4e2m1": "float4_e2m1fn",
}


def numpy_type(element: str) -> Any:
    """The NumPy type of an element type ("float32", "bfloat16"); None for text and for what is no tensor.

    Raises AssayError A401 where it is one of ml_dtypes', which is not installed.
    """
    import numpy as np  # noqa: PLC0415

    if element == "string" or "(" in element:
        return None
    try:
        return np.dtype(_SPELLED.get(element, element))
    except TypeError:
        return dtype_of(_SPELLED.get(element, element))


def dtype_of(name: str) -> Any:
    """The NumPy type that ml_dtypes calls so. Called by the extension module. Raises AssayError A401 without it."""
    try:
        import ml_dtypes  # noqa: PLC0415  # only models with such types need it
    except ImportError as missing:
        raise AssayError(
            "A401", f"NumPy has no type {name}, and ml_dtypes is not installed", "", "pip install ml_dtypes"
        ) from missing
    import numpy as np  # noqa: PLC0415

    return np.dtype(getattr(ml_dtypes, name))
