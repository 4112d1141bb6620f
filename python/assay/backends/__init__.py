"""Programs that are not Assay's own engine: whatever turns inputs into outputs (docs/python-backends.md)."""

from assay.backends._function import Backend, callable

__all__ = ["Backend", "callable"]
