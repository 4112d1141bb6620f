"""Runs a model where it runs and writes its outputs with their provenance, for `recorded:FILE.npz`.

One file that needs NumPy and the runtime alone: copy it to the device.

    python record.py model.onnx --input in.npz --output out.npz
    python record.py model.mlpackage --input in.npz --output out.npz --compute-unit CPU_AND_NE --source model.onnx

What has outputs at hand calls `save`. The format is that of docs/recording.md.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple  # noqa: UP035  # Python 3.8

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

Arrays = Dict[str, "Array"]  # noqa: UP006
Options = List[Tuple[str, str]]  # noqa: UP006
Shape = Optional[List[Optional[int]]]  # noqa: UP006, UP045  # None for the rank or a size that the model leaves open

FORMAT = 1
MOST_ROWS = 1 << 20  # samples of an input whose hashes are written one by one
PROVENANCE, DTYPES = "__assay__", "__dtypes__"
# Types of ml_dtypes whose elements are fewer bits than the byte that each lies in.
NARROW = {"int4": 15, "uint4": 15, "float4e2m1": 15, "int2": 3, "uint2": 3}


class RecordError(Exception):
    """What went wrong and, on a second line, what to do. `code`: the exit code of the command."""

    def __init__(self, message: str, fix: str = "", code: int = 3) -> None:
        super().__init__(message + ("\n  fix: " + fix if fix else ""))
        self.code = code


# Hashes.


def type_name(array: Array) -> str:
    """ONNX's name of an element type in lower case: float32, bfloat16, string."""
    if array.dtype.kind in "US":
        return "string"
    if array.dtype.kind == "O" or (array.dtype.kind == "V" and array.dtype.name.startswith("void")):
        raise RecordError(f"arrays of the type {array.dtype} are no numbers", "give arrays of numbers or text")
    name = array.dtype.name.replace("float8_", "float8").replace("float4_", "float4")
    return {"float4e2m1fn": "float4e2m1", "float8e8m0fnu": "float8e8m0"}.get(name, name)


def _bytes_of(array: Array) -> Any:
    """The elements row by row, least significant byte first; text as UTF-8 with a zero byte after each element."""
    if array.dtype.kind in "US":
        texts = array.reshape(-1).tolist()
        return b"".join((text if isinstance(text, bytes) else text.encode("utf-8")) + b"\0" for text in texts)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(array.dtype.newbyteorder("<"))
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    narrow = NARROW.get(type_name(array))
    return flat & narrow if narrow else flat


def _rows_of(array: Array, count: int) -> Iterator[Any]:
    if array.dtype.kind in "US":
        yield from (_bytes_of(row) for row in array.reshape(count, array.size // count if count else 0))
        return
    data = memoryview(_bytes_of(array))
    each = len(data) // count if count else 0
    for i in range(count):
        yield data[i * each : (i + 1) * each]


def hash_array(array: Array, by_rows: bool) -> tuple[str, str]:
    """SHA-256 over type, shape and the SHA-256 of each row, and the first 8 bytes of each of those; hexadecimal."""
    whole = hashlib.sha256(f"{type_name(array)}[{','.join(map(str, array.shape))}]".encode())
    rows = []
    for row in _rows_of(array, len(array) if by_rows else 1):
        digest = hashlib.sha256(row).digest()
        whole.update(digest)
        rows.append(digest[:8].hex())
    return whole.hexdigest(), "".join(rows)


def _hash_file(path: str) -> Any:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 22), b""):
            digest.update(piece)
    return digest


def hash_path(path: str) -> str:
    """SHA-256 of a file, or of a folder: over the relative path, a zero byte and the SHA-256 of each file in it."""
    if not os.path.isdir(path):
        return str(_hash_file(path).hexdigest())
    files = {}
    for folder, _, names in os.walk(path):
        for name in names:
            full = os.path.join(folder, name)
            if not name.startswith(".") and os.path.isfile(full):
                files[os.fsencode(os.path.relpath(full, path).replace(os.sep, "/"))] = full
    digest = hashlib.sha256()
    for relative in sorted(files):
        digest.update(relative + b"\0" + _hash_file(files[relative]).digest())
    return digest.hexdigest()


# Files.


