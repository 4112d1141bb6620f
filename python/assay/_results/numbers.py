"""Formats, differences and evidence: what several results are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Evidence:
    """A statement of a profile and what it rests on, or what a profile does not model."""

    what: str
    source: str
    certainty: str
    reason: str = ""


@dataclass
class Lattice:
    """Which number format values lie on. `format` is None when fewer than 32 bits of evidence say so."""

    format: str | None
    evidence_bits: int
    verdict: str
    values: int = 0
    finite: int = 0
    counted: int = 0
    whole: int = 0
    whole_bits: dict[str, int] = field(default_factory=dict)
    off: dict[str, int] = field(default_factory=dict)
    from_float64: bool = False


@dataclass
class Differences:
    """How far one output (or all of them) is from the reference's. ULPs are those of `ulp_type`."""

    max_abs: float
    max_rel: float
    max_ulp: int | None
    ulp_type: str | None
    elements: int
    equal: int
    nan_mismatches: int
    infinite: int
    reference_zeros: int
    worst: dict[str, Any] | None = None
    abs_histogram: list[list[int]] = field(default_factory=list, repr=False)
    rel_histogram: list[list[int]] = field(default_factory=list, repr=False)
    ulp_histogram: list[list[int]] = field(default_factory=list, repr=False)
    output: str = ""
    outputs: list[Differences] = field(default_factory=list, repr=False)
