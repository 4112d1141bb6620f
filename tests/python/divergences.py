"""Where Assay and ONNX Runtime differ on purpose: the table behind docs/divergences.md.

Each row says which elements of which results are excused, and has a witness: a case in which the two do differ there. A
row whose witness agrees must leave the table.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from differential.harness import Case


@dataclass(frozen=True)
class Divergence:
    operators: str
    condition: str
    cause: str
    excused: Callable  # (case, k, ours, theirs) -> mask of elements of output k
    witness: Case


def f32(*values):
    return np.array(values, np.float32)



def _saturated(case, k, ours, theirs):
    if ours.dtype.kind != "f":
        return np.zeros(ours.shape, bool)
    return np.isinf(ours) & (np.abs(theirs) == np.finfo(theirs.dtype).max)


def _where(case, k, ours, theirs):
    return (ours == 0) & (theirs == 0)


def _softplus(case, k, ours, theirs):
    with np.errstate(all="ignore"):
        x = case.inputs[0].astype(np.float64)
        lost = np.abs(ours - np.logaddexp(0, x)) <= 1.2e-7  # log(1 + e): what 1 + e loses is half an epsilon of 1
        return lost | ((x > 88) & np.isinf(ours))


def _celu(case, k, ours, theirs):
    with np.errstate(all="ignore"):
        return np.isinf(case.inputs[0] / np.float32(case.attributes.get("alpha", 1.0)))


DIVERGENCES = [
    Divergence("Clip", "a bound is not given and an operand is infinite",
               "ONNX Runtime takes the largest finite number for a bound that is not given; ONNX says there is none",
               _saturated, Case("Clip", [f32(np.inf, 1), f32(0).reshape(()), None])),
    Divergence("Where", "the chosen operand is -0",
               "ONNX Runtime merges the two sides by adding them up, and -0 + 0 is +0; here Where copies bits",
               _where, Case("Where", [np.array([True, False]), f32(-0.0, 1), f32(2, -0.0)])),
    Divergence("Softplus", "x is far below 0, or above 88",
               "ONNX's function body is log(1 + exp(x)), step by step; ONNX Runtime uses log1p and keeps large x",
               _softplus, Case("Softplus", [f32(-17, 89)])),
    Divergence("Celu", "x / alpha overflows", "the function body multiplies Elu(x / alpha) by alpha; ONNX Runtime "
               "returns x", _celu, Case("Celu", [f32(3e38)], {"alpha": 0.5})),
    Divergence("Cos Sin", "float64", "ONNX Runtime's vector code is wrong by up to 2e-15, many ULP near zeros of the "
               "function; here 1 ULP",
               lambda case, k, ours, theirs: (np.abs(ours - theirs) <= 2e-15) & (ours.dtype == np.float64),
               Case("Cos", [np.full(16, 14.403692255325453)])),
]


def excused(case, k, ours, theirs):
    """Mask of the elements that some row of the table excuses; None when no row is about the operator."""
    masks = [d.excused(case, k, ours, theirs) for d in DIVERGENCES if case.kind in d.operators.split()]
    return np.logical_or.reduce(np.broadcast_arrays(*masks)) if masks else None


def documentation():
    """The rows as docs/divergences.md has them."""
    return [f"| {d.operators.replace(' ', ', ')} | {d.condition} | {d.cause} |" for d in DIVERGENCES]
