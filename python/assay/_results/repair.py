"""The smallest change that keeps decisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from assay._results.base import Result
from assay._results.blame import BlamedOperation


@dataclass
class Standing:
    """How a program does on a part of the data; a sample flips where any variant decides otherwise."""

    samples: int
    flips: int
    max_error: float | None = None


@dataclass
class Cost:
    """What operations in float32 cost beyond 16 bits, in one run of one sample."""

    total: int
    bytes: int
    multiply_adds: int
    casts: int
    cast_bytes: int


@dataclass
class FreeFix:
    """A change of no type, tried."""

    kind: str
    what: str
    program: str
    searched: Standing
    held_out: Standing
    meets: bool


@dataclass
class FrontPoint:
    """A set of operations in float32: `kept` are indices into `operations`."""

    kept: list[int]
    cost: Cost
    searched: Standing
    held_out: Standing


@dataclass
class WrittenFile:
    """A file that was written, and run again."""

    path: str
    program: str
    standing: Standing
    meets: bool
    right: int | None = None
    note: str = ""


@dataclass
class RepairResult(Result):
    """The smallest change that keeps a model's decisions (docs/repair.md). `.passed` is `reached`."""

    goal: str
    reached: bool
    reference: str
    candidate: str
    searched_program: str
    model: str | None
    samples: int
    first_sample: int
    held_out: list[int]
    moved: list[int]
    before: dict[str, Any]
    right: dict[str, int | None]
    rescaled: list[str]
    unrescaled: Standing | None
    free_fixes: list[FreeFix]
    found: bool
    minimal: bool
    kept: list[int]
    kept_operations: list[int]
    cost: Cost
    cost_of_float32: Cost
    float32_is_better: bool
    searched: Standing
    validated: Standing
    front: list[FrontPoint]
    sets: int
    most_sets: int
    operations: list[BlamedOperation] = field(repr=False)
    always_float32: list[BlamedOperation] = field(repr=False)
    carried_float32: list[BlamedOperation] = field(repr=False)
    files: list[WrittenFile]
