"""Audits over many processes or machines (docs/distributed.md): the same bytes as one audit over all samples.

    >>> import assay.distributed
    >>> assay.distributed.audit("model.onnx", "parts/*.npz", label_key="label", engine="ray",
    ...                         decision="argmax", candidates=["coreml-nn-gpu"])

`import assay` alone loads neither this module nor a cluster's package.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from assay import _commands
from assay._commands import Path, ProgramSource
from assay._engines import DaskEngine, Engine, LocalEngine, RayEngine, run_all
from assay._errors import AssayError, AssayMessage, UsageError, announce
from assay._job import Outcome, Packed, audit_shard, pack
from assay._parts import files_of, parts_of
from assay._results import AuditResult
from assay._shards import (
    ArraysPart,
    Decode,
    Names,
    Part,
    Shard,
    check_labels,
    cut,
    gathered,
    largest,
    npz_shapes,
    reading,
)
from assay._source import ModelSource

if TYPE_CHECKING:
    import pandas as pd

EngineName = Literal["local", "ray", "dask"]
SPARK_SCHEMA = "first_sample long, samples long, audit string"
"""The columns that `spark_map`'s function gives."""

_GATHERED = 1024  # samples of a shard where the data come as they come
_ROUNDS = 4  # shards for each that can run at one time: a slow one keeps the others waiting for less


