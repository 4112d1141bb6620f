"""Data sets in parts: where their samples lie, how many there are, and the shards that they are cut into."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from assay._errors import AssayError, UsageError

Arrays = dict[str, Any]
Decode = Callable[[str, dict[str, bytes]], Mapping[str, Any]]
"""From the key and the members (by extension) of a sample to arrays without a sample axis, the label among them."""
Read = tuple["Arrays | str", Any]
"""Inputs (or the file that has nothing else), and labels or None."""


@dataclass(frozen=True)
class Names:
    """What the arrays of a part are: inputs (None: all but the label), the label, inputs that are not cut."""

    inputs: Sequence[str] | None = None
    label: str | None = None
    shared: Sequence[str] = ()

    def wanted(self, found: Iterable[str], where: str) -> list[str]:
        """The names to read, of those that there are. Raises AssayError A301."""
        found = list(found)
        missing = [n for n in (*(self.inputs or ()), *([self.label] if self.label else ())) if n not in found]
        if missing:
            raise AssayError(
                "A301", f"there is no array {', '.join(missing)}; there are {', '.join(map(str, found)) or 'none'}",
                where, "give the names in inputs= and label_key= as the file has them",
            )  # fmt: skip
        return [n for n in found if self.inputs is None or n in self.inputs or n == self.label]

    def split(self, arrays: Arrays) -> tuple[Arrays, Any]:
        """Inputs and labels."""
        labels = arrays.pop(self.label) if self.label is not None else None
        return arrays, labels


class Part(Protocol):
    """Samples that lie together."""

    @property
    def name(self) -> str: ...
    @property
    def count(self) -> int: ...
    def cut(self, start: int, stop: int) -> Part:
        """Some of its samples: no more than a worker needs to know."""
        ...

    def read(self, decode: Decode | None) -> Read:
        """In the worker; `decode` is for samples of bytes. Raises AssayError A3xx."""
        ...


@dataclass(frozen=True)
class Shard:
    """What a worker audits at once. `first` is the number of its first sample in the whole data set."""

    part: Part
    first: int
    labels: Any = None  # of these samples, where they were given for the whole data set

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def count(self) -> int:
        return self.part.count

    def read(self, decode: Decode | None) -> Read:
        arrays, labels = self.part.read(decode)
        return arrays, labels if self.labels is None else self.labels


def common_count(shapes: Mapping[str, Sequence[int]], shared: Sequence[str], where: str) -> int:
    """The samples of arrays: their common first dimension. Raises AssayError A301, A302."""
    counts = {name: shape[0] for name, shape in shapes.items() if shape and name not in shared}
    if not counts:
        raise AssayError("A301", "there are no arrays with a sample axis", where, "samples lie along the first axis")
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise AssayError(
            "A302", f"the numbers of samples differ: {found}", where,
            "name arrays that every sample gets whole in shared=",
        )  # fmt: skip
    return int(next(iter(counts.values())))


def _rows(arrays: Arrays, shared: Sequence[str], start: int, stop: int) -> Arrays:
    return {n: a if n in shared or a.ndim == 0 else a[start:stop] for n, a in arrays.items()}


@dataclass(frozen=True)
class ArraysPart:
    """Arrays in memory."""

    name: str
    arrays: Arrays = field(repr=False)
    labels: Any = field(default=None, repr=False)
    shared: Sequence[str] = ()
    count: int = 0

    @classmethod
    def of(cls, name: str, data: Mapping[str, Any], labels: Any, shared: Sequence[str]) -> ArraysPart:
        """Raises AssayError A301, A302, A303, A305."""
        arrays = {n: _array(a, n, name) for n, a in data.items()}
        count = common_count({n: a.shape for n, a in arrays.items()}, shared, name)
        if labels is not None:
            labels = _array(labels, "labels", name)
            check_labels(labels.shape, count, name)
        return cls(name, arrays, labels, shared, count)

    def cut(self, start: int, stop: int) -> ArraysPart:
        labels = None if self.labels is None else self.labels[start:stop]
        arrays = _rows(self.arrays, self.shared, start, stop)
        return replace(self, name=span(self, start, stop), arrays=arrays, labels=labels, count=stop - start)

    def read(self, decode: Decode | None) -> Read:
        return self.arrays, self.labels


def _array(value: Any, name: str, where: str) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as failed:
        raise AssayError("A303", f"{name} is no array: {failed}", where, "give NumPy arrays") from failed
    if array.dtype == object:
        raise AssayError("A303", f"{name} holds Python objects", where, "give arrays of numbers, all of one shape")
    return array


def check_labels(shape: Sequence[int], count: int, where: str) -> None:
    """One label for each sample. Raises AssayError A302, A305."""
    if len(shape) != 1:
        raise AssayError("A302", f"labels have the shape {list(shape)}", where, "give one label per sample")
    if shape[0] != count:
        raise AssayError(
            "A305", f"{shape[0]} labels for {count} samples", where, "give one label per sample, in the same order"
        )


@dataclass(frozen=True)
class NpzPart:
    """Some samples of an .npz file; `labels` is an .npy file beside it, or empty."""

    path: str
    names: Names
    labels: str
    total: int
    start: int
    stop: int

    @classmethod
    def of(cls, path: str, names: Names, labels: str = "") -> NpzPart:
        """Counts the samples by the headers. Raises AssayError A101, A301, A302, A304, A305."""
        with reading(path):
            shapes = npz_shapes(path)
        shapes = {n: shapes[n] for n in names.wanted(shapes, path)}
        label = None if names.label is None else shapes.pop(names.label)
        count = common_count(shapes, names.shared, path)
        if labels:
            with reading(labels), open(labels, "rb") as file:
                label = _header(file)
        if label is not None:
            check_labels(label, count, labels or path)
        return cls(path, names, labels, count, 0, count)

    @property
    def name(self) -> str:
        return self.path if self.count == self.total else f"{self.path}[{self.start}:{self.stop}]"

    @property
    def count(self) -> int:
        return self.stop - self.start

    def cut(self, start: int, stop: int) -> NpzPart:
        return replace(self, start=self.start + start, stop=self.start + stop)

    def read(self, decode: Decode | None) -> Read:
        labels = None
        if self.labels:
            with reading(self.labels):
                labels = np.load(self.labels, allow_pickle=False)[self.start : self.stop]
        if self.count == self.total and self.names.inputs is None and self.names.label is None:
            return self.path, labels  # mapped by the library, not read
        with reading(self.path), np.load(self.path, allow_pickle=False) as file:
            arrays = {n: file[n] for n in self.names.wanted(file.files, self.path)}
        inside: Any
        arrays, inside = self.names.split(_rows(arrays, self.names.shared, self.start, self.stop))
        return arrays, inside if labels is None else labels


class reading:  # noqa: N801  # a context manager that reads as a word
    """Turns what Python's readers raise into AssayError A101 or A304."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, AssayError) or not isinstance(error, Exception):
            return
        if isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
            raise AssayError(
                "A101", f"the file cannot be read: {error.strerror}", self._path,
                "check the path; every worker must see it",
            ) from error  # fmt: skip
        raise AssayError("A304", f"the file cannot be read: {error}", self._path, "write it again") from error


