"""Times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay._results.base import Result, frame, table

if TYPE_CHECKING:
    import pandas as pd


@dataclass
class BenchRunResult(Result):
    """Wall and processor time of repeated runs, in milliseconds."""

    program: str
    wall_ms: list[float]
    cpu_ms: list[float]


@dataclass
class MatmulWay:
    """One way to multiply. `format` and `accumulator` are told from its numbers: what results lie on, what sums had."""

    name: str
    what: str
    emulated: bool
    format: str | None
    evidence_bits: int
    accumulator: str
    wall_ms: list[float]
    median_ms: float
    gflops: float
    ratio: float


@dataclass
class BenchMatmulResult(Result):
    """A square matrix product in several precisions."""

    size: int
    threads: int
    ways: list[MatmulWay]

    def _repr_html_(self) -> str:
        rows = [
            [
                w.name,
                f"{w.median_ms:.4g}",
                f"{w.ratio:.2f}",
                w.format or "",
                w.accumulator,
                "emulated" if w.emulated else "",
            ]
            for w in self.ways
        ]
        return table(["", "median ms", "ratio", "results lie on", "sums in", ""], rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each way to multiply."""
        return frame(self.ways)


@dataclass
class OperatorTimes:
    """One operator. `status`: timed, skipped (ONNX Runtime has it not: `why`) or wrong (the results differ: `why`)."""

    name: str
    operands: str
    status: str
    why: str
    median_ms: float | None
    ort_median_ms: float | None
    ratio: float | None
    ms: list[float]
    ort_ms: list[float]


@dataclass
class BenchOpsResult(Result):
    """Operators beside ONNX Runtime (`ort`, its version; None where there is none), in milliseconds of `clock`."""

    processor: str
    isa: str
    threads: int
    clock: str
    ort: str | None
    operators: list[OperatorTimes]

    def _repr_html_(self) -> str:
        def text(number: float | None) -> str:
            return "" if number is None else f"{number:.4g}"

        rows = [
            [o.name, text(o.median_ms), text(o.ort_median_ms), text(o.ratio) or o.status, o.why] for o in self.operators
        ]
        return table(["", "ms", "ONNX Runtime ms", "ratio", ""], rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each operator."""
        return frame(self.operators)


@dataclass
class BenchPeakResult(Result):
    """The machine's fused multiply-add peak on the chosen code path, in 10^9 operations per second."""

    gflops: float
    isa: str
    threads: int
    size: int | None = None
    product_gflops: float | None = None
