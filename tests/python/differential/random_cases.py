"""Random cases of all operators, by module."""

import numpy as np

from differential import (
    attention,
    classic,
    control,
    elementwise,
    lists,
    microsoft,
    movement,
    older,
    products,
    quantised,
    signal,
    sums,
    text,
)
from differential.random_values import Random

MODULES = {
    "attention": attention,
    "classic": classic,
    "control": control,
    "elementwise": elementwise,
    "lists": lists,
    "microsoft": microsoft,
    "movement": movement,
    "older": older,
    "products": products,
    "quantised": quantised,
    "signal": signal,
    "sums": sums,
    "text": text,
}

SPECIAL = [np.nan, np.inf, -np.inf, -0.0, 0.0]
# Exact rules for special values of quantities that are no data: grids, steps, codes.
NOT_POISONED = {
    "AffineGrid", "Bernoulli", "Binarizer", "Cast", "CastLike", "DFT", "DequantizeLinear", "DynamicQuantizeLSTM",
    "DynamicQuantizeLinear", "DynamicQuantizeMatMul", "Multinomial", "NonMaxSuppression", "Normalizer",
    "OneHotEncoder", "QLinearConcat", "QuantizeLinear", "Range", "RoiAlign", "STFT",
}  # fmt: skip
# Theirs are NaN where distances are infinite, take every NaN for another value than the others, and make 0 of scores
# that are NaN.
NOT_POISONED |= {"com.microsoft.CDist", "com.microsoft.Unique", "com.microsoft.GroupQueryAttention"}


def poisoned_cases(module, seed, rounds):
    """Random cases with one or two special values in the first input, where that is float32 data."""
    r, cases = Random([seed, 1, *module.encode()]), []
    for case in random_cases(module, seed, rounds):
        x = case.inputs[0] if case.inputs else None
        if x is None or x.dtype != np.float32 or x.size == 0 or 0 in case.weights or case.kind in NOT_POISONED:
            continue
        if f"{case.domain}.{case.kind}" in NOT_POISONED:
            continue
        flat = x.flatten()
        for _ in range(r.int(1, 2)):
            flat[r.int(0, flat.size - 1)] = r.pick(SPECIAL)
        case.inputs[0] = flat.reshape(x.shape)
        cases.append(case)
    return cases


def random_cases(module, seed, rounds):
    """`rounds` cases of each operator that the module of this name has."""
    r = Random([seed, *module.encode()])
    return [make(r, name.split(" ")[0]) for name, make in MODULES[module].CASES.items() for _ in range(rounds)]
