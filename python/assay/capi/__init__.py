"""Where code written for ONNX Runtime looks for exceptions: `capi.onnxruntime_pybind11_state`."""

from __future__ import annotations

from assay.capi import onnxruntime_pybind11_state
from assay.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, NoSuchFile

__all__ = ["Fail", "InvalidArgument", "NoSuchFile", "onnxruntime_pybind11_state"]
