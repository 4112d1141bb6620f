"""Recordings with provenance: made by python/assay/record.py, checked by audits and comparisons."""
import importlib.util
import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from conftest import ROOT
from onnx import TensorProto as T
from onnx import helper

PATH = ROOT / "python/assay/record.py"
SPEC = importlib.util.spec_from_file_location("assay_record", PATH)
record = importlib.util.module_from_spec(SPEC)
sys.modules["assay_record"] = record
SPEC.loader.exec_module(record)

RULE = ["--decision", "argmax"]


@pytest.fixture
def model(save_model):
    weights = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
    return save_model("m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": (T.FLOAT, ["N", 4])},
                      {"y": (T.FLOAT, ["N", 3])}, {"w": weights})


@pytest.fixture
def x():
    return np.random.default_rng(2).standard_normal((20, 4)).astype(np.float32)


@pytest.fixture
def recorded(model, x, save_npz, tmp_path):
    """recorded("out.npz", flags...) -> path of a recording of the model by ONNX Runtime."""
    save_npz("in.npz", x=x)

    def run(name="out.npz", *words, of=model, data="in.npz"):
        assert record.main([str(of), "--input", str(tmp_path / data), "--output", str(tmp_path / name), *words]) == 0
        return tmp_path / name

    return run


@pytest.fixture
def audit(assay, model):
    def run(recording, *words, data="in.npz", of=model, code=0):
        return assay("audit", of, "--data", data, *RULE, "--candidate", f"recorded:{recording}", "--json", *words,
                     code=code)

    return run


def tampered(path, change, to="changed.npz"):
    """A copy of a recording with another provenance: what `change` makes of it."""
    with np.load(path) as file:
        arrays = dict(file)
    said = change(json.loads(arrays["__assay__"].tobytes()))
    text = said if isinstance(said, bytes) else json.dumps(said).encode()
    arrays["__assay__"] = np.frombuffer(text, np.uint8)
    np.savez(path.with_name(to), **arrays)
    return path.with_name(to)


def test_what_was_recorded_is_audited_and_shown(recorded, audit, assay, tmp_path):
    path = recorded("out.npz", "--session-option", "intra_op_num_threads=1", "--batch", "7")
    done = audit(path, "--html", "page.html")
    assert done.json["warnings"] == []
    said = done.result["candidates"][0]["recording"]
    assert said["runtime"] == "onnxruntime" and said["machine"] and said["model"] == "m.onnx"
    assert ["provider", "CPUExecutionProvider"] in said["options"] and ["batch", "7"] in said["options"]
    assert ["session.intra_op_num_threads", "1"] in said["options"] and "node" not in said
    assert done.result["reference"]["recording"] is None
    assert "Where it was recorded" in (tmp_path / "page.html").read_text()
    text = assay("audit", "m.onnx", "--data", "in.npz", *RULE, "--candidate", f"recorded:{path}", code=0).out
    assert "recorded with onnxruntime" in text and "provider=CPUExecutionProvider" in text
    result = assay("fingerprint", path, "--json", code=0).result
    assert [array["name"] for array in result["arrays"]] == ["y"]  # the provenance is no output


def test_another_model_is_refused(recorded, audit, model, tmp_path):
    path = recorded()
    proto = onnx.load(model)
    proto.doc_string = "changed"
    onnx.save(proto, tmp_path / "other.onnx")
    err = audit(path, of=tmp_path / "other.onnx", code=3).err
    assert "error A311" in err and "another model" in err and record.hash_path(str(model))[:12] in err
    assert record.hash_path(str(tmp_path / "other.onnx"))[:12] in err
    assert audit(path, of=tmp_path / "other.onnx", code=3).json["error"]["code"] == "A311"
    # One of the files of the command is enough.
    assert audit(path, "--candidate", f"{model}@f64", of=tmp_path / "other.onnx").json["warnings"] == []


