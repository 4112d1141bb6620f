"""How near decisions are to flipping."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Expected:
    """Flips to expect among `samples` more like those of the audit, with an interval of the given confidence."""

    samples: int
    flips: float
    low: float
    high: float
    confidence: float
    method: str


@dataclass
class Proof:
    """How many decisions cannot flip; `stops` are the operations beyond which there is no bound, and why.

    `first_unbounded`: of the first sample without a bound though every operation has a rule, where it is lost.
    """

    proved: int
    unproved: int
    unbounded: int
    method: str
    stops: list[dict[str, str]]
    first_unbounded: dict[str, Any] | None
    margin_in_bounds: list[list[int]] = field(default_factory=list, repr=False)


@dataclass
class Forecast:
    """How near the decisions of the primary variant are to flipping (docs/margins.md)."""

    samples: int
    flips: int
    unchanged: int
    undefined: int
    margin_in_errors: list[list[int]] = field(repr=False)
    error_ulp: list[list[int]] = field(repr=False)
    leads_negative: list[list[int]] = field(repr=False)
    on_boundary_negative: int
    errors_down: list[list[int]] = field(repr=False)
    leads: list[list[int]] = field(repr=False)
    on_boundary: int
    errors_up: list[list[int]] = field(repr=False)
    expected: Expected
    proof: Proof | None = None
