"""The plugin of pytest: what passes, how failures read, and where defaults come from."""
import importlib.metadata
from pathlib import Path

import numpy as np
import pytest

import assay
from assay.pytest_plugin import DecisionsChange, assert_same_decisions

pytest_plugins = "pytester"

X = np.random.default_rng(1).standard_normal((200, 4)).astype(np.float32)
RULE = {"decision": "threshold:0.5", "score": "index(output, 0)"}

PRELUDE = """
import numpy as np, pytest, assay
from assay.pytest_plugin import assert_same_decisions

MODEL = {mlp!r}
DATA = {{"input": np.random.default_rng(1).standard_normal((200, 4)).astype(np.float32)}}
ARTICLE = dict(np.load({article!r}))

def moved(inputs):
    return [assay.load(MODEL).run({{"input": inputs["input"][:1]}})["output"] + 1]
"""


@pytest.fixture
def run(pytester, mlp):
    """run(test_source, *options): a pytest of its own, in a folder of its own."""
    installed = importlib.metadata.entry_points(group="pytest11", name="assay")

    def run(source, *options):
        pytester.makepyfile(PRELUDE.format(mlp=mlp, article=str(Path(mlp).parent / "input.npz")) + source)
        plugin = () if installed else ("-p", "assay.pytest_plugin")
        return pytester.runpytest_inprocess(*plugin, "--strict-markers", "-p", "no:cacheprovider", *options)

    return run


def nothing_moves(inputs):
    return [inputs["input"] @ np.zeros((4, 3), np.float32)]


def everything_moves(inputs):
    return [inputs["input"] @ np.zeros((4, 3), np.float32) + 1]


def test_the_same_decisions_pass_and_the_audit_comes_back(mlp):
    result = assert_same_decisions(mlp, {"input": X}, candidates=["strict-f32", "coreml-mlprogram-f32-cpu"], **RULE)
    assert isinstance(result, assay.AuditResult)
    assert result.samples == 200


def test_flips_fail_with_the_audit_at_hand():
    other = assay.backends.callable(everything_moves, "other")
    audit = {"model": None, "data": {"input": X}, "decision": "threshold:0.5", "score": "index(output_0, 0)",
             "reference": nothing_moves, "candidates": other}
    with pytest.raises(DecisionsChange) as changed:
        assert_same_decisions(**audit)
    assert changed.value.result.candidates[0].verdict.flips == 200
    assert isinstance(changed.value, AssertionError)
    assert assert_same_decisions(**audit, max_flips=200).candidates[0].verdict.flips == 200
    with pytest.raises(DecisionsChange, match=r"200 flips \(allowed: 199\)"):
        assert_same_decisions(**audit, max_flips=199)


def test_samples_at_risk_are_allowed_unless_told_otherwise(mlp):
    audit = {"model": mlp, "data": {"input": at_risk(mlp)}, "candidates": "coreml-nn-ane", **RULE}
    result = assert_same_decisions(**audit)
    assert result.candidates[0].verdict.at_risk > 0
    with pytest.raises(DecisionsChange, match=r"0 flips .* at risk"):
        assert_same_decisions(**audit, allow_at_risk=False)


def at_risk(mlp):
    """Samples that some variants of coreml-nn-ane decide otherwise, and none all."""
    x = np.random.default_rng(7).standard_normal((200_000, 4)).astype(np.float32)
    result = assay.audit(mlp, {"input": x}, candidates="coreml-nn-ane", fail_on="none", **RULE)
    return x[[case.sample for case in result.candidates[0].at_risk]]


def test_a_failure_reads_like_a_report(run):
    outcome = run("""
def test_it():
    assert_same_decisions(MODEL, ARTICLE, decision="threshold:0.6483", score="index(output, 0)",
                          candidates=["CoreMLExecutionProvider", "strict-f32"])
""")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines([
        "E*decisions change where the model will run:",
        "E*CoreMLExecutionProvider: 1 flip (allowed: 0), 0 at risk",
        "E*1 sample; positive when index(output, 0) >= 0.6483",
        "E*sample*reference*candidate*decision*margin*",
        "E*0*0.6480752*0.6484375*negative -> positive*ulp*",
        "E*outputs lie on *emulated*",
        "E*CoreMLExecutionProvider: every operation: result = float16 nearest-even (measured: *",
        "E*CoreMLExecutionProvider: fix: keep float32 with CoreMLExecutionProvider:ModelFormat=MLProgram",
    ])
    assert "strict-f32: 0 flips" not in outcome.stdout.str()
    assert "_commands.py" not in outcome.stdout.str().partition("short test summary")[0].partition("warnings")[0]


