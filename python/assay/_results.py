"""What commands find out, as plain dataclasses: fields are named as the keys of the command's JSON."""

from __future__ import annotations

import dataclasses
import html
import json
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from assay import _assay
from assay._errors import AssayMessage, warnings_in

if TYPE_CHECKING:
    import pandas as pd
    from typing_extensions import Self

_NOT_FINITE = {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}


def build(hint: Any, value: Any) -> Any:
    """A JSON value as a type of this module: dataclasses by their fields, keys that they do not know left out."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        options = [option for option in typing.get_args(hint) if option is not type(None)]
        return None if value is None else build(options[0], value) if len(options) == 1 else value
    if origin is list:
        (item,) = typing.get_args(hint)
        return [build(item, part) for part in value]
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        known = [f.name for f in dataclasses.fields(hint) if f.name in value]
        return typing.cast(Any, hint)(**{name: build(hints[name], value[name]) for name in known})
    if hint is float:
        return _NOT_FINITE[value] if isinstance(value, str) else float(value)
    return value


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _frame(rows: list[Any]) -> pd.DataFrame:
    """Dataclasses as rows."""
    import pandas as pd  # noqa: PLC0415  # an optional package

    return pd.DataFrame([dataclasses.asdict(row) for row in rows])


@dataclass(kw_only=True)
class Result:
    """What every result has.

    Attributes: `text`, the result for people, as the command prints it; `warnings`; `passed`, whether all checks held.
    """

    text: str = field(default="", repr=False)
    warnings: list[AssayMessage] = field(default_factory=list, repr=False)
    passed: bool = True
    _json: str = field(default="null", repr=False)

    @classmethod
    def from_report(cls, report: _assay.Report) -> Self:
        """From the extension module's report."""
        result: Self = build(cls, cls._keys(json.loads(report.json)))
        result.text, result.passed, result._json = report.text, report.passed, report.json
        result.warnings = warnings_in(report.warnings)
        return result

    @classmethod
    def _keys(cls, value: Any) -> Any:
        """The command's JSON as an object whose keys are the fields."""
        return value

    def to_json(self) -> str:
        """The command's `result`: the same bytes for the same question."""
        return self._json

    def to_html(self) -> str:
        """As HTML: a part of a page."""
        return self._repr_html_()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"

    def __str__(self) -> str:
        return self.text


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


@dataclass
class Case:
    """A sample that is decided otherwise than by the reference. For argmax a score is the best minus the runner-up."""

    sample: int
    label: int | None
    reference_score: float
    candidate_score: float
    reference_decision: Any
    candidate_decision: Any
    margin_ulp: float
    candidate_margin_ulp: float
    explained_by_output_rounding: bool
    variants: list[str]
    change: dict[str, Any] | None = None


@dataclass
class Verdict:
    """Numbers of samples; they add up to all of them."""

    safe: int
    at_risk: int
    flips: int


@dataclass
class Variant:
    """One way in which a device may compute, and what it gave."""

    name: str
    differs: int
    differences: Differences
    lattice: Lattice
    confusion: dict[str, Any] | list[list[int]] | None
    metrics: dict[str, Any] | None
    decisions: Any = None
    non_finite: int = 0
    undefined_by_label: Any = None
    auc_buckets: Any = field(default=None, repr=False)


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


@dataclass
class AuditedProgram:
    """The reference."""

    program: str
    profile: str | None
    emulated: bool
    model: str | None
    confusion: dict[str, Any] | list[list[int]] | None
    metrics: dict[str, Any] | None
    non_finite: int
    profile_identity: str | None = None
    decisions: Any = None
    undefined_by_label: Any = None
    auc_buckets: Any = field(default=None, repr=False)
    recording: dict[str, Any] | None = None


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


@dataclass
class Candidate:
    """A program held against the reference."""

    program: str
    profile: str | None
    variants: list[Variant]
    verdict: Verdict
    flips: list[Case]
    at_risk: list[Case]
    differences: Differences
    lattice: Lattice
    confusion: dict[str, Any] | list[list[int]] | None
    metrics: dict[str, Any] | None
    non_finite: int
    emulated: bool
    model: str | None
    storage: str
    rounding_interval: dict[str, Any] | None
    evidence: list[Evidence] = field(repr=False)
    not_modelled: list[Evidence] = field(repr=False)
    profile_identity: str | None = None
    margins: dict[str, Any] | None = field(default=None, repr=False)
    forecast: Forecast | None = None
    blame: Blame | None = None
    trace: Trace | None = None
    conversion: Conversion | None = None
    decisions: Any = None
    undefined_by_label: Any = None
    auc_buckets: Any = field(default=None, repr=False)
    recording: dict[str, Any] | None = None


