"""Decisions under a reference and under candidates."""

from __future__ import annotations

import dataclasses
import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay import _assay
from assay._results.base import Result, table
from assay._results.blame import Blame
from assay._results.margins import Forecast
from assay._results.numbers import Differences, Evidence, Lattice
from assay._results.trace import Conversion, Trace

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class Case:
    """A sample that is decided otherwise than by the reference. For argmax a score is the best minus the runner-up."""

    sample: int
    label: int | None
    reference_score: float
    candidate_score: float
    reference_decision: Any
    candidate_decision: Any
    margin_ulp: float
    candidate_margin_ulp: float
    explained_by_output_rounding: bool
    variants: list[str]
    change: dict[str, Any] | None = None


@dataclass
class Verdict:
    """Numbers of samples; they add up to all of them."""

    safe: int
    at_risk: int
    flips: int


@dataclass
class Variant:
    """One way in which a device may compute, and what it gave."""

    name: str
    differs: int
    differences: Differences
    lattice: Lattice
    confusion: dict[str, Any] | list[list[int]] | None
    metrics: dict[str, Any] | None
    decisions: Any = None
    non_finite: int = 0
    undefined_by_label: Any = None
    auc_buckets: Any = field(default=None, repr=False)


@dataclass
class AuditedProgram:
    """The reference."""

    program: str
    profile: str | None
    emulated: bool
    model: str | None
    confusion: dict[str, Any] | list[list[int]] | None
    metrics: dict[str, Any] | None
    non_finite: int
    profile_identity: str | None = None
    decisions: Any = None
    undefined_by_label: Any = None
    auc_buckets: Any = field(default=None, repr=False)
    recording: dict[str, Any] | None = None


@dataclass
class Candidate:
    """A program held against the reference."""

    program: str
    profile: str | None
    variants: list[Variant]
    verdict: Verdict
    flips: list[Case]
    at_risk: list[Case]
    differences: Differences
    lattice: Lattice
    confusion: dict[str, Any] | list[list[int]] | None
    metrics: dict[str, Any] | None
    non_finite: int
    emulated: bool
    model: str | None
    storage: str
    rounding_interval: dict[str, Any] | None
    evidence: list[Evidence] = field(repr=False)
    not_modelled: list[Evidence] = field(repr=False)
    profile_identity: str | None = None
    margins: dict[str, Any] | None = field(default=None, repr=False)
    forecast: Forecast | None = None
    blame: Blame | None = None
    trace: Trace | None = None
    conversion: Conversion | None = None
    decisions: Any = None
    undefined_by_label: Any = None
    auc_buckets: Any = field(default=None, repr=False)
    recording: dict[str, Any] | None = None


@dataclass
class AuditResult(Result):
    """Which decisions change, by candidate."""

    samples: int
    decision: str
    reference: AuditedProgram
    candidates: list[Candidate]
    first_sample: int
    score: str
    score_type: str
    threshold: float | None
    classes: int
    labels: bool
    expect: int = 0

    def to_html(self) -> str:
        """A self-contained page, as `assay report` writes it."""
        request = _assay.PageRequest()
        request.texts = [self._envelope()]
        request.titles = [self.decision]
        return _assay.page(request).text

    def _repr_html_(self) -> str:
        rows = [
            [c.program, c.verdict.safe, c.verdict.at_risk, c.verdict.flips, f"{c.differences.max_abs:.3g}",
             c.lattice.verdict, "emulated" if c.emulated else ""]
            for c in self.candidates
        ]  # fmt: skip
        columns = ["program", "safe", "at risk", "flips", "max |diff|", "outputs lie on", ""]
        return f"<p>{self.samples} samples, {html.escape(self.decision)}</p>" + table(columns, rows)

    def to_pandas(self, table: str = "candidates") -> pd.DataFrame:
        """A row for each candidate, or with `table="cases"` one for each sample that is at risk or flips."""
        import pandas as pd  # noqa: PLC0415  # an optional package

        if table == "cases":
            cases = [
                {"program": c.program, "verdict": verdict} | dataclasses.asdict(case)
                for c in self.candidates
                for verdict, found in (("flips", c.flips), ("at risk", c.at_risk))
                for case in found
            ]
            columns = ["program", "verdict", *(f.name for f in dataclasses.fields(Case))]
            return pd.DataFrame(cases, columns=columns)
        if table != "candidates":
            raise ValueError(f"the tables are 'candidates' and 'cases', not {table!r}")
        return pd.DataFrame(
            [
                {
                    "program": c.program,
                    "profile": c.profile,
                    "emulated": c.emulated,
                    "safe": c.verdict.safe,
                    "at_risk": c.verdict.at_risk,
                    "flips": c.verdict.flips,
                    "max_abs": c.differences.max_abs,
                    "max_ulp": c.differences.max_ulp,
                    "format": c.lattice.format,
                }
                for c in self.candidates
            ]
        )