def test_a_converted_model_names_its_source(recorded, audit, model, tmp_path):
    proto = onnx.load(model)
    proto.doc_string = "converted"
    onnx.save(proto, tmp_path / "converted.onnx")
    audit(recorded(of=tmp_path / "converted.onnx"), code=3)
    done = audit(recorded("b.npz", "--source", str(model), of=tmp_path / "converted.onnx"))
    said = done.result["candidates"][0]["recording"]
    assert (said["model"], said["source"]) == ("converted.onnx", "m.onnx")
    assert said["source_sha256"] == record.hash_path(str(model))


def test_other_inputs_are_refused(recorded, audit, x, save_npz, assay, model):
    path = recorded()
    changed = x.copy()
    changed[5, 2] = np.nextafter(changed[5, 2], np.float32(9))
    save_npz("changed.npz", x=changed)
    err = audit(path, data="changed.npz", code=3).err
    assert "error A311" in err and "input 'x'" in err and "sample 5 is the first that differs" in err
    assert record.hash_array(x, True)[0][:12] in err and record.hash_array(changed, True)[0][:12] in err
    save_npz("order.npz", x=x[::-1])
    assert "the same samples in another order" in audit(path, data="order.npz", code=3).err
    save_npz("wide.npz", x=np.concatenate([x, x]))
    assert "float32[40,4]" in audit(path, data="wide.npz", code=3).err
    compare = ["compare", model, "--program", "f64", "--program", f"recorded:{path}", "--input"]
    assert assay(*compare, "in.npz", code=0).err == ""
    assert "A311" in assay(*compare, "changed.npz", code=3).err
    assert "A311" in assay(*compare[:-1], "--random", "1", "--shape", "x:20,4", code=3).err


def test_parts_are_checked_and_merged(recorded, audit, x, save_npz, assay, tmp_path):
    path = recorded()
    for name, first in (("a", 0), ("b", 12)):
        save_npz(f"{name}.npz", x=x[:12] if first == 0 else x[12:])
        done = audit(path, "--first-sample", first, data=f"{name}.npz")
        assert done.json["warnings"] == []
        (tmp_path / f"{name}.json").write_text(done.out)
    err = audit(path, "--first-sample", "11", data="b.npz", code=3).err
    assert "A311" in err and "sample 11 is the first that differs" in err
    assert "A311" in audit(path, "--first-sample", "13", data="b.npz", code=3).err
    merged = assay("merge", "a.json", "b.json", "--json", code=0).result
    assert merged == audit(path).result  # the recording too
    late = recorded("late.npz", "--first-sample", "12", data="b.npz")
    save_npz("c.npz", x=x[15:18])
    assert audit(late, "--first-sample", "15", data="c.npz").json["warnings"] == []
    elsewhere = json.loads((tmp_path / "b.json").read_text())
    elsewhere["result"]["candidates"][0]["recording"]["machine"] = "another"
    (tmp_path / "b.json").write_text(json.dumps(elsewhere))
    assert "A307" in assay("merge", "a.json", "b.json", code=3).err


def test_recordings_without_provenance_are_warned_of(recorded, audit, tmp_path, x):
    path = recorded()
    with np.load(path) as file:
        outputs = {"y": file["y"]}
    np.savez(tmp_path / "bare.npz", **outputs)
    assert [w["code"] for w in audit(tmp_path / "bare.npz").json["warnings"]] == ["A312"]
    audit(tmp_path / "bare.npz", "--strict", code=1)
    record.save(str(tmp_path / "mine.npz"), outputs)
    messages = [w["message"] for w in audit(tmp_path / "mine.npz").json["warnings"]]
    assert len(messages) == 2 and "of which model" in messages[0] and "of which inputs" in messages[1]
    record.save(str(tmp_path / "mine.npz"), outputs, inputs={"x": x}, model=str(tmp_path / "m.onnx"), runtime="mine")
    assert audit(tmp_path / "mine.npz").json["warnings"] == []


