"""Runs cases of many operators as one model under a mode, and says where results are not what the steps allow."""
import subprocess
from dataclasses import dataclass

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, helper

from exact.numbers import Arithmetic, Number, of
from exact.table import Typed

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
TYPES = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}
NUMPY = {"float16": np.dtype(np.float16), "bfloat16": BFLOAT16}

# bfloat16 throughout is no built-in profile: the same statements as of float16.
BF16_THROUGHOUT = """
name = "bf16-throughout"
doc = "bfloat16 storage, and every step inside a node rounded to bfloat16."
storage = "bfloat16 nearest-even"
[[statement]]
set.accumulator = { kind = "chain", fused = true, step = "bfloat16 nearest-even" }
set.step = "bfloat16 nearest-even"
set.result = "bfloat16 nearest-even"
set.elementary = "correctly-rounded"
evidence.source = "docs/semantics.md section 2"
evidence.certainty = "definition"
"""


@dataclass(frozen=True)
class Mode:
    """A profile on a float32 model, or a model that is declared in the type."""

    name: str
    storage: str
    throughout: bool = False
    declared: bool = False

    def arithmetic(self):
        return Arithmetic(self.storage if self.throughout else "float32", self.storage, self.throughout,
                          self.declared)

    def words(self, folder):
        if self.declared:
            return []
        if self.name != "bf16-throughout":
            return ["--profile", self.name]
        path = folder / "bf16-throughout.toml"
        path.write_text(BF16_THROUGHOUT)
        return ["--profile-file", str(path), "--profile", self.name]


MODES = {m.name: m for m in [
    Mode("f16-storage", "float16"), Mode("bf16-storage", "bfloat16"), Mode("f16-throughout", "float16", True),
    Mode("bf16-throughout", "bfloat16", True), Mode("float16", "float16", declared=True),
    Mode("bfloat16", "bfloat16", declared=True),
    Mode("strict-f32", "float32")]}  # the reference, whose steps all others round


def applies(row, mode):
    if row.throughout and not mode.throughout:
        return False
    return not mode.declared or (row.declared and (row.bfloat16 or mode.storage != "bfloat16"))


def is_float(array):
    return array is not None and array.dtype == np.float32


def as_given(mode, value):
    """An input as the model takes it."""
    if isinstance(value, Typed):
        return value.array
    with np.errstate(over="ignore"):
        return value.astype(NUMPY[mode.storage]) if mode.declared and is_float(value) else value


def model_of(mode, cases):
    """One node for each (row, Given); they must share an operator set."""
    nodes, inputs, outputs, feeds = [], [], [], {}
    for c, (row, given) in enumerate(cases):
        names = []
        for i, value in enumerate(given.inputs):
            names.append("" if value is None else f"i{c}_{i}")
            if value is not None:
                array = as_given(mode, value)
                kind = TYPES["bfloat16"] if array.dtype == BFLOAT16 else helper.np_dtype_to_tensor_dtype(array.dtype)
                inputs.append(helper.make_tensor_value_info(names[-1], kind, array.shape))
                feeds[names[-1]] = array
        results = [f"o{c}_{k}" for k in range(given.outputs)]
        nodes.append(helper.make_node(row.kind, names, results, domain=row.domain, **given.attributes))
        outputs += [onnx.ValueInfoProto(name=r) for r in results]
    imports = [helper.make_opsetid("", cases[0][0].opset), helper.make_opsetid("com.microsoft", 1),
               helper.make_opsetid("ai.onnx.ml", 5 if any(r.kind == "TreeEnsemble" for r, _ in cases) else 3),
               helper.make_opsetid("ai.onnx.preview", 1), helper.make_opsetid("ai.onnx.preview.training", 1)]
    graph = helper.make_graph(nodes, "cases", inputs, outputs)
    return helper.make_model(graph, opset_imports=imports, ir_version=11), feeds


