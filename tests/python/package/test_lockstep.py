"""Lock-step from Python: what the command line says, as fields."""
import json

import numpy as np
import pytest

import assay

OPTIONS = {"decision": "argmax", "candidates": "coreml-nn-gpu", "fail_on": "none", "trace": True, "trace_exact": 3}


def test_a_trace_is_that_of_the_command_line(assay_cli, mlp, tmp_path):
    x = np.random.default_rng(6).standard_normal((5, 4)).astype(np.float32)
    np.savez(tmp_path / "x.npz", input=x)
    result = assay.compare(mlp, {"input": x}, ["strict-f32", "f16-storage"], trace=True)
    shown = assay_cli("compare", mlp, "--input", tmp_path / "x.npz", "--program", "strict-f32", "--program",
                      "f16-storage", "--trace", "--json")
    assert json.loads(result.to_json()) == json.loads(shown)["result"]
    trace = result.pairs[0].trace
    assert trace.worst().introduced.max_abs > 0 and trace.worst(99) is None
    assert trace.exact_samples == 5 and "ordinary rounding" in trace.says
    assert result.pairs[0].conversion is None
    accumulated = assay.compare(mlp, {"input": x}, ["strict-f32", "f16-storage"], trace=True, trace_accumulated=True)
    assert accumulated.pairs[0].trace.ops[0].introduced is None


def test_parts_of_a_traced_audit_merge(mlp):
    x = np.random.default_rng(7).standard_normal((9, 4)).astype(np.float32)
    whole = assay.audit(mlp, {"input": x}, **OPTIONS)
    parts = [assay.audit(mlp, {"input": x[a:b]}, first_sample=a, **OPTIONS) for a, b in ((2, 9), (0, 2))]
    assert assay.merge(parts).to_json() == whole.to_json()
    assert whole.candidates[0].trace.exact_samples == 3
    with pytest.raises(assay.UsageError):
        assay.audit(mlp, {"input": x}, **OPTIONS | {"trace_exact": -1})


def test_two_files_are_compared_in_exact_arithmetic(mlp, article_input, tmp_path):
    assay.convert(mlp, tmp_path / "m.mlpackage")
    result = assay.compare(mlp, article_input, ["strict-f32", f"{tmp_path}/m.mlpackage@coreml-mlprogram-f32-gpu"])
    assert result.pairs[0].conversion.outcome == "same"