def npz_shapes(path: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the arrays in an .npz, from their headers."""
    with zipfile.ZipFile(path) as archive:
        shapes = {}
        for entry in archive.namelist():
            with archive.open(entry) as file:
                shapes[entry.removesuffix(".npy")] = _header(file)
        return shapes


def _header(file: Any) -> tuple[int, ...]:
    version = np.lib.format.read_magic(file)
    # Version 3 differs from 2 in the names of fields alone, which inputs do not have.
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape: tuple[int, ...] = read(file)[0]
    return shape


def span(part: Part, start: int, stop: int) -> str:
    """The name of some samples of a part."""
    return part.name if stop - start == part.count else f"{part.name}[{start}:{stop}]"


def largest(total: int, shards: int, multiple: int) -> int:
    """Samples of the largest shard, where there are `shards`: a multiple of what one run of the model takes."""
    return max(1, math.ceil(total / shards / multiple)) * multiple


def cut(parts: Iterable[Part], size: int, labels: Any = None) -> Iterator[Shard]:
    """Shards of at most `size` samples, in order; parts without samples have none."""
    first = 0
    for part in parts:
        for start in range(0, part.count, size):
            stop = min(start + size, part.count)
            own = None if labels is None else labels[first + start : first + stop]
            yield Shard(part if stop - start == part.count else part.cut(start, stop), first + start, own)
        first += part.count


def gathered(items: Iterable[Any], size: int, batched: bool, shared: Sequence[str]) -> Iterator[Shard]:
    """Shards of batches or samples as they come, of `size` samples (the last of fewer)."""
    first, held, parts = 0, 0, []
    for number, item in enumerate(items):
        parts.append(_item(item, number, batched, shared))
        held += parts[-1].count
        while held >= size:
            whole = _joined(parts, first)
            yield Shard(whole.cut(0, size) if held > size else whole, first)
            parts = [whole.cut(size, held)] if held > size else []
            first, held = first + size, held - size
    if held:
        yield Shard(_joined(parts, first), first)


def _item(item: Any, number: int, batched: bool, shared: Sequence[str]) -> ArraysPart:
    """A batch, or a sample as a batch of one: a mapping, or a pair of it and labels."""
    name = f"{'batch' if batched else 'sample'} {number}"
    inputs, labels = item if isinstance(item, (tuple, list)) and len(item) == 2 else (item, None)
    if not isinstance(inputs, Mapping):
        raise UsageError(
            "A001", f"an item of the data is {type(item).__name__}", name,
            "give mappings from input names to arrays, or pairs of such a mapping and labels",
        )  # fmt: skip
    if not batched:
        inputs = {n: a if n in shared else _array(a, n, name)[np.newaxis] for n, a in inputs.items()}
        labels = None if labels is None else _array(labels, "labels", name).reshape(1)
    return ArraysPart.of(name, inputs, labels, shared)


def _joined(parts: Sequence[ArraysPart], first: int) -> ArraysPart:
    """Batches as one. Raises AssayError A301, A302, A303, A305 where one is unlike the first."""
    head = parts[0]
    for part in parts[1:]:
        if set(part.arrays) != set(head.arrays):
            raise AssayError("A301", f"inputs are {sorted(part.arrays)}, before it they were {sorted(head.arrays)}",
                             part.name, "give every batch the same inputs")  # fmt: skip
        if (part.labels is None) != (head.labels is None):
            raise AssayError("A305", "some batches have labels and some have none", part.name, "give them to all")
        for name, array in part.arrays.items():
            _check_alike(name, head.arrays[name], array, part.name)
    count = sum(part.count for part in parts)
    whole = head.shared
    arrays = {
        n: a if n in whole or a.ndim == 0 else np.concatenate([p.arrays[n] for p in parts])
        for n, a in head.arrays.items()
    }
    labels = None if head.labels is None else np.concatenate([part.labels for part in parts])
    return ArraysPart(f"samples {first} to {first + count - 1}", arrays, labels, whole, count)


def _check_alike(name: str, a: Any, b: Any, where: str) -> None:
    """The same type and the same sizes but for the first axis; never converted silently."""
    if a.dtype != b.dtype:
        raise AssayError("A303", f"{name} is {b.dtype}, before it was {a.dtype}", where, "give one type")
    if a.shape[1:] != b.shape[1:]:
        raise AssayError("A302", f"{name} has the shape {list(b.shape)}, before it was {list(a.shape)}", where,
                         "give samples of one shape")  # fmt: skip
