"""What a lock-step run says of each operation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Distance:
    """How far one value is from what it is compared with."""

    max_abs: float
    max_rel: float
    max_ulp: int
    ulp_type: str | None
    elements: int
    equal: int
    nan_mismatches: int
    infinite: int
    reference_zeros: int
    worst: dict[str, Any] | None
    snr: dict[str, Any]
    misshapen: int


@dataclass
class TracedOperation:
    """What a lock-step run says of one operation (docs/trace.md). `reads` are indices into the trace's `ops`."""

    id: int
    name: str
    node: str
    type: str
    dims: str
    reads: list[int]
    storage: str
    precision_bits: int
    limit: float
    headroom_bits: float | None
    verdict: str
    terms: int
    rounding: float
    excess: float
    excess_decibels: float
    reference_is_off: bool
    introduced: Distance | None = field(repr=False)
    accumulated: Distance | None = field(repr=False)
    noise_introduced: Distance | None = field(repr=False)
    noise_accumulated: Distance | None = field(repr=False)
    exact_reference: Distance | None = field(repr=False)
    exact_candidate: Distance | None = field(repr=False)
    reference: dict[str, Any] = field(repr=False)
    candidate: dict[str, Any] = field(repr=False)
    lost: dict[str, Any] = field(repr=False)


@dataclass
class Breakdown:
    """What breaks down as a whole, and the first operation where it does; `op` is an index into the trace's `ops`."""

    what: str
    op: int
    name: str
    sample: int
    samples: int


@dataclass
class Trace:
    """Two programs of one model, operation by operation."""

    says: str
    variant: str
    samples: int
    exact_samples: int
    noise_order: str
    breakdowns: list[Breakdown]
    ranking: list[int]
    ops: list[TracedOperation] = field(repr=False)

    def worst(self, rank: int = 0) -> TracedOperation | None:
        """The operation at a place of the ranking; None where there is none."""
        return self.ops[self.ranking[rank]] if rank < len(self.ranking) else None


@dataclass
class Conversion:
    """Whether two models are the same in float64: `outcome` is same, narrowed or changed (docs/trace.md)."""

    says: str
    outcome: str
    samples: int
    compared: int
    first: dict[str, Any] | None