def execute(assay_path, mode, path, feeds, folder):
    """The outputs of a file by name; bfloat16 as ml_dtypes has it."""
    brains = [f"{n}=BFLOAT16" for n, a in feeds.items() if a.dtype == BFLOAT16]
    arrays = {n: a.view(np.uint16) if a.dtype == BFLOAT16 else a for n, a in feeds.items()}
    np.savez(folder / "in.npz", **arrays, **({"__dtypes__": np.array(brains)} if brains else {}))
    words = [assay_path, "run", path, "--input", folder / "in.npz", "--output", folder / "out.npz", "--threads", "1",
             *mode.words(folder)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr[:600]}")
    with np.load(folder / "out.npz") as loaded:
        out = dict(loaded)
    for line in out.pop("__dtypes__", ()):
        name, kind = line.split("=")
        if kind == "BFLOAT16":
            out[name] = out[name].view(BFLOAT16)
    return out


def run(assay_path, mode, cases, folder):
    """Outputs of each case as arrays."""
    model, feeds = model_of(mode, cases)
    onnx.save(model, folder / "cases.onnx")
    out = execute(assay_path, mode, folder / "cases.onnx", feeds, folder)
    return [[out[f"o{c}_{k}"] for k in range(given.outputs)] for c, (_, given) in enumerate(cases)]


def expected(mode, row, given, exempt):
    """What the steps make of the inputs as they are stored."""
    m = mode.arithmetic()
    inputs = []
    for i, value in enumerate(given.inputs):
        array = value.array if isinstance(value, Typed) else value
        if not is_float(array):
            inputs.append(array)
        elif isinstance(value, Typed) or (i in exempt and not mode.declared):
            inputs.append(m.number(array))
        else:
            inputs.append(m.stored(array))
    results = row.steps(m, *inputs, **given.attributes)
    results = results if isinstance(results, list) else [results]
    return [m.stored(r) if isinstance(r, Number) and r.m is m else r for r in results]


CANONICAL = {"float16": 0x7e00, "bfloat16": 0x7fc0, "float32": 0x7fc00000}


def stray_nans(result):
    """Mask of the NaNs that are not the canonical one."""
    bits = np.frombuffer(result.tobytes(), f"u{result.dtype.itemsize}").reshape(result.shape)
    return np.isnan(of(result)) & (bits != CANONICAL[result.dtype.name])


def wrong(result, bounds):
    """Mask of elements that do not lie within the bounds; None when shapes differ."""
    if result.shape != bounds.shape:
        return None
    if not isinstance(bounds, Number):
        return result != bounds
    y = of(result)
    with np.errstate(invalid="ignore"):
        inside = (bounds.lo <= y) & (y <= bounds.hi) | np.isnan(y) & (np.isnan(bounds.lo) | np.isnan(bounds.hi))
        sign = (y == 0) & (bounds.lo == 0) & (bounds.hi == 0) & (np.signbit(bounds.lo) == np.signbit(bounds.hi))
        outside = ~inside | (sign & (np.signbit(y) != np.signbit(bounds.lo)))
    return outside | stray_nans(result) if result.dtype.name in CANONICAL else outside


def differences(mode, row, given, results, exempt):
    """One line for each output that is not what the steps allow."""
    for k, (result, bounds) in enumerate(zip(results, expected(mode, row, given, exempt), strict=True)):
        mask = wrong(result, bounds)
        if mask is None:
            yield f"{row.name} output {k} has shape {result.shape}, not {bounds.shape}"
        elif np.any(mask):
            at = tuple(int(i) for i in np.argwhere(mask)[0])
            said = f"[{bounds.lo[at]!r}, {bounds.hi[at]!r}]" if isinstance(bounds, Number) else repr(bounds[at])
            shapes = [_shape(v) for v in given.inputs]
            yield (f"{row.name} {given.attributes} of {shapes}: output {k}, {int(mask.sum())} of {mask.size} elements; "
                   f"first at {list(at)}: {result[at]!r}, not {said}; inputs there "
                   f"{_there(mode, given, result.shape, at)}")


def _shape(value):
    array = value.array if isinstance(value, Typed) else value
    return None if array is None else list(array.shape)


def _there(mode, given, shape, at):
    """The inputs' elements at the place of an element-wise result, for messages."""
    found = []
    for value in given.inputs:
        try:
            found.append(repr(np.broadcast_to(as_given(mode, value), shape)[at]))
        except (ValueError, TypeError):
            found.append("...")
    return ", ".join(found)