def audit(
    model: ModelSource | None,
    data: Any,
    labels: Any = None,
    *,
    decision: str,
    candidates: ProgramSource | Sequence[ProgramSource],
    reference: ProgramSource = "strict-f32",
    engine: EngineName = "local",
    inputs: Sequence[str] | None = None,
    label_key: str | None = None,
    shared: Sequence[str] = (),
    decode: Decode | None = None,
    batched: bool = True,
    shards: int | None = None,
    shard_size: int | None = None,
    workers: int | None = None,
    client: Any = None,
    address: str | None = None,
    ship_model: bool = False,
    retries: int = 3,
    threads: int = 1,
    isa: str = "best",
    profile_files: Sequence[Path] = (),
    score: str = "",
    output: str = "",
    primary_only: bool = False,
    expect: int = 0,
    proof: bool = False,
    fail_on: str = "flips",
    html: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> AuditResult:
    """`assay.audit` in shards. The result's JSON is that of one audit, whatever the engine, the shards and the losses.

    model: a path that every worker sees; with `ship_model`, or from memory, its bytes are sent to each worker once.
    data: .npz, .parquet or WebDataset .tar files (a path, a pattern, a folder, or a list of these), arrays by input
        name, or an iterable of batches (`batched=False`: of samples): mappings from input names to arrays, or pairs of
        such a mapping and labels. Samples lie along the first axis. Workers must see the files under the same names.
    labels: one integer per sample of the whole data set, in an array or an .npy file; or an .npy file for each .npz.
    label_key: the array, the column or the member ("cls", "json.NAME") that holds the labels inside the files.
    inputs: the names to read; without it all but the label. shared: arrays that every sample gets whole.
    decode: from the key and the members (by extension) of a sample in a .tar to arrays by name, the label among them.
    shards, shard_size: how many shards, or how large they are at most; without either, four for each that can run.
    engine: "local" starts `workers` processes; "ray" and "dask" use the cluster that is connected, or the one at
        `address` (Dask: or of `client`).
    retries: how often a shard may lose its worker. What data or programs do wrong is never tried again.
    threads: of each worker. progress: called with ("samples", done, total), where total is 0 if it is not known.
    Raises UsageError A001 for wrong words; AssayError A1xx, A3xx, A4xx with the shard in `where`; A402 for lost shards.
    """
    _check_words(engine, shards, shard_size, retries, threads, workers)
    options = {
        "decision": decision, "candidates": candidates, "reference": reference, "score": score, "output": output,
        "primary_only": primary_only, "expect": expect, "proof": proof, "fail_on": fail_on, "threads": threads,
        "isa": isa, "profile_files": [os.path.abspath(file) for file in profile_files],
    }  # fmt: skip
    if labels is not None and label_key is not None:
        raise UsageError("A001", "labels and label_key exclude each other", "labels", "give one of them")
    names = Names(None if inputs is None else tuple(inputs), label_key, tuple(shared))
    source = _source(data, labels, names, batched, shards)
    packed = pack(model, ship_model, options, decode)
    multiple = _batch(model) if isinstance(source, _Parts) and shard_size is None else 1
    running = _engine(engine, packed, threads, workers, client, address)
    size = shard_size or source.size(shards or running.slots * _ROUNDS, multiple)
    done = _Progress(progress, source.total)
    ended = run_all(running, source.shards(size), retries, done)
    if not ended:
        raise AssayError("A302", "the data has no samples", _shown(data), "give at least one")
    result = _commands.merge([outcome.json for _, outcome in ended], fail_on=fail_on)
    for program in (reference, *_commands.listed(candidates)):
        _check_recording(program, result.samples)
    result.warnings = _warnings(outcome for _, outcome in ended)
    announce(result.warnings)
    if html is not None:
        _commands.report([result], html, titles=["" if model is None else str(getattr(model, "path", _shown(model)))])
    return result


def _check_words(
    engine: str, shards: int | None, size: int | None, retries: int, threads: int, workers: int | None
) -> None:
    if engine not in ("local", "ray", "dask"):
        raise UsageError("A001", f"there is no engine {engine!r}", "engine", "use 'local', 'ray' or 'dask'")
    if shards is not None and size is not None:
        raise UsageError("A001", "shards and shard_size exclude each other", "shards", "give one of them")
    least = {"shards": (shards, 1), "shard_size": (size, 1), "workers": (workers, 1), "threads": (threads, 1),
             "retries": (retries, 0)}  # fmt: skip
    for name, (value, low) in least.items():
        if value is not None and value < low:
            raise UsageError("A001", f"{name} is {value}", name, f"give {low} or more")


def _check_recording(program: ProgramSource, samples: int) -> None:
    """A shard alone cannot tell a recording of all samples from one of as many as it has itself."""
    if not isinstance(program, str) or not program.startswith("recorded:"):
        return
    shapes = npz_shapes(program.removeprefix("recorded:"))
    recorded = min((shape[0] for name, shape in shapes.items() if shape and not name.startswith("__")), default=samples)
    if recorded < samples:
        raise AssayError("A302", f"the recording has {recorded} samples, the data has {samples}", program,
                         "record the same samples in the same order")  # fmt: skip


class _Parts:
    """Data whose samples are counted before any is read."""

    def __init__(self, parts: Sequence[Part], labels: Any) -> None:
        self._parts, self._labels = parts, labels
        self.total = sum(part.count for part in parts)
        if labels is not None:
            check_labels(labels.shape, self.total, "labels")

    def shards(self, size: int) -> Iterator[Shard]:
        return cut(self._parts, size, self._labels)

    def size(self, wanted: int, multiple: int) -> int:
        return largest(self.total, wanted, multiple)


class _Stream:
    """Data that come as they come."""

    total = 0

    def __init__(self, items: Iterable[Any], batched: bool, shared: Sequence[str]) -> None:
        self._items, self._batched, self._shared = items, batched, shared

    def shards(self, size: int) -> Iterator[Shard]:
        return gathered(self._items, size, self._batched, self._shared)

    def size(self, wanted: int, multiple: int) -> int:
        return _GATHERED


def _source(data: Any, labels: Any, names: Names, batched: bool, shards: int | None) -> _Parts | _Stream:
    if isinstance(data, Mapping):
        chosen = {name: data[name] for name in names.wanted(data, "data")}
        inside = None if names.label is None else chosen.pop(names.label)
        return _Parts([ArraysPart.of("data", chosen, inside, names.shared)], _label_array(labels))
    if _is_files(data):
        beside, whole = ([], labels) if not _is_files(labels) else (files_of(labels), None)
        files = files_of(data)
        if len(beside) == 1 and len(files) > 1:
            beside, whole = [], beside[0]
        return _Parts(parts_of(files, names, beside), _label_array(whole))
    if not isinstance(data, Iterable):
        raise TypeError(f"data are files, arrays by name or an iterable of batches, not {type(data).__name__}")
    for given, word in ((labels, "labels"), (names.label, "label_key"), (names.inputs, "inputs"), (shards, "shards")):
        if given is not None:
            raise UsageError("A001", f"an iterable of batches takes no {word}", word,
                             "give pairs of inputs and labels; shard_size sizes the shards")  # fmt: skip
    return _Stream(data, batched, names.shared)


def _is_files(data: Any) -> bool:
    one = (str, os.PathLike)
    return isinstance(data, one) or (
        isinstance(data, (list, tuple)) and bool(data) and all(isinstance(item, one) for item in data)
    )


def _label_array(labels: Any) -> Any:
    """Labels as an array of one axis, or None."""
    import numpy as np  # noqa: PLC0415

    if isinstance(labels, (str, os.PathLike)):
        path = os.fspath(labels)
        with reading(path):
            return np.load(path, allow_pickle=False, mmap_mode="r")
    return None if labels is None else np.asarray(labels)


def _batch(model: ModelSource | None) -> int:
    """How many samples one run of the model takes; 1 where any number or none is stated."""
    if model is None:
        return 1
    from assay._model import load  # noqa: PLC0415

    shapes = [port.shape for port in load(model).inputs]
    return max([shape[0] for shape in shapes if shape and isinstance(shape[0], int)], default=1) or 1


def _engine(
    name: EngineName, packed: Packed, threads: int, workers: int | None, client: Any, address: str | None
) -> Engine:
    if name == "ray":
        return RayEngine(packed, threads, address)
    if name == "dask":
        return DaskEngine(packed, client, address)
    return LocalEngine(packed, threads, workers)


class _Progress:
    def __init__(self, told: Callable[[str, int, int], None] | None, total: int) -> None:
        self._told, self._total, self._done = told, total, 0

    def __call__(self, shard: Shard) -> None:
        self._done += shard.count
        if self._told is not None:
            self._told("samples", self._done, self._total)


def _warnings(outcomes: Iterable[Outcome]) -> list[AssayMessage]:
    """Each once, in the order of the data."""
    found = {(w.code, w.message): w for outcome in outcomes for w in outcome.warnings}
    return list(found.values())


def _shown(data: Any) -> str:
    return os.fspath(data) if isinstance(data, (str, os.PathLike)) else type(data).__name__


def spark_map(
    model: ModelSource | None,
    *,
    decision: str,
    candidates: ProgramSource | Sequence[ProgramSource],
    index: str,
    inputs: Sequence[str],
    label_key: str | None = None,
    reference: ProgramSource = "strict-f32",
    ship_model: bool = False,
    threads: int = 1,
    **options: Any,
) -> Callable[[Iterable[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for Spark's `DataFrame.mapInPandas(function, assay.distributed.SPARK_SCHEMA)`.

    index: the column that numbers the samples of the whole data set from 0, without gaps. inputs: columns of numbers or
    lists of them. The function gives a row for each run of consecutive samples; their `audit` are what `assay.merge`
    takes. options: further ones of `assay.audit`. Errors are those of `audit`, within Spark's own.
    """
    asked = {"decision": decision, "candidates": candidates, "reference": reference, "threads": threads, **options}
    packed = pack(model, ship_model, asked)
    names = Names(tuple(inputs), label_key)

    def audits(frames: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            found = [_audited(packed, rows, names, index) for rows in _runs(frame, index)]
            if found:
                yield type(frame)(found, columns=["first_sample", "samples", "audit"])

    return audits


def _runs(frame: pd.DataFrame, index: str) -> Iterator[pd.DataFrame]:
    """The rows in the order of their numbers, cut where a number is missing."""
    import numpy as np  # noqa: PLC0415

    if index not in frame:
        raise AssayError("A301", f"there is no column {index}; there are {', '.join(map(str, frame.columns))}", "index",
                         "number the samples with zipWithIndex")  # fmt: skip
    ordered = frame.sort_values(index, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(ordered[index].to_numpy()) != 1) + 1).tolist(), len(ordered)]
    for start, stop in itertools.pairwise(edges):
        if stop > start:
            yield ordered.iloc[start:stop]


def _audited(packed: Packed, rows: pd.DataFrame, names: Names, index: str) -> tuple[int, int, str]:
    first = int(rows[index].iloc[0])
    name = f"samples {first} to {first + len(rows) - 1}"
    arrays = {str(column): _stacked(rows[column], f"{name}: {column}") for column in names.wanted(rows.columns, name)}
    inputs, labels = names.split(arrays)
    shard = Shard(ArraysPart.of(name, inputs, labels, ()), first)
    outcome = audit_shard(packed, shard)
    if outcome.error is not None:
        raise outcome.error
    return first, shard.count, outcome.json


def _stacked(column: Any, where: str) -> Any:
    """A column of numbers, or of lists or arrays of one shape."""
    import numpy as np  # noqa: PLC0415

    if column.dtype != object:
        return column.to_numpy()
    try:
        return np.stack(column.to_list())
    except ValueError as failed:
        raise AssayError("A302", f"lists differ in length: {failed}", where, "give samples of one shape") from failed
