"""Which floating-point precision does a model really run in, and what does that do to its decisions?

    >>> import assay
    >>> model = assay.load("model.onnx")
    >>> model.run({"x": x}, profile="coreml-nn-gpu")
    >>> assay.audit(model, {"x": images}, labels, decision="threshold:0.5", candidates=["coreml-nn-gpu"])

Whatever a command of `assay` can do, a function here can do. `import assay as ort` takes the place of ONNX Runtime.
"""

from __future__ import annotations

from assay import backends, formats
from assay._assay import profile_names, version
from assay._commands import (
    audit,
    bench_matmul,
    bench_peak,
    bench_run,
    compare,
    convert,
    diff,
    explain,
    fingerprint,
    inspect,
    merge,
    ops,
    profile,
    profiles,
    report,
    run,
)
from assay._errors import AssayError, AssayNote, AssayWarning, UsageError
from assay._model import Model, load
from assay._results import (
    AuditResult,
    Candidate,
    Case,
    CompareResult,
    ConvertResult,
    Fingerprint,
    FingerprintResult,
    InspectResult,
    RunResult,
)

__version__ = version()

__all__ = [
    "AssayError",
    "AssayNote",
    "AssayWarning",
    "AuditResult",
    "Candidate",
    "Case",
    "CompareResult",
    "ConvertResult",
    "Fingerprint",
    "FingerprintResult",
    "InspectResult",
    "Model",
    "RunResult",
    "UsageError",
    "__version__",
    "audit",
    "backends",
    "bench_matmul",
    "bench_peak",
    "bench_run",
    "compare",
    "convert",
    "diff",
    "explain",
    "fingerprint",
    "formats",
    "inspect",
    "load",
    "merge",
    "ops",
    "profile",
    "profile_names",
    "profiles",
    "report",
    "run",
]
