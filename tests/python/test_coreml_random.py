"""Random cases of every operator, converted to both Core ML formats: the converted file computes the same bits as the
ONNX file under strict-f32, or the conversion is refused with a reason."""
import warnings

import numpy as np
import onnx
import pytest
from coreml_judge import INTERFACE, check_layers, check_types, read_spec
from differential.harness import by_opset, model_of, ulps
from differential.random_cases import MODULES, poisoned_cases, random_cases

ROUNDS = 2  # random cases of each operator; and as many with special values
ENDINGS = {"mlprogram": ".mlpackage", "neuralnetwork": ".mlmodel"}

# What rounds in another place than the operator does, mostly because the format's own operation takes no computed
# operands: units in the last place, beside the same share of the largest result.
TOLERANCES = {
    "BatchNormalization": (16, "scale / sqrt(variance + epsilon) is a value of its own"),
    "Einsum": (8, "sums over labels of one operand, matrix products after reshapes: other orders"),
    "GRU": (1, "layers limit what enters a gate to [-50, 50]"),
    "GroupNormalization": (16, "moments are values of their own"),
    "InstanceNormalization": (16, "moments are values of their own"),
    "LayerNormalization": (16, "moments are values of their own"),
    "LSTM": (1, "layers limit what enters a gate to [-50, 50]"),
    "MeanVarianceNormalization": (16, "moments are values of their own"),
    "Mish": (4, "the softplus layer is another formula"),
    "RMSNormalization": (16, "the mean square is a value of its own"),
    "RNN": (1, "layers limit what enters a gate to [-50, 50]"),
    "Resize": (16, "Core ML's grid for asymmetric places is computed from the spacing"),
    "Softplus": (4, "the layer is another formula, which keeps what is large"),
}
# Random cases with nested graphs have results of unknown rank: control flow has tests of its own. Products of integers
# have no equal in Core ML; of text and classic machine learning little is written, of signals nothing.
DATA = [module for module in MODULES if module not in ("control", "lists", "quantised", "signal", "text", "classic")]
# coremltools takes a 0 that copies an extent for an extent of 0 where the rest of a computed shape is known to it.
NOT_JUDGED = {"GroupQueryAttention"}


class Converter:
    """Cases as models of one node, converted one by one; those that pass run together."""

    def __init__(self, assay, folder):
        self.assay, self.folder = assay, folder

    def converts(self, case, kind):
        """Whether the case converts; what is refused says why."""
        onnx.save(model_of([case])[0], self.folder / "one.onnx")
        done = self.assay("convert", "one.onnx", "-o", "one" + ENDINGS[kind], "--format", kind)
        if done.code == 0:
            return True
        assert done.code == 3 and "A114" in done.err, f"{case}: exit {done.code}\n{done.err}"
        reason = done.err.partition("A114: ")[2].partition("fix:")[0]
        assert len(reason) > 20, f"{case}: no reason\n{done.err}"
        return False

    def run(self, name, feeds):
        np.savez(self.folder / "in.npz", **feeds)
        given = ("--input", "in.npz") if feeds else ()
        self.assay("run", name, *given, "--output", "out.npz", "--profile", "strict-f32", "--threads", "1", code=0)
        with np.load(self.folder / "out.npz") as arrays:
            return dict(arrays)

    def check(self, cases, kind):
        """Lines for what differs between the ONNX model of these cases and the converted one; how many converted."""
        cases = [case for case in cases if not given_empty(case) and self.converts(case, kind)
                 and case.kind not in NOT_JUDGED]
        lines = []
        for group in by_opset(cases):
            model, feeds = model_of(group)
            onnx.save(model, self.folder / "all.onnx")
            path = self.folder / ("all" + ENDINGS[kind])
            self.assay("convert", "all.onnx", "-o", path, "--format", kind, code=0)
            judge(path)
            want = self.run("all.onnx", feeds)
            narrow = {n: np.atleast_1d(a.astype(INTERFACE.get(a.dtype, a.dtype))) for n, a in feeds.items()}
            got = self.run(path, narrow)
            for c, case in enumerate(group):
                for k in range(case.outputs):
                    difference = compared(case, got[f"o{c}_{k}"], want[f"o{c}_{k}"])
                    lines += [f"{case}: output {k} {difference}"] if difference else []
        return lines, len(cases)


def given_empty(case):
    """Whether an input has no elements: symbolic sizes begin at 1 in Core ML files, which run with no others."""
    return any(np.size(a) == 0 for i, a in enumerate(case.inputs) if a is not None and i not in case.weights)


def judge(path):
    spec, weights = read_spec(path)
    if spec.WhichOneof("Type") == "neuralNetwork":
        check_layers(spec)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_types(spec, weights)


def compared(case, got, want):
    """What differs, in words; empty when the bits are the same (NaN is NaN, and a scalar has one element)."""
    if (got.shape, want.shape) == ((1,), ()):
        got = got.reshape(())
    if got.shape != want.shape or got.dtype != INTERFACE.get(want.dtype, want.dtype):
        return f"is {got.dtype}{list(got.shape)}, not {want.dtype}{list(want.shape)}"
    if want.dtype.kind != "f":
        near = got.astype(want.dtype) == want
    else:
        allowed = TOLERANCES.get(case.kind, (0, ""))[0]
        with np.errstate(all="ignore"):
            near = ((got == want) & (np.signbit(got) == np.signbit(want))) | (np.isnan(got) & np.isnan(want))
            if case.kind == "Softplus":
                near |= np.isposinf(want) & (got > 88)
            if allowed:
                flat = allowed * np.finfo(want.dtype).eps * np.max(np.abs(want[np.isfinite(want)]), initial=0)
                near |= (ulps(got, want) <= allowed) | (np.abs(got - want) <= flat)
    if np.all(near):
        return ""
    at = tuple(int(i) for i in np.argwhere(~near)[0])
    count = int((~near).sum())
    return f"differs in {count} of {near.size} elements; first at {list(at)}: {got[at]!r}, not {want[at]!r}"


def some_constant(cases):
    """Every other case has all operands but the first as constants, which most layers and operations want."""
    for case in cases[1::2]:
        case.weights = tuple(range(1, len(case.inputs)))
    return cases


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("module", DATA)
def test_same_bits(assay, tmp_path, module, kind):
    cases = some_constant(random_cases(module, 5, ROUNDS))
    lines, converted = Converter(assay, tmp_path).check(cases, kind)
    assert not lines, "\n".join(lines[:30])
    assert converted > len(cases) // 3


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize("module", DATA)
def test_same_special_values(assay, tmp_path, module, kind):
    lines, _ = Converter(assay, tmp_path).check(some_constant(poisoned_cases(module, 6, ROUNDS)), kind)
    assert not lines, "\n".join(lines[:30])
