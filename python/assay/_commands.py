"""What Assay can do, as functions: one for each command of the command line, with the same meaning."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from assay import _assay, _results
from assay._arguments import named
from assay._dtypes import numpy_type
from assay._errors import AssayError, UsageError, announce
from assay._source import ModelFile, ModelSource, path_text
from assay.backends import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack

Path = str | os.PathLike[str]
Arrays = Mapping[str, Any]
"""Arrays by the names of the model's inputs: NumPy arrays, or what exports DLPack or a buffer."""
ProgramSource = str | Backend | Callable[[dict[str, Any]], Any]
"""`[FILE@]PROFILE`, `[FILE@]PROVIDER[:key=value,...]`, `recorded:FILE.npz`, `ort:NAME`, or a function of the inputs."""


class Common(TypedDict, total=False):
    """What every function that computes takes.

    threads: 0 (default): one per core. Results do not depend on it.
    isa: scalar, avx2, avx512, neon or best (default). Results do not depend on it.
    profile_files: profiles of your own (docs/profiles.md).
    max_memory: bytes that tensors may take, of the whole process; 0 (default): three quarters of the machine's.
    max_iterations: of a loop of a model before it is refused (A106); 0 (default): 1,000,000.
    progress: called with (what, done, total) on long work; total is 0 where it is not known.
    """

    threads: int
    isa: str
    profile_files: Sequence[Path]
    max_memory: int
    max_iterations: int
    progress: Callable[[str, int, int], None] | None


# Finds what this process finds, and nothing of the working directory: code that came with a model must not run.
_WORKER = "import sys; sys.path[:] = {}; from assay import _assay; sys.exit(_assay.main(['worker']))"
_MOST_THREADS = 1024


def listed(values: Any) -> list[Any]:
    """A list of values; one alone, a text or a path, is a list of one."""
    return [values] if isinstance(values, (str, os.PathLike)) or callable(values) else list(values)


