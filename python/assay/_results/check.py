"""What became of a contract."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay import _assay
from assay._results.audit import AuditResult
from assay._results.base import Result, table

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass
class Finding:
    """Something that a contract did not allow. `rule` is a name that stays: docs/check.md."""

    rule: str
    message: str


@dataclass
class CheckResult(Result):
    """Whether a contract holds; `notes` are what is different and breaks nothing.

    fail_on: the contract's. allowed: the samples whose decision may change, for each candidate of `audit`.
    """

    lock: str
    holds: bool
    updated: bool
    fail_on: str
    findings: list[Finding]
    notes: list[str]
    allowed: list[list[int]]
    audit: AuditResult

    @classmethod
    def from_report(cls, report: _assay.Report) -> Self:
        """From the extension module's report."""
        result = super().from_report(report)
        _, _, audit = report.json.partition(',"audit":')  # it comes last
        result.audit._json = audit[:-1]
        result.audit.passed, result.audit._asked = result.passed, result._asked
        return result

    def _repr_html_(self) -> str:
        rows = [[finding.rule, finding.message] for finding in self.findings]
        return f"<p>{html.escape(self.lock)} {'holds' if self.holds else 'is broken'}</p>" + table(["", ""], rows)