@dataclass
class AuditResult(Result):
    """Which decisions change, by candidate."""

    samples: int
    decision: str
    reference: AuditedProgram
    candidates: list[Candidate]
    first_sample: int
    score: str
    score_type: str
    threshold: float | None
    classes: int
    labels: bool
    expect: int = 0

    def to_html(self) -> str:
        """A self-contained page, as `assay report` writes it."""
        request = _assay.PageRequest()
        request.texts = [self._json]
        request.titles = [self.decision]
        return _assay.page(request).text

    def _repr_html_(self) -> str:
        rows = [
            [c.program, c.verdict.safe, c.verdict.at_risk, c.verdict.flips, f"{c.differences.max_abs:.3g}",
             c.lattice.verdict, "emulated" if c.emulated else ""]
            for c in self.candidates
        ]  # fmt: skip
        columns = ["program", "safe", "at risk", "flips", "max |diff|", "outputs lie on", ""]
        return f"<p>{self.samples} samples, {html.escape(self.decision)}</p>" + _table(columns, rows)

    def to_pandas(self, table: str = "candidates") -> pd.DataFrame:
        """A row for each candidate, or with `table="cases"` one for each sample that is at risk or flips."""
        import pandas as pd  # noqa: PLC0415  # an optional package

        if table == "cases":
            cases = [
                {"program": c.program, "verdict": verdict} | dataclasses.asdict(case)
                for c in self.candidates
                for verdict, found in (("flips", c.flips), ("at risk", c.at_risk))
                for case in found
            ]
            columns = ["program", "verdict", *(f.name for f in dataclasses.fields(Case))]
            return pd.DataFrame(cases, columns=columns)
        if table != "candidates":
            raise ValueError(f"the tables are 'candidates' and 'cases', not {table!r}")
        return pd.DataFrame(
            [
                {
                    "program": c.program,
                    "profile": c.profile,
                    "emulated": c.emulated,
                    "safe": c.verdict.safe,
                    "at_risk": c.verdict.at_risk,
                    "flips": c.verdict.flips,
                    "max_abs": c.differences.max_abs,
                    "max_ulp": c.differences.max_ulp,
                    "format": c.lattice.format,
                }
                for c in self.candidates
            ]
        )


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


@dataclass
class Finding:
    """Something that a contract did not allow. `rule` is a name that stays: docs/check.md."""

    rule: str
    message: str


@dataclass
class CheckResult(Result):
    """Whether a contract holds; `notes` are what is different and breaks nothing."""

    lock: str
    holds: bool
    updated: bool
    findings: list[Finding]
    notes: list[str]
    audit: AuditResult

    @classmethod
    def from_report(cls, report: _assay.Report) -> Self:
        """From the extension module's report."""
        result = super().from_report(report)
        _, _, audit = report.json.partition(',"audit":')  # it comes last
        result.audit._json = audit[:-1]
        result.audit.passed = result.passed
        return result

    def _repr_html_(self) -> str:
        rows = [[finding.rule, finding.message] for finding in self.findings]
        return f"<p>{html.escape(self.lock)} {'holds' if self.holds else 'is broken'}</p>" + _table(["", ""], rows)


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
        return _table(["program", "outputs lie on", ""], formats) + _table(columns, rows)

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
    """Values below the smallest normal magnitude of a format (`seen`), and up to its double (`beside`)."""

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

    bound: what "within rounding" allows, where it was asked; `bound_used`: the largest difference over it.
    """

    name: str
    elements: int
    equal: int
    cost_bits: int
    worst_steps: int
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
        return _table(["array", "type", "format", "verdict"], rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each array."""
        return _frame(self.arrays)


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
    than two thirds of those of the policy.
    """

    name: str
    verdict: str
    elements: int
    equal: int
    worst_steps: int
    max_abs: float
    segments: int
    segments_expected: int
    by_table: bool
    explained_by: list[str]
    bound: float = 0.0
    bound_used: float = 0.0


@dataclass
class ProbeGroup(ProbeFit):
    """The same for a group of probes, and each of them."""

    probes: list[ProbeFit] = field(default_factory=list)


@dataclass
class ProbeMode:
    """What one way to run the device shows. `verdict`: exact, nearest or none; `policies` give the same bits."""

    mode: str
    verdict: str
    words: str
    elements: int
    equal: int
    margin_bits: int
    policies_tried: int
    policies: list[FittedPolicy]
    groups: list[ProbeGroup]


@dataclass
class ProbeReading(Result):
    """What a device made of the probes. `written`: the profile file, empty when none was asked for."""

    device: str
    written: str
    modes: list[ProbeMode]


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


@dataclass
class ProfileSummary:
    """A profile in one line."""

    name: str
    doc: str
    storage: str
    variants: list[str]


@dataclass
class ProfilesResult(Result):
    """The profiles there are."""

    profiles: list[ProfileSummary]

    @classmethod
    def _keys(cls, value: Any) -> Any:
        return {"profiles": value}

    def _repr_html_(self) -> str:
        return _table(["profile", "storage", ""], [[p.name, p.storage, p.doc] for p in self.profiles])

    def to_pandas(self) -> pd.DataFrame:
        """A row for each profile."""
        return _frame(self.profiles)


@dataclass
class ProfileVariant:
    """One way in which a device may compute: statements with their evidence."""

    name: str
    doc: str
    storage: str
    statements: list[dict[str, Any]]


@dataclass
class ProfileResult(Result):
    """What is known of a device, from where, and how sure."""

    name: str
    doc: str
    storage: str
    variants: list[ProfileVariant]
    not_modelled: list[dict[str, Any]]


@dataclass
class TableResult(Result):
    """Rows as the command's JSON has them: operators, codes."""

    rows: list[dict[str, Any]]

    @classmethod
    def _keys(cls, value: Any) -> Any:
        return {"rows": value if isinstance(value, list) else [value]}

    def to_pandas(self) -> pd.DataFrame:
        """A row for each."""
        import pandas as pd  # noqa: PLC0415  # an optional package

        return pd.DataFrame(self.rows)


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
        return _table(["", "median ms", "ratio", "results lie on", "sums in", ""], rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each way to multiply."""
        return _frame(self.ways)


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
        return _table(["", "ms", "ONNX Runtime ms", "ratio", ""], rows)

    def to_pandas(self) -> pd.DataFrame:
        """A row for each operator."""
        return _frame(self.operators)


@dataclass
class BenchPeakResult(Result):
    """The machine's fused multiply-add peak on the chosen code path, in 10^9 operations per second."""

    gflops: float
    isa: str
    threads: int
    size: int | None = None
    product_gflops: float | None = None