DAMAGED = {
    "no JSON": (lambda said: b"{", "is no JSON"),
    "not UTF-8": (lambda said: b'{"assay_recording": "\xff"}', "is no JSON"),
    "empty": (lambda said: b"", "is no JSON"),
    "a list": (lambda said: [], "at assay_recording a value is wanted"),
    "deep": (lambda said: b"[" * 100000, "8 levels"),
    "large": (lambda said: b" " * (1 << 26) + b"{}", "over 64 MiB"),
    "version": (lambda said: {**said, "assay_recording": 2}, "version 1"),
    "hash": (lambda said: {**said, "model": {"name": "m", "sha256": "12"}}, "at model.sha256 64 hexadecimal digits"),
    "number": (lambda said: {**said, "host": {"system": 5}}, "at host.system text"),
    "shape": (lambda said: {**said, "inputs": [{**said["inputs"][0], "shape": [-1]}]}, "at inputs[0].shape[0] a size"),
    "scalar": (lambda said: {**said, "inputs": [{**said["inputs"][0], "shape": []}]}, "at inputs[0].by_rows"),
    "rows": (lambda said: {**said, "inputs": [{**said["inputs"][0], "rows": "ab"}]}, "at inputs[0].rows 16 hex"),
    "many rows": (lambda said: {**said, "inputs": [{**said["inputs"][0], "shape": [2**62, 4]}]}, "inputs[0].rows"),
    "options": (lambda said: {**said, "runtime": {"options": {"a": "b"}}}, "at runtime.options an array"),
    "first": (lambda said: {**said, "first_sample": -1}, "at first_sample a count"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_provenance_is_an_error_with_a_place(recorded, audit, kind):
    change, message = DAMAGED[kind]
    err = audit(tampered(recorded(), change), code=3).err
    assert "error A304" in err and message in err and "changed.npz: __assay__" in err


def test_provenance_of_another_type_is_refused(recorded, audit, tmp_path):
    with np.load(recorded()) as file:
        y = file["y"]
    for wrong in (np.zeros(3), np.zeros((2, 2), np.uint8), np.array("text")):
        np.savez(tmp_path / "wrong.npz", y=y, __assay__=wrong)
        assert "error A304" in audit("wrong.npz", code=3).err


TYPES = {
    "float64": np.arange(6, dtype=np.float64).reshape(3, 2), "int64": np.arange(3), "bool": np.array([True, False]),
    "big-endian": np.arange(6, dtype=">f4").reshape(3, 2), "fortran": np.asfortranarray(np.arange(6.0).reshape(3, 2)),
    "text": np.array(["a", "", "\u00e9\u4e2d"]), "bytes": np.array([b"ab", b"c"]),
    "empty": np.zeros((0, 3), np.float32),
    "scalar": np.float32(1.5), "complex": np.array([1 + 2j]), "float16": np.arange(3, dtype=np.float16),
}


@pytest.mark.parametrize("kind", TYPES)
def test_both_sides_compute_one_hash(assay, tmp_path, save_npz, model, kind):
    value = np.asarray(TYPES[kind])
    y = np.ones((max(1, len(value) if value.ndim else 1), 2), np.float32)
    other = value.copy()
    if other.size:
        other.reshape(-1)[0] = other.reshape(-1)[-1] if other.dtype.kind in "USb" else 7
    save_npz("in.npz", z=value)
    words = ["compare", model, "--input", "in.npz", "--program", "recorded:r.npz", "--program", "recorded:r.npz"]
    record.save(str(tmp_path / "r.npz"), {"y": y}, inputs={"z": value}, model=str(model))
    assert assay(*words, code=0).err == ""
    if other.size:
        record.save(str(tmp_path / "r.npz"), {"y": y}, inputs={"z": other}, model=str(model))
        assert "A311" in assay(*words, code=3).err


def test_folders_are_hashed_by_names_and_contents(tmp_path):
    package = tmp_path / "m.mlpackage"
    (package / "Data").mkdir(parents=True)
    (package / "Manifest.json").write_text("{}")
    (package / "Data/weights").write_bytes(b"abc")
    first = record.hash_path(str(package))
    (package / ".DS_Store").write_text("of a file browser")
    assert record.hash_path(str(package) + "/") == first
    (package / "Data/weights").rename(package / "Data/other")
    assert record.hash_path(str(package)) != first


FUNCTION = "def double(inputs):\n    return {'y': inputs['x'] * 2}\ndef sums(t):\n    return t.sum(-1)\n"


def test_functions_are_recorded(tmp_path, save_npz, x, audit):
    (tmp_path / "mine.py").write_text(FUNCTION)
    save_npz("in.npz", x=x)
    assert record.main([f"{tmp_path}/mine.py:double", "--input", f"{tmp_path}/in.npz", "--output", f"{tmp_path}/o.npz",
                        "--batch", "6", "--option", "how=twice"]) == 0
    with np.load(tmp_path / "o.npz") as out:
        assert np.array_equal(out["y"], x * 2)
        said = json.loads(out["__assay__"].tobytes())
    assert said["runtime"] == {"name": "function", "version": "", "options": [["how", "twice"], ["batch", "6"]]}
    assert "A311" in audit(tmp_path / "o.npz", code=3).err  # no file at hand is mine.py


def test_types_that_numpy_lacks(tmp_path, assay, model):
    import ml_dtypes  # noqa: PLC0415

    y = np.arange(6).reshape(3, 2)
    narrow = {"b": y.astype(ml_dtypes.bfloat16), "f": y.astype(ml_dtypes.float8_e4m3fn),
              "i": (y - 3).astype(ml_dtypes.int4)}
    record.save(str(tmp_path / "r.npz"), narrow)
    types = {a["name"]: a["type"] for a in assay("fingerprint", "r.npz", "--json", code=0).result["arrays"]}
    assert types == {"b": "bfloat16", "f": "float8e4m3fn"}
    assert record.read_inputs(str(tmp_path / "r.npz"))["b"].dtype == ml_dtypes.bfloat16
    record.save(str(tmp_path / "s.npz"), {"y": y.astype(np.float32)}, inputs=narrow, model=str(model))
    recordings = ["--program", "recorded:s.npz", "--program", "recorded:s.npz"]
    assert assay("compare", model, "--input", "r.npz", *recordings, code=0).err == ""


def test_openvino_is_recorded(recorded, audit):
    pytest.importorskip("openvino")
    said = audit(recorded("ov.npz", "--runtime", "openvino", "--option", "INFERENCE_PRECISION_HINT=f32"))
    facts = said.result["candidates"][0]["recording"]
    assert facts["runtime"] == "openvino" and ["INFERENCE_PRECISION_HINT", "f32"] in facts["options"]


def test_torch_is_recorded(tmp_path, save_npz, x):
    python = "/usr/bin/python3"
    if subprocess.run([python, "-c", "import torch, numpy"], capture_output=True, check=False).returncode:
        pytest.skip("python3-torch is not installed")
    (tmp_path / "mine.py").write_text(FUNCTION)
    save_npz("in.npz", x=x)
    subprocess.run([python, PATH, "mine.py:sums", "--runtime", "torch", "--input", "in.npz", "--output", "t.npz",
                    "--output-names", "y", "--batch", "20"], cwd=tmp_path, check=True)
    with np.load(tmp_path / "t.npz") as out:
        assert out["y"].shape == (20,) and np.allclose(out["y"], x.sum(-1))


class FakeCoreML(SimpleNamespace):
    """What record.py uses of coremltools, without the Mac."""

    __version__ = "9.9"

    class ComputeUnit:
        ALL, CPU_AND_NE = "all", "ne"

    @staticmethod
    def load(path, compute_units):
        array = SimpleNamespace(shape=[1, 4], WhichOneof=lambda _: None)
        kind = SimpleNamespace(WhichOneof=lambda _: "multiArrayType", multiArrayType=array)
        description = SimpleNamespace(input=[SimpleNamespace(name="x", type=kind)])

        def predict(inputs):
            assert inputs["x"].shape == (1, 4)  # a fixed batch of 1 runs sample by sample
            return {"y": inputs["x"][:, :3], "classProbs": {"a": 1.0}}

        return SimpleNamespace(get_spec=lambda: SimpleNamespace(description=description), predict=predict)


def test_core_ml_runs_on_a_mac_alone(model, x, tmp_path, save_npz, monkeypatch, capsys):
    save_npz("in.npz", x=x)
    words = [str(model), "--runtime", "coremltools", "--input", f"{tmp_path}/in.npz", "--output", f"{tmp_path}/o.npz",
             "--compute-unit", "CPU_AND_NE"]
    assert record.main(words) == 3 and "macOS" in capsys.readouterr().err
    fake = FakeCoreML(models=SimpleNamespace(MLModel=FakeCoreML.load))
    monkeypatch.setattr(record.sys, "platform", "darwin")
    monkeypatch.setattr(record, "_processor", lambda: "Apple M9")
    monkeypatch.setitem(sys.modules, "coremltools", fake)
    assert record.main(words) == 0
    with np.load(tmp_path / "o.npz") as out:
        assert sorted(out.files) == ["__assay__", "y"] and np.array_equal(out["y"], x[:, :3])
        assert b'["compute_units", "CPU_AND_NE"]' in out["__assay__"].tobytes()


WRONG = {
    "nothing.onnx": (["nothing.onnx"], 3, "does not exist"),
    "ending": (["m.bin"], 2, "--runtime"),
    "flag": (["m.onnx", "--device", "cpu"], 2, "takes no --device"),
    "provider": (["m.onnx", "--provider", "NoProvider"], 2, "it has"),
    "option": (["m.onnx", "--session-option", "a"], 2, "KEY=VALUE"),
    "batch": (["m.onnx", "--batch", "0"], 2, "--batch from 1"),
    "function": (["nothing.py:f"], 3, "does not exist"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_words_leave_nothing_behind(model, x, save_npz, tmp_path, monkeypatch, capsys, kind):
    words, code, message = WRONG[kind]
    save_npz("in.npz", x=x)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert record.main([*words, "--input", "in.npz", "--output", "out.npz"]) == code
    assert message in capsys.readouterr().err and sorted(tmp_path.iterdir()) == before


def test_runtimes_that_fail_are_errors(model, x, save_npz, tmp_path, capsys):
    save_npz("in.npz", x=x.astype(np.float64))
    assert record.main([str(model), "--input", f"{tmp_path}/in.npz", "--output", f"{tmp_path}/out.npz"]) == 3
    assert "onnxruntime failed" in capsys.readouterr().err and not (tmp_path / "out.npz").exists()


def test_shared_and_axisless_inputs(tmp_path, save_model, save_npz, assay):
    model = save_model("two.onnx", [helper.make_node("Add", ["x", "z"], ["y"])],
                       {"x": (T.FLOAT, ["N", 2]), "z": (T.FLOAT, [2])}, {"y": (T.FLOAT, ["N", 2])})
    x, z = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([5, 7], np.float32)
    save_npz("in.npz", x=x, z=z)
    lone = save_model("lone.onnx", [helper.make_node("Neg", ["x"], ["y"])], {"x": (T.FLOAT, [2])},
                      {"y": (T.FLOAT, [2])})
    for path, y in ((model, x + z), (lone, -x)):
        assert record.main([str(path), "--input", f"{tmp_path}/in.npz", "--output", f"{tmp_path}/o.npz"]) == 0
        with np.load(tmp_path / "o.npz") as out:
            assert np.array_equal(out["y"], y)
        words = ["audit", path, "--data", "in.npz", *RULE, "--candidate", "recorded:o.npz", "--json"]
        assert {w["code"] for w in assay(*words, code=0).json["warnings"]} <= {"A310"}  # lone takes no z
    with pytest.raises(record.RecordError, match="different numbers"):
        record.plan_of({"x": x, "z": x[:2]}, {"x": [None, 2], "z": [None, 2]}, None, [])
    with pytest.raises(record.RecordError, match="batches of 2"):
        record.plan_of({"x": x}, {"x": [2, 2]}, None, [])