def test_other_candidates_have_other_fixes(run):
    outcome = run("""
@pytest.mark.parametrize(("threshold", "candidate"), [(0.6483, "coreml-nn-gpu"), (0.6483, "openvino-bf16"), (1, moved)])
def test_it(threshold, candidate):
    assert_same_decisions(MODEL, ARTICLE, decision=f"threshold:{threshold}", score="index(output, 0)",
                          candidates=candidate)
""")
    outcome.assert_outcomes(failed=3)
    outcome.stdout.fnmatch_lines(["E*coreml-nn-gpu: fix: *assay convert MODEL model.mlpackage*",
                                  "E*openvino-bf16: fix: *INFERENCE_PRECISION_HINT*",
                                  "E*callable:moved: fix: *max_flips*"])


def test_defaults_come_from_markers_the_closest_first(run):
    run("""
pytestmark = pytest.mark.assay(decision="threshold:0.5", score="index(output, 0)", candidates=["strict-f32"])

def test_module(assert_same_decisions):
    result = assert_same_decisions(MODEL, DATA)
    assert (result.decision, result.candidates[0].program) == ("threshold:0.5", "strict-f32")

@pytest.mark.assay(decision="argmax", max_flips=1000)
def test_closer():
    result = assert_same_decisions(MODEL, DATA, score="output", candidates="bf16-storage")
    assert (result.decision, result.candidates[0].program) == ("argmax", "bf16-storage")

@pytest.fixture
def audited(assert_same_decisions):
    return assert_same_decisions(MODEL, DATA)

def test_fixture(audited):
    assert audited.decision == "threshold:0.5"
""").assert_outcomes(passed=3)


def test_errors_are_shown_where_the_test_is(run):
    outcome = run("""
def test_words():
    assert_same_decisions(MODEL, DATA, decision="argmx", candidates="strict-f32")

def fails(inputs):
    raise ZeroDivisionError("by the function")

def test_function():
    assert_same_decisions(MODEL, DATA, decision="argmax", candidates=fails)
""")
    outcome.assert_outcomes(failed=2)
    outcome.stdout.fnmatch_lines(["E*UsageError: A004: *", "E*ZeroDivisionError: by the function", "E*A402: *"])
    outcome.stdout.no_fnmatch_line("*request.decision*")


def test_warnings_are_the_tests(run):
    source = """
def test_it():
    assert_same_decisions(MODEL, DATA, decision="argmax", candidates="CoreMLExecutionProvider", max_flips=200)
"""
    outcome = run(source)
    outcome.assert_outcomes(passed=1, warnings=3)  # A201, A205, and that this pytest runs within another
    outcome.stdout.fnmatch_lines(["*test_warnings_are_the_tests.py:*A205*", "*test_warnings_are_the_tests.py:*A201*"])
    strict = run(source, "-W", "error::assay.AssayWarning")
    strict.assert_outcomes(failed=1)


def test_it_loads_in_a_pytest_of_its_own(pytester, mlp, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(assay.__file__).parents[1]))
    pytester.makepyfile("def test_it(assert_same_decisions): assert callable(assert_same_decisions)")
    plugin = () if importlib.metadata.entry_points(group="pytest11", name="assay") else ("-p", "assay.pytest_plugin")
    outcome = pytester.runpytest_subprocess(*plugin, "-W", "error", "--markers")
    outcome.stdout.fnmatch_lines(["@pytest.mark.assay(*max_flips*"])
    pytester.runpytest_subprocess(*plugin, "-W", "error").assert_outcomes(passed=1)


def test_what_is_missing_is_named(run):
    outcome = run("""
def test_it():
    assert_same_decisions(MODEL, DATA)

@pytest.mark.assay(decision="argmax")
def test_half():
    assert_same_decisions(MODEL, DATA)
""")
    outcome.assert_outcomes(failed=2)
    outcome.stdout.fnmatch_lines(["E*decision and candidates missing*", "E*TypeError: candidates missing*"])


def test_the_command_line_names_candidates_and_a_folder_for_pages(run, pytester):
    source = """
@pytest.mark.parametrize("twice", [True])
def test_it(twice):
    for _ in range(2):
        with pytest.raises(AssertionError) as failed:
            assert_same_decisions(MODEL, DATA, decision="threshold:10000", score="index(output, 0)",
                                  candidates=["strict-f32"], reference=moved_far)
        assert "page: pages" in str(failed.value)
        assert [c.program for c in failed.value.result.candidates] == ["bf16-storage", "f16-storage"]

def moved_far(inputs):
    return [inputs["input"][:, :3] * 0 + 20000]
"""
    words = ["--assay-candidates", "bf16-storage", "--assay-candidates", "f16-storage", "--assay-html", "pages"]
    run(source, *words).assert_outcomes(passed=1)
    pages = sorted(path.name for path in (pytester.path / "pages").iterdir())
    name = "test_the_command_line_names_candidates_and_a_folder_for_pages.py-test_it-True"
    assert pages == [f"{name}-2.html", f"{name}.html"]
    assert "<html" in (pytester.path / "pages" / pages[0]).read_text()


def test_passing_audits_write_no_pages(run, pytester):
    run("""
def test_it():
    assert_same_decisions(MODEL, DATA, decision="argmax", candidates=["strict-f32"])
""", "--assay-html", "pages").assert_outcomes(passed=1)
    assert not (pytester.path / "pages").exists()
