"""Attributes of valid nodes, damaged at random: an error or a result, never a crash, a hang or endless memory."""
import resource
import subprocess

import numpy as np
import onnx
import pytest
from differential.harness import model_of
from differential.random_cases import random_cases
from differential.random_values import Random
from onnx import numpy_helper

NUMBERS = [-1, 0, 1, 2, 7, -7, 2**31 - 1, -2**31, 2**31, 2**40, 2**63 - 1, -2**63]
FLOATS = [float("nan"), float("inf"), -float("inf"), 3e38, -0.0, 1e-45]
TEXTS = [b"", b"x", b"SOFTMAX", b"PROBIT", b"RBF", b"POLY", b"(", b"\xff\xfe", b"LEAF", b"BRANCH_LEQ"]
MEMORY = 6 << 30
ROUNDS = 3


def damaged(r, values, bad):
    """The list with one element exchanged, cut, longer or in another order."""
    values = list(values)
    kind = r.int(0, 3)
    if kind == 0 and values:
        values[r.int(0, len(values) - 1)] = r.pick(bad)
    elif kind == 1:
        values = values[:r.int(0, len(values))]
    elif kind == 2:
        values += [r.pick(bad)] * r.int(1, 3)
    else:
        values = [values[i] for i in r.rng.permutation(len(values))]
    return values


def damage(r, a):
    kinds = onnx.AttributeProto
    if a.type == kinds.INT:
        a.i = r.pick(NUMBERS)
    elif a.type == kinds.FLOAT:
        a.f = r.pick(FLOATS)
    elif a.type == kinds.STRING:
        a.s = r.pick([*TEXTS, a.s + b"a"])
    elif a.type == kinds.TENSOR:
        t = numpy_helper.to_array(a.t)
        cut = t.reshape(-1)[:r.int(0, t.size)]
        a.t.CopyFrom(numpy_helper.from_array(r.pick([cut, t.astype(np.float64), t.astype(np.uint8), t[::-1].copy()])))
    else:
        name, bad = {kinds.INTS: ("ints", NUMBERS), kinds.FLOATS: ("floats", FLOATS),
                     kinds.STRINGS: ("strings", TEXTS)}[a.type]
        values = damaged(r, getattr(a, name), bad)
        a.ClearField(name)
        getattr(a, name).extend(values)


@pytest.mark.parametrize("module", ["classic", "text"])
def test_damaged_attributes(assay_path, tmp_path, module):
    r, wrong = Random([9, *module.encode()]), []
    for case in random_cases(module, 9, ROUNDS):
        model, feeds = model_of([case])
        attributes = model.graph.node[0].attribute
        for _ in range(r.int(1, 3) if attributes else 0):
            damage(r, attributes[r.int(0, len(attributes) - 1)])
        onnx.save(model, tmp_path / "model.onnx")
        np.savez(tmp_path / "in.npz", **feeds)
        done = subprocess.run([assay_path, "run", "model.onnx", "--input", "in.npz", "--output", "out.npz"],
                              cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=60, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)))
        if done.returncode not in (0, 3) or "A901" in done.stderr:
            wrong.append(f"{case}: exit {done.returncode}: {done.stderr[-200:]}")
    assert not wrong, "\n".join(wrong)


def test_an_operator_set_that_is_not_known(assay, tmp_path):
    model, _ = model_of(random_cases("classic", 0, 1)[:1])
    next(o for o in model.opset_import if o.domain == "ai.onnx.ml").version = 6
    onnx.save(model, tmp_path / "newer.onnx")
    assert "A108" in assay("inspect", "newer.onnx", code=3).err