def _ml_dtype(name: str) -> Any:
    try:
        ml_dtypes = importlib.import_module("ml_dtypes")
    except ImportError as missing:
        raise RecordError(f"NumPy has no type {name}", "pip install ml_dtypes") from missing
    for candidate in vars(ml_dtypes).values():
        is_scalar = isinstance(candidate, type) and issubclass(candidate, np.generic)
        if is_scalar and type_name(np.zeros(0, candidate)) == name:
            return np.dtype(candidate)
    raise RecordError(f"ml_dtypes has no type {name}", "pip install --upgrade ml_dtypes")


def read_inputs(path: str, only_name: str = "input") -> Arrays:
    """The arrays of an .npz, or that of an .npy under the name given."""
    try:
        if path.endswith(".npy"):
            return {only_name: np.load(path, allow_pickle=False)}
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files if name != PROVENANCE}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise RecordError(f"{path} cannot be read: {error}", "give an .npz or .npy file") from error
    for line in arrays.pop(DTYPES, np.zeros(0, "U1")).tolist():
        name, _, kind = line.rpartition("=")
        arrays[name] = arrays[name].view(_ml_dtype(kind.lower()))
    return arrays


def _storable(arrays: Arrays) -> Arrays:
    """Types that NumPy lacks as unsigned integers, with a list of which they are."""
    out, names = {}, []
    for name, array in arrays.items():
        kind = type_name(array)
        if array.dtype.kind in "fiubcUS":
            out[name] = array
            continue
        bits = np.ascontiguousarray(array).view(np.dtype(f"u{array.dtype.itemsize}"))
        out[name] = np.bitwise_and(bits, NARROW[kind]) if kind in NARROW else bits
        names.append(f"{name}={kind.upper()}")
    if names:
        out[DTYPES] = np.array(names)
    return out


def _write_npz(path: str, arrays: Arrays) -> None:
    """Whole or not at all: under a temporary name, then renamed."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(os.path.abspath(path)), suffix=".npz")
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", allowZip64=True) as archive:
            for name, array in arrays.items():
                with archive.open(name + ".npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, allow_pickle=False)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


# Provenance.


def _processor() -> str:
    try:
        if sys.platform == "darwin":
            return subprocess.check_output(["sysctl", "-n", "machdep.cpu.brand_string"], text=True).strip()
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.lower().startswith(("model name", "hardware")):
                    return line.partition(":")[2].strip()
    except (OSError, subprocess.SubprocessError):
        pass
    return platform.processor()


def _host(node: bool) -> dict[str, str]:
    mac = platform.mac_ver()[0]
    host = {
        "system": f"macOS {mac}" if mac else f"{platform.system()} {platform.release()}",
        "machine": platform.machine(),
        "processor": _processor(),
    }
    if node:
        host["node"] = platform.node()
    return host


def _file(path: str | None) -> dict[str, str] | None:
    if path is None:
        return None
    if not os.path.exists(path):
        raise RecordError(f"{path} does not exist")
    return {"name": os.path.basename(os.path.normpath(path)), "sha256": hash_path(path)}


def _input(name: str, array: Array, samples: int, shared: bool) -> dict[str, Any]:
    by_rows = not shared and array.ndim > 0 and len(array) == samples
    sha256, rows = hash_array(array, by_rows)
    entry = {"name": name, "type": type_name(array), "shape": list(array.shape), "by_rows": by_rows, "sha256": sha256}
    if by_rows and len(array) <= MOST_ROWS:
        entry["rows"] = rows
    return entry


def save(
    path: str,
    outputs: Arrays,
    inputs: Arrays | None = None,
    model: str | None = None,
    source: str | None = None,
    runtime: str = "",
    version: str = "",
    options: Options | None = None,
    first_sample: int = 0,
    shared: Sequence[str] = (),
    node: bool = False,
) -> None:
    """Writes outputs that somebody computed, with where they come from, as `recorded:PATH` reads them.

    `outputs`: by the model's names, samples along the first axis. `inputs`: the arrays that the model was given, as the
    data has them, by its input names; those in `shared` went to every sample as a whole. `model`: the file that ran;
    `source`: what it was converted from. `runtime`, `version`, `options`: what ran it, and how. `first_sample`: where
    the inputs begin in a larger data set. `node`: write down the host's name too. Raises RecordError.
    """
    outputs = {name: np.asarray(array) for name, array in outputs.items()}
    for name, array in outputs.items():
        if name in (PROVENANCE, DTYPES):
            raise RecordError(f"no output can be called {name}")
        if array.ndim == 0 or len(array) != len(next(iter(outputs.values()))):
            raise RecordError(
                f"output '{name}' has the shape {list(array.shape)}: its first axis does not hold the samples",
                "give outputs whose first axis counts the same samples",
            )
    if not outputs:
        raise RecordError("there are no outputs")
    samples = len(next(iter(outputs.values())))
    provenance = {
        "assay_recording": FORMAT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "host": _host(node),
        "python": platform.python_version(),
        "runtime": {"name": runtime, "version": version, "options": [[k, str(v)] for k, v in options or []]},
        "model": _file(model),
        "converted_from": _file(source),
        "samples": samples,
        "first_sample": first_sample,
        "inputs": [_input(name, np.asarray(array), samples, name in shared) for name, array in (inputs or {}).items()],
    }
    text = json.dumps(provenance, ensure_ascii=False).encode("utf-8")
    try:
        _write_npz(path, {**_storable(outputs), PROVENANCE: np.frombuffer(text, np.uint8)})
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error}") from error


# Runtimes: each makes a function from arrays to arrays out of a file.


class Runner(NamedTuple):
    """A model that is loaded: what it takes, and how to run it on one batch."""

    version: str
    run: Callable[[Arrays], Arrays]
    inputs: dict[str, Shape] | None  # None: whatever is given
    options: Options


def _import(name: str, package: str = "") -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise RecordError(f"{name} is not installed here: {missing}", f"pip install {package or name}") from missing


def _pairs(texts: Sequence[str], flag: str) -> Options:
    pairs = []
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise RecordError(f"{flag} takes KEY=VALUE, not '{text}'", code=2)
        pairs.append((key, value))
    return pairs


def _arrays_only(outputs: dict[str, Any]) -> Arrays:
    """Labels' dictionaries and sequences are no arrays: they are left out."""
    return {name: np.asarray(value) for name, value in outputs.items() if not isinstance(value, (dict, list))}


