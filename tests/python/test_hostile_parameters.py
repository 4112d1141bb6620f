"""Operands and parameters of valid nodes, exchanged at random: other shapes, other types, none, numbers out of range.
An error or a result, never a crash, a hang or endless memory."""
import resource
import subprocess

import numpy as np
import onnx
import pytest
from differential.harness import model_of
from differential.random_cases import random_cases
from differential.random_values import Random

NUMBERS = [-1, 0, 1, 2, 16, 17, 2**31, 2**40, 2**62, 2**63 - 1, -2**63]
TYPES = [np.uint8, np.int8, np.int32, np.float32]
MEMORY = 6 << 30
ROUNDS = 5


def another_shape(r, array):
    shape = r.pick([r.shape(empty=0.2), (*array.shape, 1), (array.size,)])
    return np.resize(array, shape) if array.size and np.prod(shape) else np.zeros(shape, array.dtype)


def damage(r, case):
    given = [i for i, a in enumerate(case.inputs) if a is not None]
    i, kind = r.pick(given), r.int(0, 4)
    if kind == 0:
        case.inputs[i] = None
    elif kind == 1:
        case.inputs[i] = case.inputs[i].astype(r.pick(TYPES))
    elif kind == 2 and case.attributes:
        name = r.pick(case.attributes)
        value = case.attributes[name]
        if isinstance(value, list):
            value = [*value]
            value[r.int(0, len(value) - 1)] = r.pick(NUMBERS)
        elif isinstance(value, int):
            value = r.pick(NUMBERS)
        case.attributes[name] = value
    else:
        case.inputs[i] = another_shape(r, case.inputs[i])


@pytest.mark.parametrize("module", ["quantised"])
def test_exchanged_parameters(assay_path, tmp_path, module):
    r, wrong = Random([13, *module.encode()]), []
    for case in random_cases(module, 13, ROUNDS):
        for _ in range(r.int(1, 2)):
            if any(a is not None for a in case.inputs):
                damage(r, case)
        while case.inputs and case.inputs[-1] is None:
            case.inputs.pop()
        if r.coin(0.3):
            case.weights = tuple(range(1, len(case.inputs)))
        model, feeds = model_of([case])
        if r.coin(0.3):  # nothing is known before the run
            for value in model.graph.input:
                value.type.tensor_type.ClearField("shape")
        onnx.save(model, tmp_path / "model.onnx")
        np.savez(tmp_path / "in.npz", **feeds)
        done = subprocess.run([assay_path, "run", "model.onnx", "--input", "in.npz", "--output", "out.npz"],
                              cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=60, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
        if done.returncode not in (0, 3) or "A901" in done.stderr:
            wrong.append(f"{case}: exit {done.returncode}: {done.stderr[-200:]}")
    assert not wrong, "\n".join(wrong)
