"""Which operations are to blame for which decisions."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class BlamedOperation:
    """An operation that computes with floats: its number in the graph, what it writes, its node's name."""

    id: int
    name: str
    node: str
    type: str


@dataclass
class BlameRank:
    """In how many samples an operation is named, each way (docs/blame.md). `op` is an index into `operations`."""

    op: int
    points: int
    undoes: int
    causes: int
    in_smallest: int
    originates: int
    tainted: int


@dataclass
class SampleBlame:
    """What is to blame for one changed decision: lists of indices into `operations`."""

    sample: int
    verdict: str
    variant: str
    undo: list[int]
    cause: list[int]
    smallest: list[int]
    origins: list[int]
    tainted: list[int]
    runs: int
    complete: bool


@dataclass
class Blame:
    """Which operations are to blame for a candidate's changed decisions."""

    ranking: list[BlameRank]
    samples: list[SampleBlame]
    skipped: int
    most_samples: int
    most_runs: int
    operations: list[BlamedOperation] = field(repr=False)

    def named(self, rank: int = 0) -> BlamedOperation | None:
        """The operation at a place of the ranking; None where there is none."""
        return self.operations[self.ranking[rank].op] if rank < len(self.ranking) else None