def _session_options(ort: Any, options: Options) -> Any:
    session_options = ort.SessionOptions()
    for key, value in options:
        old = getattr(session_options, key, None)
        if old is None or callable(old):
            session_options.add_session_config_entry(key, value)
        elif isinstance(old, str):
            setattr(session_options, key, value)
        elif isinstance(old, (bool, int)):
            if not value.lstrip("-").isdigit():
                raise RecordError(f"{key} is a number, not '{value}'", code=2)
            setattr(session_options, key, type(old)(int(value)))
        else:  # an enumeration
            members = type(old).__members__
            if value not in members:
                raise RecordError(f"{key} cannot be {value}", "it takes " + ", ".join(members), 2)
            setattr(session_options, key, members[value])
    return session_options


def _onnxruntime(model: str, args: argparse.Namespace) -> Runner:
    ort = _import("onnxruntime")
    names, provider_options, said = [], [], []
    for text in args.provider or ["CPUExecutionProvider"]:
        name, _, rest = text.partition(":")
        options = _pairs([part for part in rest.split(",") if part], "--provider")
        if name not in ort.get_available_providers():
            known = ", ".join(ort.get_available_providers())
            raise RecordError(f"{name} is not in this onnxruntime", "it has " + known, 2)
        names.append(name)
        provider_options.append(dict(options))
        said += [("provider", name)] + [(f"{name}.{key}", value) for key, value in options]
    of_session = _pairs(args.session_option, "--session-option")
    session = ort.InferenceSession(model, _session_options(ort, of_session), names, provider_options)
    if names[0] not in session.get_providers():  # it falls back without an error
        raise RecordError(f"{names[0]} could not be used: the session has {', '.join(session.get_providers())}")
    outputs = [port.name for port in session.get_outputs()]

    def run(inputs: Arrays) -> Arrays:
        return _arrays_only(dict(zip(outputs, session.run(outputs, inputs))))  # noqa: B905  # Python 3.8

    shapes: dict[str, Shape] = {}
    for port in session.get_inputs():
        shapes[port.name] = [size if isinstance(size, int) else None for size in port.shape]
    return Runner(ort.__version__, run, shapes, said + [(f"session.{key}", value) for key, value in of_session])


def _core_ml_shape(feature: Any) -> Shape:
    if feature.type.WhichOneof("Type") != "multiArrayType":
        raise RecordError(f"input '{feature.name}' is no array", "convert the model with arrays as inputs, or use save")
    array = feature.type.multiArrayType
    shape: list[int | None] = [None] * len(array.shape)
    return list(array.shape) if array.WhichOneof("ShapeFlexibility") is None else shape


