"""Element types that NumPy lacks: those of ml_dtypes, where it is installed."""

from __future__ import annotations

from typing import Any

from assay._errors import AssayError


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