def settings_of(
    threads: int = 0,
    isa: str = "best",
    profile_files: Sequence[Path] = (),
    max_memory: int = 0,
    max_iterations: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> _assay.Settings:
    """The keyword arguments of `Common` as the extension module takes them."""
    import sys  # noqa: PLC0415

    if not 0 <= threads <= _MOST_THREADS:
        raise UsageError("A001", f"threads takes 0 (one per core) to {_MOST_THREADS}, not {threads}", "threads")
    settings = _assay.Settings()
    settings.threads = threads
    settings.isa = isa
    for name, limit in (("max_memory", max_memory), ("max_iterations", max_iterations)):
        if not 0 <= limit < 2**63:
            raise UsageError("A001", f"{name} takes 0 (the default) or more, not {limit}", name)
    settings.max_memory = max_memory
    settings.max_iterations = max_iterations
    settings.profile_files = [path_text(file) for file in listed(profile_files)]
    settings.worker = [sys.executable, "-I", "-c", _WORKER.format([path for path in sys.path if os.path.isabs(path)])]
    settings.set_progress(progress)
    return settings


class _Programs:
    """Programs as words; functions among them are given to the settings under names of their own."""

    def __init__(self, settings: _assay.Settings) -> None:
        self._settings = settings
        self._names: dict[str, int] = {}

    def spec(self, program: ProgramSource) -> str:
        if isinstance(program, str):
            return program
        if not callable(program):
            raise TypeError(f"a program is a name or a function, not {type(program).__name__}")
        name = str(getattr(program, "name", None) or getattr(program, "__name__", None) or type(program).__name__)
        known = self._names.get(name)
        if known == id(program):
            return f"callable:{name}"
        if known is not None:
            name = f"{name}-{len(self._names) + 1}"
        self._names[name] = id(program)
        self._settings.add_callable(name, program)
        return f"callable:{name}"


def _give_data(request: Any, file: str, data: Arrays | Path | None) -> None:
    """Arrays in memory, or the name of a file."""
    if data is None:
        return
    if isinstance(data, (str, os.PathLike)):
        setattr(request, file, os.fspath(data))
    elif isinstance(data, Mapping):
        request.set_arrays({name: as_array(array) for name, array in data.items()})
    else:
        raise TypeError(f"data is a path or a mapping from names to arrays, not {type(data).__name__}")


def as_array(value: Any, element: str | None = None) -> Any:
    """What exports memory stays as it is; numbers and lists become arrays, of the declared type where it is known."""
    if hasattr(value, "__dlpack__") or hasattr(value, "dtype"):
        return value
    return np.asarray(value, dtype=numpy_type(element) if element else None)


@named(Common.__annotations__)
def inspect(
    model: ModelSource,
    program: str = "",
    *,
    full: bool = False,
    emit_onnx: Path | None = None,
    strict: bool = False,
    **common: Unpack[Common],
) -> _results.InspectResult:
    """What a file states, or with `program` what a device makes of it, operation by operation.

    emit_onnx: write the resolved program as plain ONNX here, for any other runtime to check.
    Raises AssayError: A1xx of the model; A202 when ONNX cannot say a policy.
    """
    request = _assay.InspectRequest()
    file = ModelFile(model)
    request.settings, request.model, request.program = settings_of(**common), file.path, program
    request.full, request.emit_onnx, request.strict = full, path_text(emit_onnx), strict
    report = _assay.inspect(request)
    announce(report.warnings)
    return _results.InspectResult.from_report(report)


@named(Common.__annotations__)
def diff(a: ModelSource, b: ModelSource, **common: Unpack[Common]) -> _results.DiffResult:
    """What differs between two files: operations, types, weights."""
    request = _assay.InspectRequest()
    files = ModelFile(a), ModelFile(b)
    request.settings, request.model, request.diff = settings_of(**common), files[0].path, files[1].path
    report = _assay.inspect(request)
    announce(report.warnings)
    return _results.DiffResult.from_report(report)


@named(Common.__annotations__)
def convert(
    model: ModelSource,
    output: Path,
    *,
    format: str = "",
    precision: str = "",
    target: str = "",
    inputs: Sequence[str] = (),
    strict: bool = False,
    **common: Unpack[Common],
) -> _results.ConvertResult:
    """Writes the model as `.mlpackage`, `.mlmodel` or `.onnx`; float32 stays float32 unless `precision` says otherwise.

    format: mlprogram or neuralnetwork. precision: float32, float16 or mixed:FILE. target: for example iOS15.
    inputs: NAME:SHAPE with sizes or ranges lo..hi. strict: a warning is an error, and nothing is written.
    Raises AssayError: A1xx of the source; A114 listing all that the format cannot say.
    """
    request = _assay.ConvertRequest()
    file = ModelFile(model)
    request.settings, request.model, request.output = settings_of(**common), file.path, path_text(output)
    request.format, request.precision, request.target = format, precision, target
    request.inputs, request.strict = listed(inputs), strict
    report = _assay.convert(request)
    announce(report.warnings)
    return _results.ConvertResult.from_report(report)


@named(Common.__annotations__)
def run(
    model: ModelSource,
    inputs: Arrays | Path | None = None,
    program: str = "",
    *,
    random: int | None = None,
    shapes: Sequence[str] = (),
    output: Path | None = None,
    intermediates: bool = False,
    **common: Unpack[Common],
) -> _results.RunResult:
    """Runs a model over data and returns its outputs in `.arrays`; with `output` they are written to an .npz file too.

    Samples along the first axis are run one after another where the model takes only one. `random` is the seed of
    random inputs, `shapes` ("NAME:2,3") their sizes. intermediates: every floating-point value inside the model too.
    To run a model many times use `assay.load`.
    Raises AssayError: A1xx of the model, A3xx of the data.
    """
    request = _assay.RunRequest()
    file = ModelFile(model)
    request.settings, request.model, request.program = settings_of(**common), file.path, program
    _give_data(request, "input", inputs)
    request.random, request.shapes, request.output = random, listed(shapes), path_text(output)
    request.intermediates = intermediates
    report = _assay.run(request)
    announce(report.warnings)
    result = _results.RunResult.from_report(report)
    result.arrays = report.arrays
    return result


@named(Common.__annotations__)
def compare(
    model: ModelSource | None,
    inputs: Arrays | Path | None = None,
    programs: Sequence[ProgramSource] = ("strict-f32",),
    *,
    random: int | None = None,
    shapes: Sequence[str] = (),
    max_abs: float | None = None,
    max_rel: float | None = None,
    max_ulp: float | None = None,
    trace: bool = False,
    trace_exact: int = 8,
    trace_accumulated: bool = False,
    **common: Unpack[Common],
) -> _results.CompareResult:
    """How far apart the outputs of programs are, every pair. `.passed` tells whether all limits hold.

    model: None where no program reads one (functions and recordings alone).
    trace: compare operation by operation with the first program (docs/trace.md); trace_exact: so many samples also in
    float64 and with sums in another order; trace_accumulated: leave out what each operation introduces (faster).
    """
    request = _assay.CompareRequest()
    settings = settings_of(**common)
    words = _Programs(settings)
    request.programs = [words.spec(program) for program in listed(programs)]
    file = None if model is None else ModelFile(model)
    request.settings, request.model = settings, "" if file is None else file.path
    _give_data(request, "input", inputs)
    request.random, request.shapes = random, listed(shapes)
    request.max_abs, request.max_rel, request.max_ulp = max_abs, max_rel, max_ulp
    request.trace = _trace_words(trace, trace_exact, trace_accumulated)
    report = _assay.compare(request)
    announce(report.warnings)
    return _results.CompareResult.from_report(report)


def _trace_words(wanted: bool, exact: int, accumulated: bool) -> _assay.TraceWords:
    if exact < 0:
        raise UsageError("A001", f"trace_exact is a number of samples, not {exact}", "trace_exact")
    words = _assay.TraceWords()
    words.wanted, words.exact, words.introduced = wanted, exact, not accumulated
    return words


@named(Common.__annotations__)
def fingerprint(
    outputs: Arrays | Path | Any,
    model: ModelSource | None = None,
    inputs: Arrays | Path | None = None,
    *,
    samples: int = 0,
    combinations: int = 400,
    **common: Unpack[Common],
) -> _results.FingerprintResult:
    """Which number format outputs lie on, with the evidence in bits: the round trip test.

    outputs: arrays by name, one array, or an .npz or .npy file.
    model, inputs: what gave the outputs; `.fit` then says which policies explain them (docs/fingerprint.md).
    samples: only the first so many are fitted; 0: all.
    combinations: how many policies are tried beside those with a name.
    Raises UsageError for a model without inputs; AssayError A1xx of the model, A3xx of the data.
    """
    request = _assay.FingerprintRequest()
    if not isinstance(outputs, (str, os.PathLike, Mapping)):
        outputs = {"array": outputs}
    _give_data(request, "file", outputs)
    file = None if model is None else ModelFile(model)
    request.settings, request.model = settings_of(**common), "" if file is None else file.path
    if isinstance(inputs, Mapping):
        request.set_inputs({name: as_array(array) for name, array in inputs.items()})
    elif inputs is not None:
        request.input = os.fspath(inputs)
    request.samples, request.combinations = samples, combinations
    report = _assay.fingerprint(request)
    announce(report.warnings)
    return _results.FingerprintResult.from_report(report)


@named(Common.__annotations__)
def probe_make(output: Path, groups: Sequence[str] = (), **common: Unpack[Common]) -> _results.ProbesMade:
    """Writes small models that tell numeric policies apart, and recorders for the runtimes that run them.

    output: a folder. groups: "matmul", "conv", "sum", "exp" and so on; none: all (docs/probe.md).
    """
    request = _assay.ProbeMakeRequest()
    request.settings, request.output, request.groups = settings_of(**common), os.fspath(output), listed(groups)
    return _results.ProbesMade.from_report(_assay.probe_make(request))


@named(Common.__annotations__)
def probe_read(
    recording: Path,
    output: Path | None = None,
    *,
    mode: str = "",
    without: Sequence[str] = (),
    combinations: int = 400,
    **common: Unpack[Common],
) -> _results.ProbeReading:
    """Which policy a device runs, from what it made of the probes.

    output: a profile file (.toml) to write. mode: of a recording of several modes the one to read.
    without: profiles that are not tried by name. combinations: how many policies are tried beside those with a name.
    Raises UsageError for wrong words; AssayError A3xx of the recording.
    """
    request = _assay.ProbeReadRequest()
    request.settings, request.recording, request.mode = settings_of(**common), os.fspath(recording), mode
    request.output, request.without, request.combinations = path_text(output), listed(without), combinations
    report = _assay.probe_read(request)
    announce(report.warnings)
    return _results.ProbeReading.from_report(report)


@named(Common.__annotations__)
def audit(
    model: ModelSource | None,
    data: Arrays | Path,
    labels: Any = None,
    *,
    decision: str,
    candidates: ProgramSource | Sequence[ProgramSource],
    reference: ProgramSource = "strict-f32",
    score: str = "",
    output: str = "",
    primary_only: bool = False,
    first_sample: int = 0,
    expect: int = 0,
    proof: bool = False,
    fail_on: str = "flips",
    html: Path | None = None,
    junit: Path | None = None,
    sarif: Path | None = None,
    markdown: Path | None = None,
    csv: Path | None = None,
    trace: bool = False,
    trace_exact: int = 8,
    trace_accumulated: bool = False,
    blame: bool = False,
    blame_runs: int = 300,
    blame_samples: int = 16,
    keep: Sequence[str] = (),
    lock: Path | None = None,
    checkpoint: Path | None = None,
    **common: Unpack[Common],
) -> _results.AuditResult:
    """Which decisions change where the model will run? `.passed` is False when one flips (`fail_on`).

    model: None where no program reads one (functions and recordings alone).
    data: arrays by input name, samples along the first axis; or an .npz or .npy file or a folder of ONNX test data.
    labels: one integer per sample, or a .npy or .csv file.
    decision: threshold:T, argmax, topk:K, ranking, boxes:..., ctc:..., argmax-sequence, tolerance:... or multilabel:...
    (docs/decision-rules.md).
    score, output: what is decided on, where the model has several outputs.
    primary_only: only each profile's first variant.
    expect: foretell the flips among so many more samples, 0: as many as there are. proof: bound what rounding can do,
    and count the decisions that cannot flip (docs/margins.md).
    html, junit, sarif, markdown: files to write reports to; csv: a folder for tables (docs/reports.md).
    trace, trace_exact, trace_accumulated: compare operation by operation, as `compare` does (docs/trace.md).
    blame: search which operations are to blame for each changed decision, with at most `blame_runs` runs of the model
    for one sample and at most `blame_samples` samples, flips first (docs/blame.md).
    keep: operations that every candidate keeps in float32, names of nodes or values. lock: write a contract here, for
    `check` (docs/check.md). checkpoint: keep what is done here, and go on from it; functions are told apart by name.
    Raises UsageError for wrong words; AssayError A1xx of the model, A3xx of the data.
    """
    request = _assay.AuditRequest()
    settings = settings_of(**common)
    words = _Programs(settings)
    request.candidates = [words.spec(candidate) for candidate in listed(candidates)]
    request.reference = words.spec(reference)
    file = None if model is None else ModelFile(model)
    request.settings, request.model = settings, "" if file is None else file.path
    _give_data(request, "data", data)
    if isinstance(labels, (str, os.PathLike)):
        request.labels = os.fspath(labels)
    elif labels is not None:
        request.label_values = _label_values(labels)
    request.decision, request.score, request.output = decision, score, output
    if first_sample < 0:
        raise UsageError("A001", f"first_sample counts from 0, not from {first_sample}", "first_sample")
    if expect < 0:
        raise UsageError("A001", f"expect is a number of samples, not {expect}", "expect")
    request.primary_only, request.first_sample = primary_only, first_sample
    request.expect, request.proof = expect, proof
    request.fail_on, request.reports = fail_on, _report_files(html, junit, sarif, markdown, csv)
    if min(blame_runs, blame_samples) < 0:
        raise UsageError("A001", "limits of the search for blame count from 0", "blame")
    request.trace = _trace_words(trace, trace_exact, trace_accumulated)
    request.blame, request.blame_runs, request.blame_samples = blame, blame_runs, blame_samples
    request.keep, request.lock, request.checkpoint = listed(keep), path_text(lock), path_text(checkpoint)
    report = _assay.audit(request)
    announce(report.warnings)
    result = _results.AuditResult.from_report(report)
    if file is not None and file.temporary:
        result._asked = ""  # nobody knows the model by that name
    return result


def _label_values(labels: Any) -> list[int]:
    values = np.asarray(labels)
    if values.ndim != 1:
        raise AssayError("A302", f"labels have the shape {list(values.shape)}", "labels", "give one label per sample")
    if values.dtype.kind not in "iub":
        whole = values.astype(np.int64) if values.dtype.kind == "f" and np.isfinite(values).all() else None
        if whole is None or (whole != values).any():
            raise AssayError("A306", f"labels are {values.dtype}", "labels", "give whole numbers")
        values = whole
    if values.dtype == np.uint64 and values.size and values.max() > np.iinfo(np.int64).max:
        raise AssayError("A306", f"a label is {values.max()}", "labels", "labels are class indices from 0")
    return [int(value) for value in values]


@named(Common.__annotations__)
def check(
    lock: Path = "assay.lock",
    *,
    update: bool = False,
    html: Path | None = None,
    junit: Path | None = None,
    sarif: Path | None = None,
    markdown: Path | None = None,
    csv: Path | None = None,
    **common: Unpack[Common],
) -> _results.CheckResult:
    """Does a contract about a model's decisions still hold? `.passed` is False when it does not (docs/check.md).

    update: write it anew as things are now; the check then passes.
    Raises AssayError A102 for what is no contract, and all that `audit` raises.
    """
    request = _assay.CheckRequest()
    request.settings, request.lock, request.update = settings_of(**common), path_text(lock), update
    request.reports = _report_files(html, junit, sarif, markdown, csv)
    report = _assay.check(request)
    announce(report.warnings)
    return _results.CheckResult.from_report(report)


@named(Common.__annotations__)
def repair(
    model: ModelSource,
    data: Arrays | Path,
    labels: Any = None,
    *,
    decision: str = "",
    candidate: str,
    reference: str = "strict-f32",
    goal: str = "no-flips",
    score: str = "",
    decide_on: str = "",
    output: Path | None = None,
    configs: Path | None = None,
    checkpoint: Path | None = None,
    hold_out: float = 0.25,
    budget: int = 2000,
    rescale: bool = False,
    primary_only: bool = False,
    first_sample: int = 0,
    **common: Unpack[Common],
) -> _results.RepairResult:
    """The smallest change that keeps a model's decisions where it will run. `.passed` is False when there is none.

    goal: no-flips, max-flips:N or max-error:X (docs/repair.md); the last needs no decision.
    output: the repaired model, .mlpackage or .onnx; it is run again, and written only where it meets the goal.
    configs: a folder for the same set of operations as configuration of other tools.
    checkpoint: what is known is saved here now and then, and read from here.
    hold_out: the share of the samples that the search does not see. budget: most sets of operations that are tried.
    rescale: search on the model with its overflowing layers rescaled by powers of two.
    decide_on, score: what is decided on, where the model has several outputs.
    Raises what `audit` raises, and AssayError A1xx where the format cannot say the model.
    """
    for name, program in (("candidate", candidate), ("reference", reference)):
        if not isinstance(program, str):
            fix = "give a profile or an emulated provider by name"
            what = f"{name} is the name of one program, not {type(program).__name__}"
            if callable(program):
                what = "repair changes what the engine runs; a function cannot be changed"
            raise UsageError("A001", what, name, fix)
    request, wanted = _assay.RepairRequest(), _assay.AuditRequest()
    file = ModelFile(model)
    wanted.settings, wanted.model = settings_of(**common), file.path
    wanted.candidates, wanted.reference = [candidate], reference
    _give_data(wanted, "data", data)
    if isinstance(labels, (str, os.PathLike)):
        wanted.labels = os.fspath(labels)
    elif labels is not None:
        wanted.label_values = _label_values(labels)
    if first_sample < 0:
        raise UsageError("A001", f"first_sample counts from 0, not from {first_sample}", "first_sample")
    if budget < 1:
        raise UsageError("A001", f"budget is 1 or more, not {budget}", "budget")
    wanted.decision, wanted.score, wanted.output = decision, score, decide_on
    wanted.primary_only, wanted.first_sample = primary_only, first_sample
    request.audit, request.goal, request.hold_out = wanted, goal, hold_out
    request.output, request.configs = path_text(output), path_text(configs)
    request.checkpoint, request.budget, request.rescale = path_text(checkpoint), budget, rescale
    report = _assay.repair(request)
    announce(report.warnings)
    return _results.RepairResult.from_report(report)


@named(Common.__annotations__)
def merge(parts: Iterable[_results.AuditResult | str], *, fail_on: str = "flips") -> _results.AuditResult:
    """The audit of a data set from the audits of its parts (results, or their JSON), whatever their order.

    The same bytes as the audit of the whole. Raises AssayError A307 for overlaps, gaps, other programs or rules.
    """
    request = _assay.MergeRequest()
    request.texts = [part if isinstance(part, str) else part.to_json() for part in parts]
    request.fail_on = fail_on
    return _results.AuditResult.from_report(_assay.merge(request))


@named(Common.__annotations__)
def report(
    audits: Iterable[_results.AuditResult | str],
    html: Path | None = None,
    *,
    titles: Sequence[str] = (),
    junit: Path | None = None,
    sarif: Path | None = None,
    markdown: Path | None = None,
    csv: Path | None = None,
    fail_on: str = "flips",
) -> None:
    """Writes reports about audits (results, or their JSON): a self-contained HTML page and others (docs/reports.md).

    fail_on: what fails in JUnit and SARIF: flips, at-risk or none. csv: a folder for tables.
    """
    request = _assay.PageRequest()
    request.texts = [a if isinstance(a, str) else a._envelope() for a in audits]
    request.titles, request.fail_on = list(titles), fail_on
    request.reports = _report_files(html, junit, sarif, markdown, csv)
    if not any((html, junit, sarif, markdown, csv)):
        raise UsageError("A001", "no report to write is named", "report", "give html= or another file")
    _assay.page(request)


def _report_files(
    html: Path | None, junit: Path | None, sarif: Path | None, markdown: Path | None, csv: Path | None
) -> _assay.ReportFiles:
    files = _assay.ReportFiles()
    files.html, files.junit, files.sarif = path_text(html), path_text(junit), path_text(sarif)
    files.markdown, files.csv = path_text(markdown), path_text(csv)
    return files


@named(Common.__annotations__)
def profiles(**common: Unpack[Common]) -> _results.ProfilesResult:
    """The device profiles there are."""
    request = _assay.ProfilesRequest()
    request.settings = settings_of(**common)
    return _results.ProfilesResult.from_report(_assay.profiles(request))


@named(Common.__annotations__)
def profile(name: str, **common: Unpack[Common]) -> _results.ProfileResult:
    """What is known of a device, from where, and how sure. Raises UsageError A002 for other names."""
    request = _assay.ProfilesRequest()
    request.settings, request.name = settings_of(**common), name
    return _results.ProfileResult.from_report(_assay.profiles(request))


@named(Common.__annotations__)
def ops(name: str = "", *, core_ml: bool = False) -> _results.TableResult:
    """The operators there are, or one of them; with `core_ml` what is read of Core ML files."""
    request = _assay.OpsRequest()
    request.name, request.core_ml = name, core_ml
    return _results.TableResult.from_report(_assay.ops(request))


@named(Common.__annotations__)
def explain(code: str = "") -> _results.TableResult:
    """What a code means, in long form ("A201"), or all codes."""
    request = _assay.ExplainRequest()
    request.code = code
    return _results.TableResult.from_report(_assay.explain(request))


@named(Common.__annotations__)
def bench_run(
    model: ModelSource,
    inputs: Arrays | Path | None = None,
    program: str = "",
    *,
    random: int | None = None,
    shapes: Sequence[str] = (),
    repeat: int = 7,
    **common: Unpack[Common],
) -> _results.BenchRunResult:
    """Wall and processor time of repeated runs, after one that is not counted."""
    request = _assay.BenchRunRequest()
    file = ModelFile(model)
    run_request = _assay.RunRequest()
    run_request.settings, run_request.model, run_request.program = settings_of(**common), file.path, program
    _give_data(run_request, "input", inputs)
    run_request.random, run_request.shapes = random, listed(shapes)
    request.run, request.repeat = run_request, repeat
    return _results.BenchRunResult.from_report(_assay.bench_run(request))


@named(Common.__annotations__)
def bench_matmul(*, size: int = 1024, repeat: int = 5, **common: Unpack[Common]) -> _results.BenchMatmulResult:
    """A size x size matrix product in float32, float16 storage, float16 throughout and the processor's own float16.

    Times, and from the numbers which format results and sums really had.
    """
    request = _assay.BenchMatmulRequest()
    request.settings, request.size, request.repeat = settings_of(**common), size, repeat
    return _results.BenchMatmulResult.from_report(_assay.bench_matmul(request))


@named(Common.__annotations__)
def bench_peak(*, size: int = 0, **common: Unpack[Common]) -> _results.BenchPeakResult:
    """The machine's fused multiply-add peak."""
    request = _assay.BenchPeakRequest()
    request.settings, request.size = settings_of(**common), size
    return _results.BenchPeakResult.from_report(_assay.bench_peak(request))


@named(Common.__annotations__)
def bench_ops(op: str = "", *, repeat: int = 7, **common: Unpack[Common]) -> _results.BenchOpsResult:
    """Operators alone, here and in the real ONNX Runtime, in turns on the same bytes and inputs.

    op: a regular expression that names contain ("^Conv", "com.microsoft"); empty: all. threads: 0 is one here.
    `.passed` is False when a result differs from ONNX Runtime's; such a case is not timed.
    """
    request = _assay.BenchOpsRequest()
    request.settings, request.op, request.repeat = settings_of(**common), op, repeat
    report = _assay.bench_ops(request)
    announce(report.warnings)
    return _results.BenchOpsResult.from_report(report)
