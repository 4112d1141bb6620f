"""Values and bindings of sessions, shaped like ONNX Runtime's. All memory is the CPU's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from assay._dtypes import dtype_of
from assay.capi.onnxruntime_pybind11_state import InvalidArgument

if TYPE_CHECKING:
    from assay._ort_options import RunOptions

# NumPy's (ml_dtypes') name, ONNX's name of the tensor, TensorProto.DataType.
_TYPES = [
    ("float32", "float", 1),
    ("uint8", "uint8", 2),
    ("int8", "int8", 3),
    ("uint16", "uint16", 4),
    ("int16", "int16", 5),
    ("int32", "int32", 6),
    ("int64", "int64", 7),
    ("string", "string", 8),
    ("bool", "bool", 9),
    ("float16", "float16", 10),
    ("float64", "double", 11),
    ("uint32", "uint32", 12),
    ("uint64", "uint64", 13),
    ("complex64", "complex64", 14),
    ("complex128", "complex128", 15),
    ("bfloat16", "bfloat16", 16),
    ("float8_e4m3fn", "float8e4m3fn", 17),
    ("float8_e4m3fnuz", "float8e4m3fnuz", 18),
    ("float8_e5m2", "float8e5m2", 19),
    ("float8_e5m2fnuz", "float8e5m2fnuz", 20),
    ("uint4", "uint4", 21),
    ("int4", "int4", 22),
]
_BY_NUMPY = {numpy: (onnx, number) for numpy, onnx, number in _TYPES}
_BY_NUMBER = {number: numpy for numpy, _, number in _TYPES}
_BY_ASSAY = {"float32": "float", "float64": "double"}


def tensor_type(element: str) -> str:
    """ "tensor(float)" for "float32", "seq(tensor(float))" for "seq(float32[2])"."""
    if "(" in element:
        outer, inner = element.removesuffix(")").split("(", 1)
        key, comma, value = inner.partition(",") if outer == "map" else ("", "", inner)
        return f"{outer}({key}{comma}{tensor_type(value)})"
    name = element.split("[", 1)[0]
    return f"tensor({_BY_ASSAY.get(name, name)})"


def _numpy_name(array: np.ndarray[Any, Any]) -> str:
    return "string" if array.dtype.kind in "OUST" else array.dtype.name


def _dtype(element_type: Any) -> Any:
    """NumPy's type of an element type: NumPy's own, or ONNX's number."""
    if not isinstance(element_type, int):
        return np.dtype(element_type)
    name = _BY_NUMBER.get(element_type)
    if name is None or name == "string":
        raise InvalidArgument("A303", f"element type {element_type} is none that memory is made for", "", "")
    try:
        return np.dtype(name)
    except TypeError:
        return dtype_of(name)


def _check_device(device_type: str) -> None:
    if device_type.lower() != "cpu":
        raise InvalidArgument("A401", f"there is no memory of '{device_type}'", "", "values lie in the CPU's memory")


