"""What the workers of `assay.distributed` are asked: one job for all shards, sent to each worker once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from assay import _commands
from assay._errors import AssayError, AssayMessage, UsageError
from assay._shards import Decode, Shard
from assay._source import ModelFile, ModelSource

_JOBS_KEPT = 2  # in each worker process: the one that runs, and one before it that may not have ended


@dataclass(frozen=True)
class Packed:
    """A job as bytes; `key` tells jobs apart without looking at them."""

    key: str
    data: bytes


@dataclass(frozen=True)
class Outcome:
    """What came of a shard: an audit's JSON, or the error that its data or its programs made."""

    json: str = ""
    warnings: Sequence[AssayMessage] = ()
    error: AssayError | None = None


@dataclass(frozen=True)
class _Job:
    path: str | None
    files: Mapping[str, bytes]  # of a model that is sent along; `path` is relative to them
    options: Mapping[str, Any]  # of assay.audit
    decode: Decode | None


def pack(model: ModelSource | None, ship: bool, options: Mapping[str, Any], decode: Decode | None = None) -> Packed:
    """The job as bytes. Raises UsageError A001 for functions that cannot be sent."""
    path, files = _sent(model, ship)
    data = _dumps(_Job(path, files, options, decode))
    return Packed(hashlib.sha256(data).hexdigest(), data)


def _sent(model: ModelSource | None, ship: bool) -> tuple[str | None, dict[str, bytes]]:
    """Where workers find the model, and what they are sent of it. Models in memory are always sent."""
    if model is None:
        return None, {}
    file = ModelFile(model)
    path = Path(os.path.abspath(file.path))
    if not (ship or file.temporary):
        return str(path), {}
    try:
        found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        return path.name, {str(p.relative_to(path.parent)): p.read_bytes() for p in found}
    except OSError as failed:
        raise AssayError(
            "A101", f"the model cannot be read: {failed.strerror}", str(path), "check the path"
        ) from failed


def _dumps(job: _Job) -> bytes:
    dumps = _pickler()
    try:
        return dumps(job)
    except Exception:
        candidates = job.options["candidates"]
        several = [candidates] if isinstance(candidates, str) or callable(candidates) else candidates
        for program in (job.options["reference"], *several, job.decode):
            try:
                dumps(program)
            except Exception as failed:
                name = getattr(program, "name", None) or getattr(program, "__name__", repr(program))
                raise UsageError(
                    "A001", f"{name} cannot be sent to workers: {failed}", "",
                    "define it at the top level of a module that workers can import, without open files or devices",
                ) from failed  # fmt: skip
        raise


def _pickler() -> Callable[[Any], bytes]:
    """cloudpickle's, which both clusters bring and which takes functions by value; else pickle's."""
    try:
        return cast(Callable[[Any], bytes], importlib.import_module("cloudpickle").dumps)
    except ImportError:
        return pickle.dumps


_loaded: dict[str, _Job] = {}
_loading = threading.Lock()


def _load(packed: Packed) -> _Job:
    """The job on a worker, which keeps it for its next shards."""
    with _loading:
        if packed.key not in _loaded:
            while len(_loaded) >= _JOBS_KEPT:
                del _loaded[next(iter(_loaded))]
            try:
                _loaded[packed.key] = pickle.loads(packed.data)
            except Exception as failed:
                raise AssayError(
                    "A401",
                    f"a worker cannot load the programs: {type(failed).__name__}: {failed}",
                    "",
                    "install on the workers what the functions need, in the same versions",
                ) from failed
        return _loaded[packed.key]


@contextlib.contextmanager
def _model(job: _Job) -> Iterator[str | None]:
    """The model as a file. One that was sent lies there for one shard only: clusters end their workers by killing them,
    and nobody would remove it then."""
    if job.path is None or not job.files:
        yield job.path
        return
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        for name, content in job.files.items():
            target = Path(folder) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield str(Path(folder) / job.path)


def audit_shard(packed: Packed, shard: Shard) -> Outcome:
    """The audit of one shard, in a worker. Errors are returned: whatever is raised instead is the cluster's."""
    try:
        job = _load(packed)
        arrays, labels = shard.read(job.decode)
        with _model(job) as model:
            result = _commands.audit(model, arrays, labels, first_sample=shard.first, **job.options)
        if result.samples != shard.count:
            raise AssayError(
                "A302", f"{shard.count} samples by their first axis, {result.samples} as the model takes them", "",
                "name arrays that every sample gets whole in shared=",
            )  # fmt: skip
        return Outcome(result.to_json(), tuple(result.warnings))
    except AssayError as error:
        return Outcome(error=_within(shard, error))
    except Exception as error:  # of functions of the caller's, which may raise anything
        return Outcome(error=AssayError("A402", f"{type(error).__name__}: {error}", shard.name, ""))


def _within(shard: Shard, error: AssayError) -> AssayError:
    where = shard.name if error.where in ("", shard.name) else f"{shard.name}: {error.where}"
    return type(error)(error.code, error.message, where, error.fix)
