"""Decisions in tests: `assert_same_decisions`, the marker `assay` and two options of pytest (docs/pytest.md).

Loaded by pytest where Assay is installed; elsewhere `pytest -p assay.pytest_plugin`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from assay import _commands
from assay._errors import AssayError, AssayMessage, announce
from assay._results import AuditResult, Candidate
from assay._source import ModelSource

# Where a candidate's profile starts like this: how to keep the precision there.
_REMEDIES = (
    (
        "coreml-nn-",
        "keep float32 with ModelFormat=MLProgram, or with a file of your own: `assay convert MODEL model.mlpackage`",
    ),
    ("coreml-mlprogram-f16-", "keep float32 in the file: `assay convert MODEL model.mlpackage`"),
    ("openvino-bf16", 'keep float32 with {"INFERENCE_PRECISION_HINT": "f32"}'),
    ("cuda-tf32-", "keep float32 with use_tf32=0"),
)
_EVIDENCE = 2  # statements that a failure shows; the page has all


class DecisionsChange(AssertionError):  # noqa: N818  # what it says, not an error of the program
    """Decisions change where the model will run. `result` is the audit."""

    def __init__(self, text: str, result: AuditResult) -> None:
        super().__init__(text)
        self.result = result


@dataclass
class _Test:
    """What the running test and the command line say."""

    name: str = "audit"
    defaults: dict[str, Any] = field(default_factory=dict)
    candidates: list[str] | None = None
    html: str | None = None
    pages: int = 0


_running: ContextVar[_Test | None] = ContextVar("assay_test", default=None)


def assert_same_decisions(
    model: ModelSource | None,
    data: Any,
    labels: Any = None,
    *,
    decision: str | None = None,
    candidates: _commands.ProgramSource | Sequence[_commands.ProgramSource] | None = None,
    max_flips: int | None = None,
    allow_at_risk: bool | None = None,
    **options: Any,
) -> AuditResult:
    """Audits the model and fails the test where a candidate decides otherwise than the reference. Returns the audit.

    model, data, labels, decision, candidates and further options (reference, score, output, profile_files, ...) are
    those of `assay.audit`; what is left out is taken from the marker `@pytest.mark.assay(...)`.
    max_flips: samples of each candidate that may be decided otherwise; 0 if neither says.
    allow_at_risk: whether samples may be decided otherwise under some variants of a device; True if neither says.
    Raises DecisionsChange, an AssertionError that shows the samples, their margins, the evidence and what to do;
    AssayError as `assay.audit`.
    """
    __tracebackhide__ = True
    test = _running.get() or _Test()
    given: dict[str, Any] = {
        "decision": decision,
        "candidates": candidates,
        "max_flips": max_flips,
        "allow_at_risk": allow_at_risk,
    }
    given = {name: value for name, value in given.items() if value is not None}
    words: dict[str, Any] = test.defaults | given | options
    if test.candidates:
        words["candidates"] = test.candidates
    missing = [name for name in ("decision", "candidates") if name not in words]
    if missing:
        raise TypeError(f"{' and '.join(missing)} missing: give it here or in @pytest.mark.assay(...)")
    words["fail_on"] = "none"  # this function says what fails
    allowed, at_risk = int(words.pop("max_flips", 0)), bool(words.pop("allow_at_risk", True))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AssayMessage)  # given below, as the test's
            result = _commands.audit(model, data, labels, **words)
    except AssayError as wrong:
        raise wrong.with_traceback(None) from wrong.__cause__  # says all; how it came about is no concern of the test
    announce(result.warnings)
    bad = [c for c in result.candidates if c.verdict.flips > allowed or (c.verdict.at_risk and not at_risk)]
    if bad:
        raise DecisionsChange(_failure(result, bad, allowed, _page(test, result)), result)
    return result


def _failure(result: AuditResult, bad: list[Candidate], allowed: int, page: str) -> str:
    """What changes, what is known about why, and what to do."""
    lines = ["decisions change where the model will run:"]
    for candidate in bad:
        flips, at_risk = candidate.verdict.flips, candidate.verdict.at_risk
        plural = "" if flips == 1 else "s"
        lines.append(f"  {candidate.program}: {flips} flip{plural} (allowed: {allowed}), {at_risk} at risk")
    lines += ["", result.text.rstrip(), ""]
    for candidate in bad:
        for known in candidate.evidence[:_EVIDENCE]:
            lines.append(f"{candidate.program}: {known.what} ({known.certainty}: {known.source})")
        lines += [f"{candidate.program}: fix: {fix}" for fix in _fixes(result, candidate)]
    if page:
        lines += ["", f"page: {page}"]
    return "\n".join(lines)


def _fixes(result: AuditResult, candidate: Candidate) -> list[str]:
    """What the audit's own warnings advise for a candidate, else what is known for its profile."""
    warned = [w.fix for w in result.warnings if w.where == candidate.program and w.code == "A201" and w.fix]
    known = [fix for prefix, fix in _REMEDIES if (candidate.profile or "").startswith(prefix)]
    return warned or known or ["keep a wider type there, or allow what was examined with max_flips"]


def _page(test: _Test, result: AuditResult) -> str:
    """Writes a page, where a folder was asked for, and returns its path."""
    if test.html is None:
        return ""
    test.pages += 1
    number = f"-{test.pages}" if test.pages > 1 else ""
    page = Path(test.html) / (re.sub(r"[^\w.-]+", "-", test.name).strip("-") + number + ".html")
    page.parent.mkdir(parents=True, exist_ok=True)
    _commands.report([result], page, titles=[test.name])
    return str(page)


@pytest.fixture(name="assert_same_decisions")
def _assert_same_decisions() -> Any:
    """The function `assert_same_decisions(model, data, labels=None, decision=..., candidates=[...], ...)`."""
    return assert_same_decisions


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of the command line."""
    group = parser.getgroup("assay", "decisions of models (Assay)")
    group.addoption(
        "--assay-candidates",
        action="append",
        metavar="PROGRAM",
        help="audit this candidate instead of the tests' own; can be given again",
    )
    group.addoption("--assay-html", metavar="DIR", help="write a page into DIR for each audit that fails")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers",
        "assay(decision=..., candidates=[...], max_flips=0, ...): defaults of assert_same_decisions in this test",
    )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tells `assert_same_decisions` which test it is called from, fixtures included."""
    defaults: dict[str, Any] = {}
    for marker in item.iter_markers("assay"):  # the closest first
        defaults = {**marker.kwargs, **defaults}
    config = item.config
    test = _Test(item.nodeid, defaults, config.getoption("assay_candidates"), config.getoption("assay_html"))
    with _in(test):
        yield


@contextmanager
def _in(test: _Test) -> Iterator[None]:
    token = _running.set(test)
    try:
        yield
    finally:
        _running.reset(token)
