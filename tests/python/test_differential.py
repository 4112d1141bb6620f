"""Every operator that ONNX Runtime has too: random shapes, attributes and special values; our strict-f32 against it."""
import importlib

import numpy as np
import pytest
from differential.harness import differences, run_both, wrong_elements
from differential.random_values import Random
from divergences import DIVERGENCES, documentation, excused

MODULES = ["elementwise"]
SEEDS = [1, 2]
ROUNDS = 6  # random cases of each operator in one model


def random_cases(module, seed):
    r = Random([seed, *module.encode()])
    cases = importlib.import_module(f"differential.{module}").CASES
    return [make(r, name.split(" ")[0]) for name, make in cases.items() for _ in range(ROUNDS)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("module", MODULES)
def test_agrees_with_onnx_runtime(assay_path, tmp_path, module, seed):
    lines = differences(run_both(assay_path, random_cases(module, seed), tmp_path), excused)
    assert not lines, f"seed {seed} of {module}: {len(lines)} cases differ\n" + "\n".join(lines[:40])


def test_every_divergence_still_occurs(assay_path, tmp_path):
    gone = []
    rows = sorted(DIVERGENCES, key=lambda d: d.witness.opset)  # as run_both returns them
    for row, (case, ours, theirs) in zip(rows, run_both(assay_path, [d.witness for d in rows], tmp_path), strict=True):
        masks = [wrong_elements(case, a, b) for a, b in zip(ours, theirs, strict=True)]
        allowed = [row.excused(case, k, a, b) for k, (a, b) in enumerate(zip(ours, theirs, strict=True))]
        if not any(np.any(m & a) for m, a in zip(masks, allowed, strict=True)):
            gone.append(f"{row.operators}: {row.condition}: ours {ours}, theirs {theirs}")
    assert not gone, "these no longer differ: take them out of tests/python/divergences.py\n" + "\n".join(gone)


def test_divergences_are_documented(root):
    lines = (root / "docs" / "divergences.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| ")][1:] == documentation()
