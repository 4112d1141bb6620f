"""Many nodes in one model, run once by Assay and once by ONNX Runtime, and compared output by output."""
import itertools
import operator
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from differential.tolerances import TOLERANCES, family_of

onnxruntime.set_default_logger_severity(4)
OPSET = 22  # the newest that ONNX Runtime has kernels of for (nearly) all operators; cases may name another


@dataclass
class Case:
    """One node with its inputs. None stands for an optional input that is not given."""

    kind: str
    inputs: list
    attributes: dict = field(default_factory=dict)
    outputs: int = 1
    weights: tuple = ()  # positions of the inputs that are initializers rather than inputs of the graph
    opset: int = OPSET
    domain: str = ""
    ml: int = 4  # the version of ai.onnx.ml

    def __post_init__(self):  # arithmetic on arrays of rank 0 makes scalars
        self.inputs = [None if a is None else np.asarray(a) for a in self.inputs]
        while self.inputs and self.inputs[-1] is None:
            self.inputs.pop()

    def __str__(self):
        def show(a):
            if a is None:
                return "-"
            return f"{a.dtype}{list(a.shape)}" + (f"={a.tolist()}" if a.size <= 8 else "")
        attributes = " ".join(f"{k}={v}" for k, v in self.attributes.items())
        return f"{self.kind}-{self.opset}({', '.join(map(show, self.inputs))}) {attributes}"


def model_of(cases):
    """One ModelProto with a node for each case, and the inputs that it takes. Cases share nothing."""
    nodes, inputs, weights, outputs, feeds = [], [], [], [], {}
    for c, case in enumerate(cases):
        names = []
        for i, array in enumerate(case.inputs):
            names.append("" if array is None else f"i{c}_{i}")
            if array is None:
                continue
            if i in case.weights:
                weights.append(numpy_helper.from_array(array, names[-1]))
            else:
                text = array.dtype.kind == "U"
                kind = onnx.TensorProto.STRING if text else helper.np_dtype_to_tensor_dtype(array.dtype)
                inputs.append(helper.make_tensor_value_info(names[-1], kind, array.shape))
                feeds[names[-1]] = array
        results = [f"o{c}_{k}" for k in range(case.outputs)]
        nodes.append(helper.make_node(case.kind, names, results, domain=case.domain, **case.attributes))
        outputs += [onnx.ValueInfoProto(name=r) for r in results]
    graph = helper.make_graph(nodes, "cases", inputs, outputs, weights)
    (opset, ml), = {opsets_of(case) for case in cases}
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1),
               helper.make_opsetid("ai.onnx.ml", ml)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10), feeds


def run_ort(model, feeds):
    """Outputs by name, computed node by node: no graph optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    proto = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(proto, options, providers=["CPUExecutionProvider"])
    results = [a.astype(str) if isinstance(a, np.ndarray) and a.dtype.kind == "O" else a
               for a in session.run(None, feeds)]
    return dict(zip([o.name for o in session.get_outputs()], results, strict=True))


def run_assay(path, model, feeds, folder, *more):
    """Outputs by name; raises with the command's message when it fails."""
    folder = Path(folder)
    if not isinstance(model, (str, Path)):
        onnx.save(model, folder / "cases.onnx")
        model = folder / "cases.onnx"
    words = [path, "run", str(model), "--output", str(folder / "out.npz"), "--threads", "1", *more]
    if feeds:
        np.savez(folder / "in.npz", **feeds)
        words += ["--input", str(folder / "in.npz")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"exit {done.returncode}: {done.stderr[:2000]}")
    with np.load(folder / "out.npz") as arrays:
        return dict(arrays)


def ulps(a, b):
    """Distance of two float arrays in units of b's last place; 0 where both are NaN or equal."""
    with np.errstate(all="ignore"):
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        tiny = np.finfo(b.dtype).smallest_subnormal
        distance = np.abs(a.astype(np.longdouble) - b.astype(np.longdouble)) / np.maximum(np.spacing(np.abs(b)), tiny)
        return np.where(same, 0, np.where(np.isfinite(a) & np.isfinite(b), distance, np.inf))


def magnitude(arrays):
    """The largest finite magnitude, those at the end of the range (special values) apart."""
    floats = [np.abs(a[np.abs(a).astype(np.float64) < 1e30]) for a in arrays if a is not None and a.dtype.kind == "f"]
    return float(max((a.max() for a in floats if a.size), default=0))


def storage_ulp(array, storage):
    """One unit in the last place of the storage type at each element: what a neighbouring rounding makes."""
    digits, least = {"float16": (10, -24), "bfloat16": (7, -133)}[storage]
    _, exponent = np.frexp(np.abs(np.where(np.isfinite(array), array, 0)).astype(np.float64))
    return np.ldexp(1.0, np.maximum(exponent - 1 - digits, least))