class OrtValue:
    """A tensor in the CPU's memory."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = array

    @staticmethod
    def ortvalue_from_numpy(
        numpy_obj: np.ndarray[Any, Any], /, device_type: str = "cpu", device_id: int = 0, vendor_id: int = -1
    ) -> OrtValue:
        """A view of an array."""
        _check_device(device_type)
        return OrtValue(np.asarray(numpy_obj))

    @staticmethod
    def ortvalue_from_numpy_with_onnx_type(data: np.ndarray[Any, Any], /, onnx_element_type: int) -> OrtValue:
        """A view of an array's bits as another type of the same width: uint16 as bfloat16."""
        return OrtValue(data.view(_dtype(onnx_element_type)))

    @staticmethod
    def ortvalue_from_shape_and_type(
        shape: Sequence[int],
        element_type: Any,
        device_type: str = "cpu",
        device_id: int = 0,
        vendor_id: int = -1,
        memory_info: Any = None,
    ) -> OrtValue:
        """Memory for a tensor."""
        _check_device(device_type)
        return OrtValue(np.zeros(tuple(shape), _dtype(element_type)))

    @staticmethod
    def from_dlpack(data: Any, /) -> OrtValue:
        """A view of what exports DLPack."""
        return OrtValue(np.from_dlpack(data))

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array, sharing memory."""
        return self._array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.asarray(self._array, dtype=dtype)

    def __dlpack__(self, *, stream: Any = None) -> Any:
        return self._array.__dlpack__()

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    def shape(self) -> Sequence[int]:
        """Sizes."""
        return list(self._array.shape)

    def data_type(self) -> str:
        """As "tensor(float)"."""
        return f"tensor({_BY_NUMPY[_numpy_name(self._array)][0]})"

    def element_type(self) -> int:
        """ONNX's TensorProto.DataType."""
        return _BY_NUMPY[_numpy_name(self._array)][1]

    def device_name(self) -> str:
        """Always "cpu"."""
        return "cpu"

    def data_ptr(self) -> int:
        """The address of the first element."""
        return int(self._array.ctypes.data)

    def tensor_size_in_bytes(self) -> int:
        """Bytes of all elements."""
        return int(self._array.nbytes)

    def has_value(self) -> bool:
        """Always True."""
        return True

    def is_tensor(self) -> bool:
        """Always True."""
        return True

    def is_sparse_tensor(self) -> bool:
        """Always False."""
        return False

    def is_tensor_sequence(self) -> bool:
        """Always False."""
        return False

    def update_inplace(self, data: Any) -> None:
        """Copies another array of the same type and shape into this one."""
        array = np.asarray(data)
        if array.shape != self._array.shape or array.dtype != self._array.dtype:
            raise InvalidArgument("A302", f"{array.dtype}{list(array.shape)} is no {self.data_type()}{self.shape()}")
        self._array[...] = array


class _Runs(Protocol):
    """A session, as a binding needs it."""

    def run(
        self, output_names: Sequence[str] | None, input_feed: Mapping[str, Any], run_options: RunOptions | None = None
    ) -> list[np.ndarray[Any, Any]]: ...


class IOBinding:
    """Inputs and outputs that are given once for several runs."""

    def __init__(self, session: _Runs) -> None:
        self._session = session
        self._inputs: dict[str, OrtValue] = {}
        self._outputs: dict[str, OrtValue | None] = {}
        self._results: list[OrtValue] = []

    def bind_cpu_input(self, name: str, arr_on_cpu: np.ndarray[Any, Any]) -> None:
        """An array as an input."""
        self._inputs[name] = OrtValue(arr_on_cpu)

    def bind_ortvalue_input(self, name: str, ortvalue: OrtValue) -> None:
        """A value as an input."""
        self._inputs[name] = ortvalue

    def bind_output(
        self,
        name: str,
        device_type: str = "cpu",
        device_id: int = 0,
        element_type: Any = None,
        shape: Sequence[int] | None = None,
        buffer_ptr: int | None = None,
    ) -> None:
        """Asks for an output, in memory of its own."""
        _check_device(device_type)
        if buffer_ptr is not None:
            raise InvalidArgument("A401", "outputs are not written to addresses", name, "give bind_ortvalue_output")
        self._outputs[name] = None

    def bind_ortvalue_output(self, name: str, ortvalue: OrtValue) -> None:
        """Asks for an output, copied into this value."""
        self._outputs[name] = ortvalue

    def clear_binding_inputs(self) -> None:
        """Forgets the inputs."""
        self._inputs.clear()

    def clear_binding_outputs(self) -> None:
        """Forgets the outputs."""
        self._outputs.clear()

    def synchronize_inputs(self) -> None:
        """Nothing to wait for."""

    def synchronize_outputs(self) -> None:
        """Nothing to wait for."""

    def get_outputs(self) -> list[OrtValue]:
        """Of the last run, in the order in which they were asked for."""
        return list(self._results)

    def copy_outputs_to_cpu(self) -> list[np.ndarray[Any, Any]]:
        """The same as arrays."""
        return [value.numpy() for value in self._results]

    def _run(self, run_options: RunOptions | None) -> None:
        arrays = self._session.run(
            list(self._outputs) or None, {name: value.numpy() for name, value in self._inputs.items()}, run_options
        )
        self._results = [OrtValue(array) for array in arrays]
        for i, bound in enumerate(self._outputs.values()):
            if bound is not None:
                bound.update_inplace(arrays[i])
                self._results[i] = bound
