"""PyTorch modules as programs: they are called as they are, and nothing is exported."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from assay._dtypes import dtype_of
from assay._errors import AssayError
from assay.backends._function import Backend, Function, is_floating, is_function, runtime

# PyTorch's names of types that NumPy lacks are those of ml_dtypes.
_BITS = {
    "bfloat16": "int16",
    "float8_e4m3fn": "uint8",
    "float8_e4m3fnuz": "uint8",
    "float8_e5m2": "uint8",
    "float8_e5m2fnuz": "uint8",
}


def torch(
    module: Any,
    *,
    device: Any = None,
    dtype: Any = None,
    inputs: Sequence[str] | Mapping[str, str] | None = None,
    outputs: Sequence[str] | None = None,
    batch: int | None = None,
    name: str | None = None,
) -> Backend:
    """An `nn.Module`, a ScriptModule or a function of tensors as a program, called under `no_grad` and in `eval` mode.

    device: "cpu", "cuda:0", "mps" or a torch.device; None: where the module's first parameter lies.
    dtype: "bfloat16", "float16", ... or a torch.dtype for weights and floating-point inputs; None: as they are. With
    `device` or `dtype` a copy of the module is called; the caller's own stays as it is.
    inputs: the order of the inputs as positional arguments, or keyword arguments by input name; None: all inputs by
    position, in the model's order.
    outputs: names for the outputs in their order; None: dict keys, or the model's order.
    batch: at most so many samples a call; None: as many as there are at a time.
    On the CPU tensors share memory with arrays that may be written to; the data of an audit is copied.
    Outputs (a tensor, or tuples, lists and dicts of them) become
    arrays of the same type; bfloat16 and float8 are those of ml_dtypes, and without it float32 of the same values.
    Raises AssayError A401 where PyTorch is not installed.
    """
    if not is_function(module):
        raise TypeError(f"a module or a function of tensors can be called, not {type(module).__name__}")
    kind = str(getattr(module, "__name__", type(module).__name__)).lower()
    title = name or "-".join(["torch", kind, *([] if dtype is None else [str(dtype).removeprefix("torch.")])])
    return Function(_Torch(module, device, dtype, inputs), title, outputs, batch, None)


class _Torch:
    def __init__(self, module: Any, device: Any, dtype: Any, order: Sequence[str] | Mapping[str, str] | None) -> None:
        self._torch = runtime("torch", "assay.backends.torch")
        self._dtype = getattr(self._torch, dtype) if isinstance(dtype, str) else dtype
        self._is_module = isinstance(module, self._torch.nn.Module)
        if self._is_module and (device is not None or dtype is not None):
            with self._torch.no_grad():
                module = copy.deepcopy(module).to(device=device, dtype=self._dtype)
        if device is None and self._is_module:
            device = next((parameter.device for parameter in module.parameters()), None)
        self._module, self._device, self._order = module, device, order

    def __call__(self, inputs: dict[str, Any]) -> Any:
        tensors = {name: self._tensor(array) for name, array in inputs.items()}
        with self._torch.no_grad(), self._evaluating():
            if self._order is None:
                returned = self._module(*tensors.values())
            elif isinstance(self._order, Mapping):
                returned = self._module(**{self._order[name]: tensors[name] for name in self._order})
            else:
                returned = self._module(*(tensors[name] for name in self._order))
        return self._arrays(returned)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """All of the module in `eval` mode, for as long as the call takes."""
        training = [part for part in self._module.modules() if part.training] if self._is_module else []
        for part in training:
            part.training = False
        try:
            yield
        finally:
            for part in training:
                part.training = True

    def _tensor(self, array: Any) -> Any:
        bits = _BITS.get(array.dtype.name)
        shared = np.ascontiguousarray(array).reshape(array.shape)
        if not shared.flags.writeable:  # data of all programs, and PyTorch knows no tensors that are only read
            shared = shared.copy()
        if bits is None:
            tensor = self._torch.from_numpy(shared)
        else:
            tensor = self._torch.from_numpy(shared.view(bits)).view(getattr(self._torch, array.dtype.name))
        dtype = self._dtype if is_floating(array) else None
        return tensor.to(device=self._device, dtype=dtype)

    def _arrays(self, returned: Any) -> Any:
        if isinstance(returned, self._torch.Tensor):
            return [self._array(returned)]
        if isinstance(returned, Mapping):
            return {str(name): self._array(tensor) for name, tensor in returned.items()}
        return [self._array(tensor) for tensor in returned]

    def _array(self, tensor: Any) -> Any:
        tensor = tensor.detach().cpu().contiguous()
        name = str(tensor.dtype).removeprefix("torch.")
        if name not in _BITS:
            return tensor.numpy()
        try:
            dtype = dtype_of(name)
        except AssayError:
            return tensor.to(self._torch.float32).numpy()
        return tensor.view(getattr(self._torch, _BITS[name])).numpy().view(dtype)
