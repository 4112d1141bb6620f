"""Data sets as files: which kind each is, and the kinds that need more than NumPy's headers."""

from __future__ import annotations

import glob
import json
import os
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from assay._errors import AssayError, UsageError
from assay._optional import optional
from assay._shards import Decode, Names, NpzPart, Part, Read, check_labels, common_count, reading


def files_of(data: Any) -> list[str]:
    """The files of a path, a pattern, a folder or a list of these, in order. Raises AssayError A101."""
    if not isinstance(data, (str, os.PathLike)):
        return [file for one in data for file in files_of(one)]
    path = os.path.abspath(os.fspath(data))
    if os.path.isdir(path):
        found = sorted(str(p) for p in Path(path).rglob("*") if p.suffix in _KINDS)
    elif os.path.exists(path) or not glob.has_magic(path):
        return [path]
    else:
        found = sorted(glob.glob(path, recursive=True))
    if not found:
        raise AssayError("A101", f"there are no {', '.join(_KINDS)} files", path, "check the path")
    return found


def parts_of(files: Sequence[str], names: Names, labels: Sequence[str]) -> list[Part]:
    """The parts of files, in order; `labels`: one .npy for each, or none. Raises AssayError A101, A3xx."""
    if labels and len(labels) != len(files):
        raise AssayError("A305", f"{len(labels)} files of labels for {len(files)} of data", "labels",
                         "give one for each, in the same order")  # fmt: skip
    parts: list[Part] = []
    for i, file in enumerate(files):
        kind = _KINDS.get(Path(file).suffix)
        if kind is None:
            raise AssayError("A304", f"parts of a data set are {', '.join(_KINDS)} files", file, "write it as one")
        beside = labels[i] if labels else ""
        if beside and kind is not _npz:
            raise UsageError("A001", "files of labels go with .npz files", beside, "name the labels in label_key=")
        parts += kind(file, names, beside)
    return parts


def _npz(file: str, names: Names, labels: str) -> list[Part]:
    return [NpzPart.of(file, names, labels)]


@dataclass(frozen=True)
class ParquetPart:
    """Rows of one row group of a Parquet file; a row is a sample, a column an input."""

    path: str
    group: int
    names: Names
    start: int
    stop: int

    @property
    def name(self) -> str:
        return f"{self.path}#{self.group}[{self.start}:{self.stop}]"

    @property
    def count(self) -> int:
        return self.stop - self.start

    def cut(self, start: int, stop: int) -> ParquetPart:
        return replace(self, start=self.start + start, stop=self.start + stop)

    def read(self, decode: Decode | None) -> Read:
        parquet = optional("pyarrow.parquet", "pyarrow", self.path)
        with reading(self.path), parquet.ParquetFile(self.path) as file:
            columns = self.names.wanted(file.schema_arrow.names, self.path)
            table = file.read_row_group(self.group, columns=columns).slice(self.start, self.count)
        arrays = {name: _column(table.column(name), f"{self.path}: {name}") for name in columns}
        return self.names.split(arrays)


def _groups(file: str, names: Names, labels: str) -> list[Part]:
    parquet = optional("pyarrow.parquet", "pyarrow", file)
    with reading(file), parquet.ParquetFile(file) as opened:
        names.wanted(opened.schema_arrow.names, file)
        rows = [opened.metadata.row_group(i).num_rows for i in range(opened.metadata.num_row_groups)]
    return [ParquetPart(file, i, names, 0, count) for i, count in enumerate(rows)]


def _column(column: Any, where: str) -> np.ndarray[Any, Any]:
    """A column as an array: numbers [n], lists of k numbers [n, k], lists of lists and tensors likewise."""
    pa = optional("pyarrow", "pyarrow", where)

    values = column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if isinstance(values.type, pa.FixedShapeTensorType):
        tensor: np.ndarray[Any, Any] = values.to_numpy_ndarray()
        return tensor
    shape = [len(values)]
    while True:
        if values.null_count:
            raise AssayError("A304", "values are missing", where, "fill them or leave these rows out")
        if not isinstance(values.type, (pa.ListType, pa.LargeListType, pa.FixedSizeListType)):
            break
        inner = values.flatten()
        lengths = set(values.value_lengths().to_pylist()) if len(values) else {0}
        if len(lengths) > 1:
            raise AssayError(
                "A302", f"lists have the lengths {sorted(lengths)[:8]}", where, "give samples of one shape"
            )
        shape.append(lengths.pop())
        values = inner
    array: np.ndarray[Any, Any] = values.to_numpy(zero_copy_only=False)
    if array.dtype == object:
        raise AssayError("A303", f"{values.type} is no type of an array", where, "name the columns to read in inputs=")
    return array.reshape(shape)


Member = tuple[str, int, int]
"""Of a tar file: the extension, where the bytes begin, how many they are."""


