"""Which format outputs lie on, and which policies explain them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay._results.base import Result, frame, table
from assay._results.numbers import Lattice

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class ValueRange:
    """Where the values of an array end. `clamped`, `overflowed`: the format whose range ends there."""

    largest: float
    at_largest: int
    least: float
    infinite: int
    nan: int
    clamped: str | None = None
    overflowed: str | None = None


@dataclass
class Subnormals:
    """Values below the smallest normal magnitude of a format (`seen`), and different ones up to its double (`beside`).

    evidence_bits: that they are flushed; 0 where that is not said.
    """

    format: str
    seen: int
    beside: int
    flushed: bool
    evidence_bits: int


@dataclass
class ScaledIntegers:
    """Values that are integers of at most 8 bits times a scale; zero points from lowest to highest."""

    scale: float
    lowest: int
    highest: int
    levels: int
    evidence_bits: int
    int8_zero_points: list[int]
    uint8_zero_points: list[int]


@dataclass
class MixedSlices:
    """Slices along one axis that lie on a narrower format than the others."""

    axis: int
    format: str
    narrow: list[int]
    wide: list[int]
    evidence_bits: int


@dataclass
class Fingerprint(Lattice):
    """Which number format an array's values lie on, and what else they tell."""

    name: str = ""
    type: str = ""
    shape: list[int] = field(default_factory=list)
    range: ValueRange | None = None
    subnormals: list[Subnormals] = field(default_factory=list)
    scaled: ScaledIntegers | None = None
    mixed: MixedSlices | None = None


@dataclass
class FittedPolicy:
    """A policy: a profile's variant and what was changed of it. `words` says it in words."""

    profile: str
    variant: str
    changes: list[str]
    words: str


@dataclass
class ArrayFit:
    """A recorded array against what a policy gives.

    worst_steps: None, and `max_abs` NaN, where a NaN is on one side alone.
    bound: what "within rounding" allows, where it was asked; `bound_used`: the largest difference over it.
    """

    name: str
    elements: int
    equal: int
    cost_bits: int
    worst_steps: int | None
    max_abs: float
    bound: float | None = None
    bound_used: float | None = None


@dataclass
class FitGroup:
    """Policies that give the same bits. `kind`: exact, rounding, excluded or unchecked."""

    kind: str
    words: str
    likelihood: float
    elements: int
    equal: int
    cost_bits: int
    policies: list[FittedPolicy]
    arrays: list[ArrayFit]


@dataclass
class FitStart:
    """Where a defect starts: the first recorded array beyond rounding, its operation, the arrays before it.

    among: how many operations it may start in, of which nothing else was recorded; 1: in that one.
    """

    array: str
    operation: str
    after: list[str]
    among: int = 1


@dataclass
class PolicyFit:
    """Which policies explain outputs. `verdict`: exact, rounding or not-rounding; groups are likeliest first.

    telling: recorded values that tell formats apart.
    margin_bits: by how much the next explanation costs more; `format_bits`: what the values alone say for the format
    that the likeliest policy stores.
    may_be_chance: below 32 bits of margin, or of fewer than 64 values that tell formats apart and of no evidence for
        one, a policy that was not tried may give all these bits too.
    foreign: policies that were not run, as half of the recorded values or more lie off the format they round to.
    """

    verdict: str
    explanation: str | None
    named: int
    combined: int
    runs: int
    margin_bits: int
    groups: list[FitGroup]
    starts: FitStart | None = None
    foreign: list[FittedPolicy] = field(default_factory=list)
    telling: int = 0
    format_bits: int = 0
    may_be_chance: bool = False


@dataclass
class FingerprintResult(Result):
    """One fingerprint for each floating-point array; `fit` where a model was given."""

    arrays: list[Fingerprint]
    fit: PolicyFit | None = None

    def __getitem__(self, name: str) -> Fingerprint:
        for array in self.arrays:
            if array.name == name:
                return array
        raise KeyError(name)

    def _repr_html_(self) -> str:
        rows = [[a.name, f"{a.type}{a.shape}", a.format or "", a.verdict] for a in self.arrays]
        return table(["array", "type", "format", "verdict"], rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each array."""
        return frame(self.arrays)
