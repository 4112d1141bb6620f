"""Programs that are not Assay's own engine: whatever turns inputs into outputs (docs/python-backends.md)."""

from assay.backends._coreml_mac import coreml
from assay.backends._function import Backend, callable
from assay.backends._openvino import openvino
from assay.backends._torch import torch

__all__ = ["Backend", "callable", "coreml", "openvino", "torch"]
