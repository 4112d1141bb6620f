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


def test_words_about_what_is_not_asked_for_are_refused(mlp):
    """As on the command line: limits without what they limit would be without effect."""
    x = {"input": np.ones((3, 4), np.float32)}
    programs = ["strict-f32", "f16-storage"]
    for words in ({"trace_exact": 3}, {"trace_accumulated": True}):
        with pytest.raises(assay.UsageError, match="give --trace too"):
            assay.compare(mlp, x, programs, **words)
        with pytest.raises(assay.UsageError, match="give --trace too"):
            assay.audit(mlp, x, decision="argmax", candidates="f16-storage", **words)
    for words in ({"blame_samples": 3}, {"blame_runs": 20}):
        with pytest.raises(assay.UsageError, match="give --blame too"):
            assay.audit(mlp, x, decision="argmax", candidates="f16-storage", **words)


def test_arguments_of_wrong_types_are_called_by_their_names(mlp):
    x = {"input": np.ones((3, 4), np.float32)}
    audit = {"decision": "argmax", "candidates": "f16-storage"}
    for wrong in ({"trace": "yes"}, {"trace_exact": "all"}, {"blame_runs": 1.5}, {"threads": "2"}, {"score": 3}):
        name, value = next(iter(wrong.items()))
        with pytest.raises(TypeError, match=f"^{name} is .*, not {value!r}$"):
            assay.audit(mlp, x, **audit, **wrong)
    for function, given in ((assay.fingerprint, [x]), (assay.run, [mlp, x])):
        name = "samples" if function is assay.fingerprint else "random"
        for value in (-1, 2**70):
            with pytest.raises(assay.UsageError, match=f"{name} takes 0 to .*, not {value}"):
                function(*given, **{name: value})
    with pytest.raises(assay.UsageError, match="blame_runs takes"):
        assay.audit(mlp, x, **audit, blame=True, blame_runs=2**70)
    with pytest.raises(TypeError, match="max_abs is a number, not '1'"):
        assay.compare(mlp, x, ["strict-f32", "f16-storage"], max_abs="1")
    with pytest.raises(TypeError, match="missing 1 required"):
        assay.compare()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'decison'"):
        assay.audit(mlp, x, **audit, decison="argmax")  # type: ignore[call-arg]
