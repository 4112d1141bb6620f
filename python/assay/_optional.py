"""Packages that some functions need and most users do not have."""

from __future__ import annotations

import importlib
from typing import Any

from assay._errors import AssayError


def optional(module: str, install: str, where: str = "") -> Any:
    """The module. Raises AssayError A401 where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        raise AssayError("A401", f"{install} is not installed", where, f"pip install {install}") from missing
