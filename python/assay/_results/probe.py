"""Probes that were made, and what a device made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from assay._results.base import Result
from assay._results.fingerprint import FittedPolicy


@dataclass
class MadeProbe:
    """A small model and what it shows; `identity` tells versions of it apart."""

    name: str
    group: str
    shows: str
    identity: str
    op: str
    operands: list[str]


@dataclass
class LeftOut:
    """A file that was not written, because its format cannot say the probe."""

    file: str
    reason: str


@dataclass
class ProbesMade(Result):
    """What was written: probes, files left out, scripts that record."""

    folder: str
    probes: list[MadeProbe]
    left_out: list[LeftOut]
    recorders: list[str]


@dataclass
class ProbeFit:
    """How the likeliest policy does on a probe. `verdict`: exact, rounding or unexplained.

    segments: of a function that is not exact, straight segments that the recorded values need; `by_table`: less
    than two thirds of those of the policy. constant: what it gave for every argument, empty for what varies.
    """

    name: str
    verdict: str
    elements: int
    equal: int
    worst_steps: int | None
    max_abs: float
    segments: int
    segments_expected: int
    by_table: bool
    explained_by: list[str]
    bound: float = 0.0
    bound_used: float = 0.0
    constant: str = ""


@dataclass
class ProbeGroup(ProbeFit):
    """The same for a group of probes, and each of them."""

    probes: list[ProbeFit] = field(default_factory=list)


@dataclass
class ProbeMode:
    """What one way to run the device shows. `verdict`: exact, nearest or none; `policies` give the same bits.

    not_probed: classes of operations of which no probe was recorded.
    """

    mode: str
    verdict: str
    words: str
    elements: int
    equal: int
    margin_bits: int
    policies_tried: int
    policies: list[FittedPolicy]
    groups: list[ProbeGroup]
    not_probed: list[str] = field(default_factory=list)


@dataclass
class ProbeReading(Result):
    """What a device made of the probes. `written`: the profile file, empty when none was asked for."""

    device: str
    written: str
    modes: list[ProbeMode]