def _coremltools(model: str, args: argparse.Namespace) -> Runner:
    if sys.platform != "darwin":
        raise RecordError("Core ML runs on macOS alone", "copy this file and the model to a Mac and record there")
    ct = _import("coremltools")
    unit = args.compute_unit or "ALL"
    if not hasattr(ct.ComputeUnit, unit):
        known = ", ".join(member.name for member in ct.ComputeUnit)
        raise RecordError(f"there is no compute unit {unit}", "there are " + known, 2)
    loaded = ct.models.MLModel(model, compute_units=getattr(ct.ComputeUnit, unit))
    description = loaded.get_spec().description

    def run(inputs: Arrays) -> Arrays:
        return _arrays_only(loaded.predict(inputs))

    shapes = {feature.name: _core_ml_shape(feature) for feature in description.input}
    return Runner(ct.__version__, run, shapes, [("compute_units", unit)])


def _openvino(model: str, args: argparse.Namespace) -> Runner:
    ov = _import("openvino")
    options = _pairs(args.option, "--option")
    compiled = ov.Core().compile_model(model, args.device or "CPU", dict(options))
    names = [port.any_name for port in compiled.outputs]

    def run(inputs: Arrays) -> Arrays:
        results = compiled(inputs)
        return {name: np.array(results[i]) for i, name in enumerate(names)}

    shapes: dict[str, Shape] = {}
    for port in compiled.inputs:
        shape = port.partial_shape
        sizes = [d.get_length() if d.is_static else None for d in shape] if shape.rank.is_static else None
        shapes[port.any_name] = sizes
    said = [("device", args.device or "CPU"), *options]
    if "INFERENCE_PRECISION_HINT" not in dict(options):  # chosen by what the processor has
        said.append(("INFERENCE_PRECISION_HINT", _precision(compiled)))
    return Runner(ov.__version__, run, shapes, said)


def _precision(compiled: Any) -> str:
    try:
        return str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string())
    except (AttributeError, RuntimeError):
        return "unknown"


def _named(outputs: Any, names: Sequence[str], to_array: Callable[[Any], Array]) -> Arrays:
    """What a function returned by name: its own, those given, or `output`, `output_1`."""
    if isinstance(outputs, dict):
        return {name: to_array(value) for name, value in outputs.items()}
    values = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    default = ["output"] + [f"output_{i}" for i in range(1, len(values))]
    if names and len(names) != len(values):
        raise RecordError(f"--output-names has {len(names)} names, the model {len(values)} outputs", code=2)
    return {name: to_array(value) for name, value in zip(names or default, values)}  # noqa: B905  # Python 3.8


def _load_function(spec: str) -> Any:
    path, _, name = spec.rpartition(":")
    if not path or not os.path.isfile(path):
        raise RecordError(f"'{spec}' names no function", "write module.py:function", 2)
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    found = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    if found is None or found.loader is None:
        raise RecordError(f"{path} is no Python file", "write module.py:function", 2)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    if not hasattr(module, name):
        raise RecordError(f"{path} has no function '{name}'", code=2)
    return getattr(module, name)


def _function(model: str, args: argparse.Namespace) -> Runner:
    function = _load_function(model)

    def run(inputs: Arrays) -> Arrays:
        return _named(function(inputs), args.output_names, np.asarray)

    return Runner("", run, None, _pairs(args.option, "--option"))


def _set_torch_option(torch: Any, key: str, value: str) -> None:
    *path, last = key.split(".")
    place = torch
    for name in path:
        place = getattr(place, name, None)
    if place is None or not hasattr(place, last):
        raise RecordError(f"torch has no setting {key}", "write for example backends.cuda.matmul.allow_tf32=1", 2)
    setattr(place, last, type(getattr(place, last))(int(value)))


