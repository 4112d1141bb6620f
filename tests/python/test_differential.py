"""Every operator that ONNX Runtime has too: random shapes, attributes and special values; our strict-f32 against it."""
import numpy as np
import onnx
import pytest
from differential.harness import differences, opsets_of, run_both, wrong_elements
from differential.random_cases import MODULES, poisoned_cases, random_cases
from differential.tolerances import NOT_IN_ONNX_RUNTIME, TOLERANCES, family_of
from divergences import DIVERGENCES, documentation, excused

SEEDS = [1, 2]
ROUNDS = 6  # random cases of each operator in one model


def inside(case):
    """Operators of the graphs that a case's node runs."""
    graphs = [value for value in case.attributes.values() if isinstance(value, onnx.GraphProto)]
    return {node.op_type for graph in graphs for node in graph.node}


def test_every_operator_is_compared(assay):
    ours = {op["name"] for op in assay("ops", "--json", code=0).result if op["runs"] and op["domain"] == ""}
    cases = [case for module in MODULES for case in random_cases(module, 0, 1)]
    compared = {case.kind for case in cases if not case.domain} | {kind for case in cases for kind in inside(case)}
    assert not ours - compared - set(NOT_IN_ONNX_RUNTIME)
    assert all(family_of(case.kind, case.domain) in TOLERANCES for case in cases)


def test_every_classic_operator_is_compared(assay):
    ours = {op["name"] for op in assay("ops", "--json", code=0).result if op["runs"] and op["domain"] == "ai.onnx.ml"}
    compared = {case.kind for case in random_cases("classic", 0, 1)}
    assert ours - compared == {"CastMap", "DictVectorizer", "ZipMap"}  # arrays alone travel here


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("module", MODULES)
def test_agrees_with_onnx_runtime(assay_path, tmp_path, module, seed):
    lines = differences(run_both(assay_path, random_cases(module, seed, ROUNDS), tmp_path), excused)
    assert not lines, f"seed {seed} of {module}: {len(lines)} cases differ\n" + "\n".join(lines[:40])


@pytest.mark.parametrize("module", MODULES)
def test_agrees_on_special_values(assay_path, tmp_path, module):
    lines = differences(run_both(assay_path, poisoned_cases(module, 3, ROUNDS), tmp_path), excused)
    assert not lines, f"{len(lines)} cases of {module} differ\n" + "\n".join(lines[:40])


def test_every_divergence_still_occurs(assay_path, tmp_path):
    gone = []
    rows = sorted(DIVERGENCES, key=lambda d: opsets_of(d.witness))  # as run_both returns them
    for row, (case, ours, theirs) in zip(rows, run_both(assay_path, [d.witness for d in rows], tmp_path), strict=True):
        masks = [wrong_elements(case, a, b) for a, b in zip(ours, theirs, strict=True)]
        allowed = [row.excused(case, k, a, b) if row.excused else True
                   for k, (a, b) in enumerate(zip(ours, theirs, strict=True))]
        if not any(m is None or np.any(m & a) for m, a in zip(masks, allowed, strict=True)):
            gone.append(f"{row.operators}: {row.condition}: ours {ours}, theirs {theirs}")
    assert not gone, "these no longer differ: take them out of tests/python/divergences.py\n" + "\n".join(gone)


def test_divergences_are_documented(root):
    lines = (root / "docs" / "divergences.md").read_text().splitlines()
    assert [line for line in lines if line.startswith("| ")][1:] == documentation()
