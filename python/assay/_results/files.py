"""What model files state, and what was written or run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from assay._results.base import Result


@dataclass
class PortDescription:
    """An input or output in words: `type` is as "float32[1,4]"."""

    name: str
    type: str


@dataclass
class InspectResult(Result):
    """What a file states, or what a device makes of it. `program` is the resolved program, where one was asked for."""

    file: str
    format: str
    operations: int
    operators: dict[str, int]
    inputs: list[PortDescription]
    outputs: list[PortDescription]
    precision: str
    graph: str = ""
    specification_version: int | None = None
    metadata: dict[str, str] = field(default_factory=dict, repr=False)
    results_stored_as: dict[str, int] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    unstated_values: list[Any] = field(default_factory=list, repr=False)
    weights: dict[str, Any] = field(default_factory=dict, repr=False)
    states: list[Any] = field(default_factory=list, repr=False)
    notes: list[Any] = field(default_factory=list, repr=False)
    program: str = field(default="", repr=False)
    required_by: list[Any] = field(default_factory=list, repr=False)
    provider: dict[str, Any] | None = None


@dataclass
class DiffResult(Result):
    """What differs between two files."""

    a: str
    b: str
    differences: list[Any]


@dataclass
class ConvertResult(Result):
    """What was written, and for which systems."""

    model: str
    written: str
    format: str
    specification_version: int | None = None
    required_by: list[dict[str, Any]] = field(default_factory=list)
    operations: dict[str, int] = field(default_factory=dict)
    float64_as_float32: list[str] = field(default_factory=list)


@dataclass
class RunResult(Result):
    """The outputs of a run. `arrays` has them as NumPy arrays by name."""

    program: str
    emulated: bool
    variant: str
    outputs: list[dict[str, Any]] = field(repr=False)
    memory: dict[str, int] | None = None
    written: str = ""
    arrays: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict, repr=False)
