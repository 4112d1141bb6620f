"""How far programs are apart, every pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay._results.base import Result, table
from assay._results.numbers import Differences, Lattice
from assay._results.trace import Conversion, Trace

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class ComparedProgram:
    """One of the programs of a comparison."""

    program: str
    variant: str
    profile: str | None
    emulated: bool
    lattice: Lattice


@dataclass
class Pair(Differences):
    """Differences of `b`'s outputs against `a`'s, all outputs together; `outputs` has each."""

    a: str = ""
    b: str = ""
    within_limits: bool = True
    trace: Trace | None = None
    conversion: Conversion | None = None


@dataclass
class CompareResult(Result):
    """How far programs are apart, every pair."""

    samples: int
    within_limits: bool
    programs: list[ComparedProgram]
    pairs: list[Pair]

    def _repr_html_(self) -> str:
        rows = [
            [p.a, p.b, f"{p.max_abs:.6g}", f"{p.max_rel:.3g}", p.max_ulp, f"{p.equal} of {p.elements}"]
            for p in self.pairs
        ]
        formats = [[p.program, p.lattice.verdict, "emulated" if p.emulated else ""] for p in self.programs]
        columns = ["a", "b", "max |b - a|", "relative", "ULPs", "equal"]
        return table(["program", "outputs lie on", ""], formats) + table(columns, rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each pair of programs and each output."""
        import pandas as pd  # noqa: PLC0415  # an optional package

        columns = ["output", "max_abs", "max_rel", "max_ulp", "elements", "equal", "nan_mismatches"]
        return pd.DataFrame(
            [
                {"a": pair.a, "b": pair.b} | {column: getattr(output, column) for column in columns}
                for pair in self.pairs
                for output in pair.outputs
            ]
        )
