"""Archives of arrays: what NumPy and zipfile write, in every layout that they know, and NumPy on what we write."""
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from onnx import TensorProto as T
from onnx import helper

X = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def with_zipfile(path, *, mode=zipfile.ZIP_STORED, wide=False, comment=b""):
    with zipfile.ZipFile(path, "w", mode) as archive:
        for name, array in (("other/", None), ("x.npy", X)):
            if array is None:
                archive.writestr(name, b"")
                continue
            with archive.open(name, "w", force_zip64=wide) as member:
                member.write(npy(array))
        archive.comment = comment


def streamed(path, mode):
    """To a pipe, say: CRC and sizes follow the data."""

    class Stream(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            return out.write(data)

    with path.open("wb") as out, zipfile.ZipFile(Stream(), "w", mode) as archive:
        archive.writestr("x.npy", npy(X))


def beyond_4_gib(path):
    """A sparse file, whose entry and directory have 64-bit places."""
    content = npy(X)
    name, crc, size, at = b"x.npy", zlib.crc32(content), len(content), (1 << 32) + 5
    same = struct.pack("<HHHHIIIH", 0, 0, 0, 33, crc, size, size, len(name))
    local = b"PK\3\4" + struct.pack("<H", 20) + same + struct.pack("<H", 0) + name
    directory = (b"PK\1\2" + struct.pack("<HH", 45, 45) + same + struct.pack("<HHHHII", 12, 0, 0, 0, 0, 0xffffffff) +
                 name + struct.pack("<HHQ", 1, 8, at))
    start = at + len(local) + size
    end = (b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 1, 1, len(directory), start) +
           b"PK\6\7" + struct.pack("<IQI", 0, start + len(directory), 1) +
           b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(directory), 0xffffffff, 0))
    with path.open("wb") as file:
        file.write(local)  # NumPy looks for an archive's mark there
        file.seek(at)
        file.write(local + content + directory + end)


WAYS = {
    "savez": lambda path: np.savez(path, x=X),
    "savez_compressed": lambda path: np.savez_compressed(path, x=X),
    "column-major": lambda path: np.savez(path, x=np.asfortranarray(X)),
    "big-endian": lambda path: np.savez(path, x=X.astype(">f4")),
    "zip64": lambda path: with_zipfile(path, wide=True),
    "zip64 deflated": lambda path: with_zipfile(path, mode=zipfile.ZIP_DEFLATED, wide=True),
    "comment": lambda path: with_zipfile(path, comment=b"made by hand" * 9),
    "streamed": lambda path: streamed(path, zipfile.ZIP_STORED),
    "streamed deflated": lambda path: streamed(path, zipfile.ZIP_DEFLATED),
    "beyond 4 GiB": beyond_4_gib,
}


@pytest.fixture
def model(save_model):
    return save_model("same.onnx", [helper.make_node("Identity", ["x"], ["y"])], {"x": (T.FLOAT, ["N", 3])},
                      {"y": (T.FLOAT, ["N", 3])})


@pytest.mark.parametrize("way", WAYS)
def test_layouts_that_are_read(assay, model, tmp_path, way):
    path = tmp_path / "in.npz"
    WAYS[way](path)
    with np.load(path) as arrays:
        assert np.array_equal(arrays["x"], X)
    assay("run", model, "--input", path, "--output", tmp_path / "out.npz", code=0)
    with zipfile.ZipFile(tmp_path / "out.npz") as archive:
        assert archive.testzip() is None
    with np.load(tmp_path / "out.npz") as out:
        assert out.files == ["y"] and np.array_equal(out["y"], X)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_cut_is_an_error(assay, model, tmp_path, save):
    save(tmp_path / "in.npz", x=X)
    content = (tmp_path / "in.npz").read_bytes()
    for cut in range(0, len(content), 37):
        (tmp_path / "cut.npz").write_bytes(content[:cut])
        done = assay("run", model, "--input", tmp_path / "cut.npz", code=3)
        assert "error A304" in done.err and "cut.npz" in done.err


@pytest.mark.parametrize("mode", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_named(assay, model, tmp_path, mode):
    with_zipfile(tmp_path / "in.npz", mode=mode)
    err = assay("run", model, "--input", tmp_path / "in.npz", code=3).err
    assert "A304" in err and "a method other than deflate" in err and "in.npz: x" in err


def test_an_array_twice_is_an_error(assay, model, tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "in.npz", "w") as archive:
        archive.writestr("x.npy", npy(X))
        archive.writestr("x.npy", npy(X + 1))
    assert "is there twice" in assay("run", model, "--input", tmp_path / "in.npz", code=3).err


def test_a_small_archive_that_claims_much(assay, model, tmp_path):
    with zipfile.ZipFile(tmp_path / "in.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy(X))
    content = (tmp_path / "in.npz").read_bytes().replace(struct.pack("<I", len(npy(X))), struct.pack("<I", 0xfffffff0))
    (tmp_path / "in.npz").write_bytes(content)
    err = assay("run", model, "--input", tmp_path / "in.npz", code=3).err
    assert "A304" in err and "claims more bytes than its archive can hold" in err