@dataclass(frozen=True)
class TarPart:
    """Samples of a WebDataset tar file: members that share the name before the first dot."""

    path: str
    names: Names
    samples: Sequence[tuple[str, Sequence[Member]]]
    start: int = 0

    @property
    def name(self) -> str:
        return f"{self.path}[{self.start}:{self.start + self.count}]"

    @property
    def count(self) -> int:
        return len(self.samples)

    def cut(self, start: int, stop: int) -> TarPart:
        return replace(self, samples=self.samples[start:stop], start=self.start + start)

    def read(self, decode: Decode | None) -> Read:
        with reading(self.path), open(self.path, "rb") as file:
            samples = [self._sample(file, key, members, decode) for key, members in self.samples]
        found = list(samples[0])
        for (key, _), sample in zip(self.samples, samples, strict=True):
            if list(sample) != found:
                raise AssayError("A301", f"{key} has {list(sample)}, the first sample has {found}", self.path,
                                 "give every sample the same members")  # fmt: skip
        arrays = {name: _stacked([sample[name] for sample in samples], f"{self.path}: {name}") for name in found}
        labels = arrays.pop(self.names.label) if self.names.label is not None else None
        if labels is not None:
            check_labels(labels.shape, self.count, self.path)
        common_count({n: a.shape for n, a in arrays.items()}, (), self.path)
        return arrays, labels

    def _sample(self, file: Any, key: str, members: Sequence[Member], decode: Decode | None) -> dict[str, Any]:
        found: dict[str, bytes] = {}
        for extension, offset, size in members:
            file.seek(offset)
            found[extension] = file.read(size)
        try:
            sample = dict((decode or self._decoded)(key, found))
        except AssayError:
            raise
        except Exception as failed:
            what = "decode= failed: " if decode else ""
            raise AssayError("A304", f"{what}{type(failed).__name__}: {failed}", f"{self.path}: {key}", "") from failed
        wanted = self.names.wanted(sample, f"{self.path}: {key}")
        return {name: sample[name] for name in wanted}

    def _decoded(self, key: str, members: dict[str, bytes]) -> dict[str, Any]:
        """`KEY.NAME.npy` is the input NAME; the label is `KEY.cls`, or "json.NAME" of `KEY.json`."""
        sample: dict[str, Any] = {}
        for extension, content in members.items():
            if extension == "npy" or extension.endswith(".npy"):
                sample[self._input(extension, key)] = _npy(content)
            elif extension == self.names.label:
                sample[extension] = int(content)
            elif extension == "json" and (self.names.label or "").startswith("json."):
                label = str(self.names.label)
                values = json.loads(content)
                if label.removeprefix("json.") in values:
                    sample[label] = values[label.removeprefix("json.")]
        return sample

    def _input(self, extension: str, key: str) -> str:
        if extension != "npy":
            return extension.removesuffix(".npy")
        if self.names.inputs is None or len(self.names.inputs) != 1:
            raise AssayError("A301", f"the member {key}.npy does not say which input it is", self.path,
                             "give its name in inputs=, or call the members KEY.NAME.npy")  # fmt: skip
        return self.names.inputs[0]


def _npy(content: bytes) -> np.ndarray[Any, Any]:
    import io  # noqa: PLC0415

    array: np.ndarray[Any, Any] = np.load(io.BytesIO(content), allow_pickle=False)
    return array


def _stacked(arrays: Sequence[Any], where: str) -> np.ndarray[Any, Any]:
    parts = [np.asarray(array) for array in arrays]
    for part in parts:
        if part.dtype != parts[0].dtype:
            raise AssayError("A303", f"samples are {parts[0].dtype} and {part.dtype}", where, "give one type")
        if part.shape != parts[0].shape:
            raise AssayError("A302", f"samples have the shapes {list(parts[0].shape)} and {list(part.shape)}", where,
                             "give samples of one shape")  # fmt: skip
    return np.stack(parts)


def _index(file: str, names: Names, labels: str) -> list[Part]:
    """Reads the members' headers alone."""
    samples: dict[str, list[Member]] = {}
    last = ""
    with reading(file), tarfile.open(file, "r:") as archive:
        for member in archive:
            folder, _, base = member.name.rpartition("/")
            stem, dot, extension = base.partition(".")
            if not member.isfile() or not dot or not stem:
                continue
            key = f"{folder}/{stem}" if folder else stem
            if key in samples and key != last:
                raise AssayError("A304", f"the members of {key} do not lie together", file, "sort them by name")
            samples.setdefault(key, []).append((extension, member.offset_data, member.size))
            last = key
        if last:
            _check_end(file, samples[last][-1])
    return [TarPart(file, names, list(samples.items()))]


def _check_end(file: str, member: Member) -> None:
    """A tar file that was cut off ends inside its last member."""
    if member[1] + member[2] > os.path.getsize(file):
        raise AssayError("A304", "the file ends inside a member", file, "check that the download is complete")


_KINDS: dict[str, Callable[[str, Names, str], list[Part]]] = {
    ".npz": _npz,
    ".parquet": _groups,
    ".tar": _index,
}