def _torch(model: str, args: argparse.Namespace) -> Runner:
    torch = _import("torch")
    device = args.device or "cpu"
    options = _pairs(args.option, "--option")
    for key, value in options:
        _set_torch_option(torch, key, value)
    script = not model.rpartition(":")[0].endswith(".py")
    module = torch.jit.load(model, map_location=device).eval() if script else _load_function(model)

    def to_array(tensor: Any) -> Array:
        host = tensor.detach().cpu()
        array: Array = (host.float() if host.dtype == torch.bfloat16 else host).numpy()  # exact: NumPy has no bfloat16
        return array

    def run(inputs: Arrays) -> Arrays:
        tensors = [torch.from_numpy(np.array(array)).to(device) for array in inputs.values()]
        with torch.no_grad():
            return _named(module(*tensors), args.output_names, to_array)

    return Runner(torch.__version__, run, None, [("device", device), *options])


class Runtime(NamedTuple):
    load: Callable[[str, argparse.Namespace], Runner]
    endings: tuple[str, ...]  # of the files that it is the usual one for
    flags: tuple[str, ...]  # that it takes


RUNTIMES = {
    "onnxruntime": Runtime(_onnxruntime, (".onnx", ".ort"), ("provider", "session_option")),
    "coremltools": Runtime(_coremltools, (".mlmodel", ".mlpackage"), ("compute_unit",)),
    "torch": Runtime(_torch, (".pt", ".pth"), ("device", "option", "output_names")),
    "openvino": Runtime(_openvino, (".xml",), ("device", "option")),
    "function": Runtime(_function, (), ("option", "output_names")),
}


# Running over samples.


class Plan(NamedTuple):
    """How arrays are cut: those that every batch gets as they are, and the samples of the others."""

    shared: set[str]
    samples: int
    batch: int
    axis: bool  # False: the model's inputs have no axis for samples


def _is_whole(array: Array, shape: Shape, others_open: bool) -> bool:
    fixed = shape is not None and None not in shape
    return array.ndim == 0 or (fixed and others_open and list(array.shape) == shape)


def plan_of(arrays: Arrays, shapes: dict[str, Shape], batch: int | None, shared: Sequence[str]) -> Plan:
    """`shapes`: as the model declares them. Raises RecordError where the arrays do not say which sample is which."""
    is_open = any(shape is None or (shape and shape[0] is None) for shape in shapes.values())
    whole = {name for name in arrays if name in shared or _is_whole(arrays[name], shapes.get(name), is_open)}
    cut = {name: array for name, array in arrays.items() if name not in whole}
    if not cut:
        raise RecordError("no input has an axis that holds samples", "give arrays whose first axis counts samples")
    sizes = {name: len(array) for name, array in cut.items()}
    if len(set(sizes.values())) != 1:
        raise RecordError(f"the inputs have different numbers of samples: {sizes}", "name what is none with --shared")
    axis = fixed = None
    for name, array in cut.items():
        shape = shapes.get(name)
        if shape is None:
            continue
        extra = array.ndim - len(shape)
        if extra not in (0, 1) or (axis is not None and axis != (extra == 0)):
            raise RecordError(f"input '{name}' has {array.ndim} axes, the model declares {len(shape)}")
        axis = extra == 0
        if axis and shape[0] is not None:
            fixed = shape[0]
    samples = next(iter(sizes.values()))
    if fixed is not None and batch not in (None, fixed):
        raise RecordError(f"the model takes batches of {fixed}, not of {batch}", code=2)
    size = 1 if axis is False else fixed or batch or 1
    if samples == 0 or (fixed is not None and samples % fixed):
        raise RecordError(f"{samples} samples make no batches of {size}", "give a multiple of it")
    return Plan(whole, samples, size, axis is not False)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\rrecording: {done} of {total} samples" + ("\n" if done == total else ""))


def run_all(run: Callable[[Arrays], Arrays], arrays: Arrays, plan: Plan) -> Arrays:
    """Runs over all samples. Returns the outputs put together along the first axis."""
    parts: dict[str, list[Array]] = {}
    for first in range(0, plan.samples, plan.batch):
        count = min(plan.batch, plan.samples - first)
        place = slice(first, first + count) if plan.axis else first
        fed = {name: array if name in plan.shared else array[place] for name, array in arrays.items()}
        for name, output in run(fed).items():
            one = not plan.axis or (count == 1 and output.shape[:1] != (1,))
            if not one and output.shape[:1] != (count,):
                raise RecordError(
                    f"output '{name}' has the shape {list(output.shape)} for {count} samples", "give --batch 1"
                )
            parts.setdefault(name, []).append(output[np.newaxis] if one else output)
        _progress(first + count, plan.samples)
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


