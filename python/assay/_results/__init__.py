"""What commands find out, as plain dataclasses: fields are named as the keys of the command's JSON."""

from assay._results.audit import AuditedProgram, AuditResult, Candidate, Case, Variant, Verdict
from assay._results.base import Result, build
from assay._results.bench import (
    BenchMatmulResult,
    BenchOpsResult,
    BenchPeakResult,
    BenchRunResult,
    MatmulWay,
    OperatorTimes,
)
from assay._results.blame import Blame, BlamedOperation, BlameRank, SampleBlame
from assay._results.check import CheckResult, Finding
from assay._results.compare import ComparedProgram, CompareResult, Pair
from assay._results.files import ConvertResult, DiffResult, InspectResult, PortDescription, RunResult
from assay._results.fingerprint import (
    ArrayFit,
    Fingerprint,
    FingerprintResult,
    FitGroup,
    FitStart,
    FittedPolicy,
    MixedSlices,
    PolicyFit,
    ScaledIntegers,
    Subnormals,
    ValueRange,
)
from assay._results.margins import Expected, Forecast, Proof
from assay._results.numbers import Differences, Evidence, Lattice
from assay._results.probe import LeftOut, MadeProbe, ProbeFit, ProbeGroup, ProbeMode, ProbeReading, ProbesMade
from assay._results.repair import Cost, FreeFix, FrontPoint, RepairResult, Standing, WrittenFile
from assay._results.tables import ProfileResult, ProfilesResult, ProfileSummary, ProfileVariant, TableResult
from assay._results.trace import Breakdown, Conversion, Distance, Trace, TracedOperation

__all__ = [
    "ArrayFit",
    "AuditResult",
    "AuditedProgram",
    "BenchMatmulResult",
    "BenchOpsResult",
    "BenchPeakResult",
    "BenchRunResult",
    "Blame",
    "BlameRank",
    "BlamedOperation",
    "Breakdown",
    "Candidate",
    "Case",
    "CheckResult",
    "CompareResult",
    "ComparedProgram",
    "Conversion",
    "ConvertResult",
    "Cost",
    "DiffResult",
    "Differences",
    "Distance",
    "Evidence",
    "Expected",
    "Finding",
    "Fingerprint",
    "FingerprintResult",
    "FitGroup",
    "FitStart",
    "FittedPolicy",
    "Forecast",
    "FreeFix",
    "FrontPoint",
    "InspectResult",
    "Lattice",
    "LeftOut",
    "MadeProbe",
    "MatmulWay",
    "MixedSlices",
    "OperatorTimes",
    "Pair",
    "PolicyFit",
    "PortDescription",
    "ProbeFit",
    "ProbeGroup",
    "ProbeMode",
    "ProbeReading",
    "ProbesMade",
    "ProfileResult",
    "ProfileSummary",
    "ProfileVariant",
    "ProfilesResult",
    "Proof",
    "RepairResult",
    "Result",
    "RunResult",
    "SampleBlame",
    "ScaledIntegers",
    "Standing",
    "Subnormals",
    "TableResult",
    "Trace",
    "TracedOperation",
    "ValueRange",
    "Variant",
    "Verdict",
    "WrittenFile",
    "build",
]