def wrong_elements(case, ours, theirs, storage=None):
    """Mask of the elements outside the tolerance of the operator's family; None when types or shapes differ.

    Under a storage policy results that are not exact may round to neighbouring values of the storage type, and NaNs
    lose their payload.
    """
    same_type = ours.dtype == theirs.dtype or (ours.dtype.kind, theirs.dtype.kind) == ("U", "U")
    if not same_type or ours.shape != theirs.shape:
        return None
    family = TOLERANCES[family_of(case.kind, case.domain)]
    if ours.dtype.kind != "f" and family.steps:
        return np.abs(ours.astype(np.int64) - theirs.astype(np.int64)) > family.steps
    if ours.dtype.kind != "f":
        return ours != theirs
    bits = np.dtype(f"u{ours.dtype.itemsize}")
    if family.bits and not storage:
        return np.frombuffer(ours.tobytes(), bits).reshape(ours.shape) != np.frombuffer(theirs.tobytes(), bits).reshape(
            ours.shape)
    norm = float(np.finfo(ours.dtype).eps) * max(family.flat, family.norm * magnitude([theirs, *case.inputs]))
    with np.errstate(all="ignore"):
        distance = np.abs(ours.astype(np.longdouble) - theirs.astype(np.longdouble))
        near = distance <= norm
        if storage and (family.ulp or family.norm or family.flat) and ours.dtype == np.float32:
            near |= distance <= storage_ulp(theirs, storage)
    return (ulps(ours, theirs) > family.ulp) & ~near


opsets_of = operator.attrgetter("opset", "ml")


def by_opset(cases):
    """Lists of the cases of one operator set each."""
    return [list(group) for _, group in itertools.groupby(sorted(cases, key=opsets_of), key=opsets_of)]


def run_both(assay_path, cases, folder):
    """[(case, ours, theirs)], each a list of the outputs; one model for each operator set."""
    triples = []
    for group in by_opset(cases):
        model, feeds = model_of(group)
        theirs = _or_blame(group, run_ort, model, feeds, "ONNX Runtime")
        ours = _or_blame(group, lambda m, f: run_assay(assay_path, m, f, folder), model, feeds, "Assay")
        triples += triples_of(group, ours, theirs)
    return triples


def triples_of(cases, ours, theirs):
    """The outputs of each case, from those of the model that model_of made."""
    for c, case in enumerate(cases):
        names = [f"o{c}_{k}" for k in range(case.outputs)]
        yield case, [ours[n] for n in names], [theirs[n] for n in names]


def _or_blame(cases, run, model, feeds, who):
    """run(model, feeds); when that fails, the error names the cases that fail alone."""
    try:
        return run(model, feeds)
    except Exception as whole:
        lines = []
        for case in cases:
            try:
                run(*model_of([case]))
            except Exception as error:
                lines.append(f"{case}: {str(error)[:600]}")
        raise AssertionError(f"{who} fails on\n" + ("\n".join(lines[:8]) or str(whole)[:3000])) from whole


def differences(triples, excused=lambda case, k, ours, theirs: None, storage=None):
    """One line for each case that differs beyond its tolerance, apart from the elements that `excused` masks."""
    lines = []
    for case, ours, theirs in triples:
        for k, (a, b) in enumerate(zip(ours, theirs, strict=True)):
            mask = wrong_elements(case, a, b, storage)
            if mask is None:
                lines.append(f"{case}: output {k} is {a.dtype}{list(a.shape)}, theirs {b.dtype}{list(b.shape)}")
                continue
            allowed = excused(case, k, a, b)
            if allowed is not None:
                mask = mask & ~allowed
            if np.any(mask):
                at = tuple(int(i) for i in np.argwhere(mask)[0])
                far = f", {float(ulps(a, b)[mask].max()):.4g} ULP at most" if a.dtype.kind == "f" else ""
                lines.append(f"{case}: output {k}, {int(mask.sum())} of {mask.size} elements differ{far}; first at "
                             f"{list(at)}: ours {a[at]!r}, theirs {b[at]!r}; inputs {_values_at(case, a.shape, at)}")
    return lines


def _values_at(case, shape, at):
    """The elements of the inputs that stand at the place of an element-wise result, for messages."""
    found = []
    for array in case.inputs:
        if array is None:
            continue
        try:
            found.append(repr(np.broadcast_to(array, shape)[at]))
        except ValueError:
            found.append("...")
    return ", ".join(found)
