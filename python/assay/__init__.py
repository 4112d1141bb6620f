"""Which floating-point precision does a model really run in, and what does that do to its decisions?

    >>> import assay
    >>> model = assay.load("model.onnx")
    >>> model.run({"x": x}, profile="coreml-nn-gpu")
    >>> assay.audit(model, {"x": images}, labels, decision="threshold:0.5", candidates=["coreml-nn-gpu"])

Whatever a command of `assay` can do, a function here can do. `import assay as ort` takes the place of ONNX Runtime.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay import backends, capi, formats
from assay._assay import profile_names, version
from assay._commands import (
    audit,
    bench_matmul,
    bench_ops,
    bench_peak,
    bench_run,
    check,
    compare,
    convert,
    diff,
    explain,
    fingerprint,
    inspect,
    merge,
    ops,
    probe_make,
    probe_read,
    profile,
    profiles,
    repair,
    report,
    run,
)
from assay._errors import AssayError, AssayMessage, AssayNote, AssayWarning, UsageError
from assay._model import Model, load
from assay._ort_options import ExecutionMode, ExecutionOrder, GraphOptimizationLevel, RunOptions, SessionOptions
from assay._ort_value import IOBinding, OrtValue
from assay._results import (
    AuditResult,
    Blame,
    Breakdown,
    Candidate,
    Case,
    CheckResult,
    CompareResult,
    Conversion,
    ConvertResult,
    Distance,
    Finding,
    Fingerprint,
    FingerprintResult,
    InspectResult,
    PolicyFit,
    ProbeReading,
    ProbesMade,
    RepairResult,
    RunResult,
    Trace,
    TracedOperation,
)
from assay._session import (
    InferenceSession,
    ModelMetadata,
    NodeArg,
    disable_telemetry_events,
    enable_telemetry_events,
    get_all_providers,
    get_available_providers,
    get_device,
    get_version_string,
    set_default_logger_severity,
    set_default_logger_verbosity,
    set_seed,
)

if TYPE_CHECKING:
    from assay import distributed

__version__ = version()

__all__ = [
    "AssayError",
    "AssayMessage",
    "AssayNote",
    "AssayWarning",
    "AuditResult",
    "Blame",
    "Breakdown",
    "Candidate",
    "Case",
    "CheckResult",
    "CompareResult",
    "Conversion",
    "ConvertResult",
    "Distance",
    "ExecutionMode",
    "ExecutionOrder",
    "Finding",
    "Fingerprint",
    "FingerprintResult",
    "GraphOptimizationLevel",
    "IOBinding",
    "InferenceSession",
    "InspectResult",
    "Model",
    "ModelMetadata",
    "NodeArg",
    "OrtValue",
    "PolicyFit",
    "ProbeReading",
    "ProbesMade",
    "RepairResult",
    "RunOptions",
    "RunResult",
    "SessionOptions",
    "Trace",
    "TracedOperation",
    "UsageError",
    "__version__",
    "audit",
    "backends",
    "bench_matmul",
    "bench_ops",
    "bench_peak",
    "bench_run",
    "capi",
    "check",
    "compare",
    "convert",
    "diff",
    "disable_telemetry_events",
    "distributed",
    "enable_telemetry_events",
    "explain",
    "fingerprint",
    "formats",
    "get_all_providers",
    "get_available_providers",
    "get_device",
    "get_version_string",
    "inspect",
    "load",
    "merge",
    "ops",
    "probe_make",
    "probe_read",
    "profile",
    "profile_names",
    "profiles",
    "repair",
    "report",
    "run",
    "set_default_logger_severity",
    "set_default_logger_verbosity",
    "set_seed",
]


def __getattr__(name: str) -> Any:
    """`assay.distributed` is loaded when it is first named: most users have no cluster."""
    if name == "distributed":
        import importlib  # noqa: PLC0415

        return importlib.import_module("assay.distributed")
    raise AttributeError(f"module 'assay' has no attribute {name!r}")