# The command.


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="assay-record",
        description="Runs a model over inputs and writes its outputs with their provenance, for recorded:FILE.npz.",
        epilog="example:\n  assay-record model.onnx --input in.npz --output out.npz\n"
        "  assay audit model.onnx --data in.npz --decision argmax --candidate recorded:out.npz",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="a model file, or module.py:function")
    add("--input", required=True, metavar="FILE", help=".npz by input names, or .npy; the first axis counts samples")
    add("--output", required=True, metavar="FILE", help="the .npz to write")
    add("--runtime", choices=sorted(RUNTIMES), help="what runs it; by default that of the file's ending")
    add("--source", metavar="FILE", help="the model that MODEL was converted from")
    add("--provider", action="append", metavar="NAME[:K=V,...]", help="onnxruntime: an execution provider; repeated")
    add("--session-option", action="append", default=[], metavar="K=V", help="onnxruntime: of the session; repeated")
    add("--compute-unit", metavar="UNIT", help="coremltools: ALL, CPU_ONLY, CPU_AND_GPU or CPU_AND_NE")
    add("--device", help="torch (cpu, cuda, mps) and openvino (CPU, GPU)")
    add("--option", action="append", default=[], metavar="K=V", help="of the runtime, in its own words; repeated")
    add("--output-names", type=lambda text: text.split(","), default=[], metavar="A,B", help="of a function's outputs")
    add("--batch", type=int, metavar="N", help="samples that go together where the model leaves it open (default 1)")
    add("--shared", action="append", default=[], metavar="NAME", help="an input that every sample gets as a whole")
    add("--first-sample", type=int, default=0, metavar="K", help="number of the first sample in the whole data set")
    add("--node", action="store_true", help="write down the host's name too")
    return parser


def _runtime_name(args: argparse.Namespace) -> str:
    if args.runtime:
        return str(args.runtime)
    if args.model.rpartition(":")[0].endswith(".py"):
        return "function"
    for name, runtime in RUNTIMES.items():
        if args.model.rstrip("/").endswith(runtime.endings):
            return name
    raise RecordError(f"'{args.model}' does not say what runs it", "give --runtime", 2)


def _check_flags(args: argparse.Namespace, name: str) -> None:
    taken = {flag for runtime in RUNTIMES.values() for flag in runtime.flags}
    for flag in sorted(taken - set(RUNTIMES[name].flags)):
        if getattr(args, flag):
            raise RecordError(f"{name} takes no --{flag.replace('_', '-')}", code=2)
    if args.first_sample < 0 or (args.batch is not None and args.batch < 1):
        raise RecordError("--first-sample counts from 0, --batch from 1", code=2)


@contextlib.contextmanager
def _failures_of(runtime: str) -> Iterator[None]:
    try:
        yield
    except RecordError:
        raise
    except Exception as error:  # whatever a runtime raises
        raise RecordError(f"{runtime} failed: {type(error).__name__}: {error}") from error


def _record(args: argparse.Namespace) -> None:
    name = _runtime_name(args)
    _check_flags(args, name)
    model = args.model.rpartition(":")[0] if args.model.rpartition(":")[0].endswith(".py") else args.model
    if not os.path.exists(model):
        raise RecordError(f"{model} does not exist")
    with _failures_of(name):
        runner = RUNTIMES[name].load(args.model, args)
    only = next(iter(runner.inputs)) if runner.inputs and len(runner.inputs) == 1 else "input"
    given = read_inputs(args.input, only)
    arrays = {key: array for key, array in given.items() if runner.inputs is None or key in runner.inputs}
    unused = sorted(set(given) - set(arrays))
    if not arrays:
        wanted = ", ".join(runner.inputs or {})
        raise RecordError(f"{args.input} has {', '.join(unused) or 'no arrays'}; the model takes {wanted}")
    if unused:
        print(f"note: no input is called {', '.join(unused)}", file=sys.stderr)
    plan = plan_of(arrays, runner.inputs or {}, args.batch, args.shared)
    with _failures_of(name):
        outputs = run_all(runner.run, arrays, plan)
    options = [*runner.options, ("batch", str(plan.batch))]
    save(args.output, outputs, arrays, model, args.source, name, runner.version, options, args.first_sample,
         sorted(plan.shared), args.node)  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """The command. Returns its exit code: 2 for wrong words, 3 for files and runtimes that fail."""
    args = _parser().parse_args(words)
    try:
        _record(args)
    except RecordError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
