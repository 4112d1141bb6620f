"""Probes: written in three formats, run by real runtimes, and read back to the policy that ran them."""
import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest

GROUPS = "matmul,gemm,conv,sum,softmax,mul,exp"


@pytest.fixture(scope="session")
def probes(assay_path, tmp_path_factory):
    """A folder of probes."""
    folder = tmp_path_factory.mktemp("made") / "probes"
    subprocess.run([assay_path, "probe", "make", "--for", GROUPS, "-o", folder], check=True, capture_output=True)
    return folder


@pytest.fixture
def record(assay, probes, tmp_path):
    """record("coreml-nn-gpu") -> what a device with that profile would record, without saying what it is."""

    def run(profile, *names):
        arrays = {}
        for probe in json.loads((probes / "probes.json").read_text())["probes"]:
            if names and probe["name"] not in names:
                continue
            stem = probes / probe["name"]
            assay("run", f"{stem}.onnx", "--input", f"{stem}.npz", "--profile", profile, "--output", "y.npz", code=0)
            with np.load(tmp_path / "y.npz") as file:
                arrays[probe["name"] + "/y"] = file["y"]
        np.savez(tmp_path / "recorded.npz", **arrays)
        return tmp_path / "recorded.npz"

    return run


@pytest.fixture
def read(assay):
    def run(*words):
        return assay("probe", "read", *words, "--json", code=0).result

    return run


def by_name(mode):
    return {probe["name"]: probe for group in mode["groups"] for probe in group["probes"]}


def test_each_probe_is_written_in_every_format(probes):
    manifest = json.loads((probes / "probes.json").read_text())
    assert {p["group"] for p in manifest["probes"]} == set(GROUPS.split(","))
    for probe in manifest["probes"]:
        onnx.checker.check_model(onnx.load(probes / (probe["name"] + ".onnx")))
        assert (probes / (probe["name"] + ".mlmodel")).is_file()
        assert (probes / (probe["name"] + ".mlpackage/Manifest.json")).is_file()
        with np.load(probes / (probe["name"] + ".npz")) as inputs:
            assert "x" in inputs


def test_core_ml_files_give_what_the_onnx_files_give(assay, probes, tmp_path):
    for name in ("matmul_short", "conv_random", "sum_random"):
        found = []
        for ending, profile in ((".onnx", "strict-f32"), (".mlmodel", "coreml-nn-cpu"),
                                (".mlpackage", "coreml-mlprogram-f32-cpu")):
            assay("run", probes / (name + ending), "--input", probes / (name + ".npz"), "--profile", profile,
                  "--output", "y.npz", code=0)
            with np.load(tmp_path / "y.npz") as file:
                found.append(file[file.files[0]].reshape(-1))
        assert np.array_equal(found[0], found[1])
        assert np.array_equal(found[0], found[2])


def test_coremltools_reads_the_core_ml_files(probes):
    models = pytest.importorskip("coremltools").models
    for path in (probes / "matmul_short.mlmodel", probes / "conv_random.mlpackage"):
        spec = models.MLModel(str(path), skip_model_load=True).get_spec()
        assert [output.name for output in spec.description.output] == ["y"]


@pytest.mark.parametrize("script", ["onnxruntime", "coremltools", "openvino", "torch"])
def test_recorders_are_python(probes, script):
    done = subprocess.run([sys.executable, probes / f"record_{script}.py", "--help"], capture_output=True, text=True,
                          check=False)
    known = "No module named" in done.stderr  # the runtime is imported before words are read
    assert "--output" in done.stdout or known, done.stderr
    source = (probes / f"record_{script}.py").read_text()
    compile(source, script, "exec")
    assert max(map(len, source.splitlines())) <= 120


FAKE_CORE_ML = """
import enum, os, subprocess, tempfile
import numpy as np
__version__ = "0 (a fake)"
ComputeUnit = enum.Enum("ComputeUnit", "ALL CPU_ONLY CPU_AND_GPU CPU_AND_NE")
class models:
    class MLModel:
        def __init__(self, path, compute_units):
            self.path, self.profile = path, {"CPU_AND_GPU": "coreml-nn-gpu"}[compute_units.name]
        def predict(self, inputs):
            with tempfile.TemporaryDirectory() as folder:
                np.savez(folder + "/in.npz", **inputs)
                subprocess.run([os.environ["FAKE_ASSAY"], "run", self.path, "--input", folder + "/in.npz", "--profile",
                                self.profile, "--output", folder + "/y.npz"], check=True, capture_output=True)
                return {"y": np.load(folder + "/y.npz")["y"]}
"""

FAKE_TORCH = """
import types
import numpy as np
__version__ = "0 (a fake)"
float32, float16, bfloat16 = np.float32, np.float16, "bfloat16"
backends = types.SimpleNamespace(cuda=types.SimpleNamespace(matmul=types.SimpleNamespace()),
                                 cudnn=types.SimpleNamespace())
class Tensor(np.ndarray):
    def to(self, what): return self if isinstance(what, str) else self.astype(what)
    def float(self): return self.astype(np.float32)
    def cpu(self): return self
    def numpy(self): return np.asarray(self)
    def softmax(self, axis): raise NotImplementedError("softmax")
def tensor(values): return np.asarray(values).view(Tensor)
def fold(a, b):
    total = np.zeros((a.shape[0], b.shape[1]), a.dtype).view(Tensor)
    for k in range(a.shape[1]): total = total + a[:, k:k + 1] * b[k]
    return total
matmul, addmm = fold, lambda b, x, w: fold(x, w) + b
sum, mean = lambda x, axis: np.add.reduce(x, axis), None
mul, add, div, exp, log, sqrt, reciprocal, tanh = [getattr(np, n) for n in
    ("multiply", "add", "divide", "exp", "log", "sqrt", "reciprocal", "tanh")]
sigmoid = erf = None
nn = types.SimpleNamespace(functional=types.SimpleNamespace(conv2d=None, softplus=None, gelu=None, layer_norm=None))
"""


@pytest.fixture
def record_with(probes, assay_path, tmp_path):
    """record_with("torch", source, flags...): runs a recorder with a module of that name made of `source`."""

    def run(script, module, source, *flags):
        (tmp_path / f"{module}.py").write_text(source)
        words = [sys.executable, probes / f"record_{script}.py", "--output", tmp_path / "out.npz", *flags]
        done = subprocess.run(words, capture_output=True, text=True, check=True,
                              env={**os.environ, "PYTHONPATH": str(tmp_path), "FAKE_ASSAY": assay_path})
        return tmp_path / "out.npz", done.stderr

    return run


@pytest.mark.parametrize("container", ["mlmodel", "mlpackage"])
def test_the_recorder_for_core_ml(record_with, read, container):
    path, _ = record_with("coremltools", "coremltools", FAKE_CORE_ML, "--compute-unit", "CPU_AND_GPU", "--format",
                          container)
    found = read(path, "--combinations", "0")
    assert "compute_unit=CPU_AND_GPU" in found["device"]
    (mode,) = found["modes"]
    assert mode["verdict"] == "exact"
    assert "coreml-nn-gpu" in {policy["profile"] for policy in mode["policies"]}


def test_the_recorder_for_pytorch(record_with, read):
    path, said = record_with("torch", "torch", FAKE_TORCH, "--dtype", "float16")
    assert "softmax_random: left out: NotImplementedError" in said
    (mode,) = read(path, "--combinations", "0")["modes"]
    short = by_name(mode)["matmul_short"]
    assert "coreml-nn-gpu-lowacc/multiply-then-add" in short["explained_by"]


def test_onnx_runtime_adds_up_in_ascending_order(probes, read, tmp_path):
    pytest.importorskip("onnxruntime")
    subprocess.run([sys.executable, probes / "record_onnxruntime.py", "--output", tmp_path / "ort.npz"], check=True)
    found = read(tmp_path / "ort.npz", "--combinations", "0")
    assert found["device"].startswith("onnxruntime ")
    (mode,) = found["modes"]
    assert mode["words"].startswith("float32 storage, float32 accumulation")
    for name in ("matmul_short", "matmul_ties", "matmul_subnormals", "gemm_bias"):
        assert "cpu-f32/fused-ascending" in by_name(mode)[name]["explained_by"]


def test_a_profile_is_found_and_written(record, read, assay, probes, tmp_path):
    found = read(record("coreml-nn-ane"), "-o", "my-device.toml", "--combinations", "0")
    (mode,) = found["modes"]
    assert mode["verdict"] == "exact"
    assert {"coreml-nn-ane"} <= {p["profile"] for p in mode["policies"]}
    shown = assay("profiles", "show", "my-device", "--profile-file", "my-device.toml", code=0).out
    assert "values of the probes" in shown
    assert "measured" in shown
    stem = probes / "matmul_counts"
    assay("run", f"{stem}.onnx", "--input", f"{stem}.npz", "--profile-file", "my-device.toml", "--profile", "my-device",
          "--output", "again.npz", code=0)
    with np.load(tmp_path / "again.npz") as again, np.load(tmp_path / "recorded.npz") as recorded:
        assert np.array_equal(again["y"], recorded["matmul_counts/y"])


@pytest.fixture
def device(assay, probes, tmp_path):
    """device(storage, set, names) -> what a device without a built-in profile would record."""

    def run(storage, setting, *names):
        (tmp_path / "device.toml").write_text(
            f'name = "device"\ndoc = "No built-in profile."\nstorage = "{storage}"\n[[statement]]\n'
            f'match.class = "contraction"\n{setting}\nevidence.source = "a test"\nevidence.certainty = "definition"\n')
        arrays = {}
        for name in names:
            stem = probes / name
            assay("run", f"{stem}.onnx", "--input", f"{stem}.npz", "--profile-file", "device.toml", "--profile",
                  "device", "--output", "y.npz", code=0)
            with np.load(tmp_path / "y.npz") as file:
                arrays[name + "/y"] = file["y"]
        np.savez(tmp_path / "recorded.npz", **arrays)
        return tmp_path / "recorded.npz"

    return run


def test_a_device_without_a_profile_is_found(assay, device, read):
    recorded = device("float16 nearest-even clamp", 'set.accumulator = { kind = "lanes", lanes = 4 }', "matmul_short",
                      "matmul_range", "matmul_residues", "gemm_undone")
    (mode,) = read(recorded, "-o", "found.toml")["modes"]
    assert mode["verdict"] == "exact"
    for words in ("float16 storage, clamped", "float32 accumulation in 4 lanes"):
        assert words in mode["words"]
    shown = assay("profiles", "show", "found", "--profile-file", "found.toml", code=0).out
    assert "lanes = 4" in shown


def test_a_profile_whose_statements_override_one_another_reads_back(assay, device, read):
    """One statement sets storage and steps, a later one only the storage."""
    recorded = device("float16 nearest-even flush clamp",
                      'set.accumulator = { kind = "chain", step = "float16 nearest-even" }', "matmul_short",
                      "matmul_range", "mul_random")
    (mode,) = read(recorded, "-o", "found.toml")["modes"]
    assert mode["verdict"] == "exact"
    assert any(policy["changes"] and policy["profile"] == "litert-gpu-f16" for policy in mode["policies"])
    assay("profiles", "show", "found", "--profile-file", "found.toml", code=0)


def test_a_function_by_table_is_told(assay, read, tmp_path):
    assay("probe", "make", "--for", "tanh", "-o", "tables", code=0)
    with np.load(tmp_path / "tables/tanh.npz") as file:
        x = file["x"].astype(np.float16).astype(np.float64)
    knots = np.linspace(-4, 4, 33)
    y = np.interp(x, knots, np.tanh(knots)).astype(np.float16).astype(np.float32)
    np.savez(tmp_path / "table.npz", **{"tanh/y": y})
    (mode,) = read("table.npz", "--combinations", "0", "-o", "table.toml")["modes"]
    probe = by_name(mode)["tanh"]
    assert probe["by_table"]
    assert probe["segments"] <= 40
    assert "entries of a table" in (tmp_path / "table.toml").read_text()


def test_a_dead_function_is_no_table(assay, record, read, tmp_path):
    with np.load(record("strict-f32", "exp", "mul_random", "matmul_short")) as file:
        arrays = dict(file)
    for value, words in ((np.nan, "NaN"), (0.5, "0.5")):
        np.savez(tmp_path / "dead.npz", **{**arrays, "exp/y": np.full_like(arrays["exp/y"], value)})
        (mode,) = read("dead.npz", "--combinations", "0")["modes"]
        probe = by_name(mode)["exp"]
        assert (probe["by_table"], probe["constant"]) == (False, words)
        text = assay("probe", "read", "dead.npz", "--combinations", "0", code=0).out
        assert f"exp: {words} for every argument" in text and "table" not in text
        assert (probe["worst_steps"] is None) == bool(np.isnan(value)) and "18,446" not in text


def test_what_was_not_probed_is_not_measured(assay, record, read, tmp_path):
    """A device that adds in float16, of which one function alone was recorded."""
    found = read(record("coreml-nn-gpu-lowacc", "exp"), "--combinations", "0", "-o", "one.toml")
    (mode,) = found["modes"]
    assert mode["not_probed"] == ["contraction", "reduction", "composite"]
    profile = (tmp_path / "one.toml").read_text()
    assert "measured" not in profile and "no probe of contraction" in profile
    whole = read(record("coreml-nn-gpu-lowacc"), "--combinations", "0", "-o", "whole.toml")
    assert whole["modes"][0]["not_probed"] == []
    assert "measured" in (tmp_path / "whole.toml").read_text()


@pytest.mark.parametrize("name", ["strict-f32", "ünï", ".hidden", "x" * 65])
def test_a_name_that_no_profile_can_have_is_refused_first(assay, record, tmp_path, name):
    done = assay("probe", "read", record("f16-storage", "mul_random"), "--combinations", "0", "-o", f"{name}.toml",
                 code=2)
    assert "A001" in done.err and not (tmp_path / f"{name}.toml").exists()


@pytest.mark.parametrize("provider", ["Nope", "CUDAExecutionProvider"])
def test_a_provider_that_is_not_there_is_not_recorded(probes, tmp_path, provider):
    done = subprocess.run([sys.executable, probes / "record_onnxruntime.py", "--provider", provider, "--output",
                           tmp_path / "none.npz"], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and provider in done.stderr and not (tmp_path / "none.npz").exists()


def test_a_recording_of_nothing_is_not_written(probes, assay_path, tmp_path):
    head = "def predict(self, inputs):"
    source = FAKE_CORE_ML.replace(head, f"{head} raise RuntimeError\n        def other(self, inputs):")
    (tmp_path / "coremltools.py").write_text(source)
    done = subprocess.run([sys.executable, probes / "record_coremltools.py", "--output", tmp_path / "none.npz",
                           "--compute-unit", "CPU_AND_GPU"], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(tmp_path), "FAKE_ASSAY": assay_path})
    assert done.returncode == 1 and "ran no probe" in done.stderr and not (tmp_path / "none.npz").exists()


def test_small_values_have_a_bound_of_their_own(assay, record, read, tmp_path):
    with np.load(record("strict-f32", "exp")) as file:
        y = file["exp/y"].copy()
    for factor, verdict in ((1, "exact"), (1 + 2.0 ** -14, "unexplained")):
        z = np.where(y < np.quantile(y, 0.2), y * np.float32(factor), y).astype(np.float32)
        np.savez(tmp_path / "e.npz", **{"exp/y": z})
        (mode,) = read("e.npz", "--combinations", "0")["modes"]
        assert by_name(mode)["exp"]["verdict"] == verdict


def test_what_no_policy_fits(assay, record, read, tmp_path):
    with np.load(record("strict-f32", "mul_random", "matmul_short")) as file:
        arrays = dict(file)
    np.savez(tmp_path / "nan.npz", **{name: np.full_like(y, np.nan) for name, y in arrays.items()})
    (mode,) = read("nan.npz", "--combinations", "0")["modes"]
    assert mode["verdict"] == "none"
    assert "no policy fits" in assay("probe", "read", "nan.npz", "--combinations", "0", code=0).out
    refused = assay("probe", "read", "nan.npz", "--combinations", "0", "-o", "n.toml", code=3).err
    assert "A204" in refused and "no policy fits" in refused
    np.savez(tmp_path / "shape.npz", **{name: y.reshape(-1)[:5] for name, y in arrays.items()})
    assert "record the probes again" in assay("probe", "read", "shape.npz", "--combinations", "0", code=3).err


def test_a_profile_says_each_thing_once(record, read, tmp_path):
    read(record("f64", "exp", "mul_random", "sum_random"), "-o", "once.toml", "--combinations", "40")
    text = (tmp_path / "once.toml").read_text()
    plain = [s for s in text.split("[[statement]]")[1:] if "match." not in s]
    for setting in ("set.elementary", "set.result", "set.step"):
        assert sum(setting in s for s in plain) <= 1, text


def test_one_probe_tells_less(record, read):
    recording = record("f16-storage", "mul_random")
    (mode,) = read(recording, "--combinations", "0")["modes"]
    assert mode["verdict"] == "exact"
    assert {"f16-storage", "coreml-nn-gpu-lowacc", "cuda-f16-ampere"} <= {p["profile"] for p in mode["policies"]}


def test_without_leaves_a_profile_out(record, read):
    (mode,) = read(record("tpu-bf16", "matmul_short"), "--combinations", "0", "--without", "tpu-bf16")["modes"]
    assert "tpu-bf16" not in {p["profile"] for p in mode["policies"]}


def test_words(assay, record, save_npz):
    assert "did you mean 'matmul'" in assay("probe", "make", "--for", "matmull", "-o", "p", code=2).err
    assert "-o FOLDER" in assay("probe", "make", code=2).err
    assert "recorded.npz" in assay("probe", "read", code=2).err
    assert "no array is called PROBE/y" in assay("probe", "read", save_npz("other.npz", y=np.zeros(3)), code=3).err
    recording = record("f16-storage", "mul_random")
    assert ".toml" in assay("probe", "read", recording, "-o", "profile.txt", code=2).err
    assert "no profile" in assay("probe", "read", recording, "--without", "nothing", code=2).err
    err = assay("probe", "read", recording, "--mode", "f16.default", code=2).err
    assert "it has none: leave --mode out" in err and "it has: \n" not in err


def test_probes_of_another_version_are_refused(assay, tmp_path):
    told = {"assay_recording": 1, "probes": {"mul_random": "0123456789abcdef"}}
    np.savez(tmp_path / "old.npz", **{"mul_random/y": np.zeros(1024, np.float32)},
             __assay__=np.frombuffer(json.dumps(told).encode(), np.uint8))
    assert "A311" in assay("probe", "read", "old.npz", code=3).err


@pytest.mark.parametrize(("file", "combinations", "words", "exact"), [
    ("onnxruntime-1.32.0-cpu", 0, "float32 storage, float32 accumulation",
     ["matmul_positions", "matmul_ties", "matmul_random", "gemm_undone", "conv_random"]),
    ("openvino-2026.4.1-f32", 0, "float32 storage, float32 accumulation",
     ["matmul_counts", "matmul_random", "gemm_bias"]),
    ("openvino-2026.4.1-default", 260, "bfloat16 operands, subnormals flushed, sums of pairs of products",
     ["matmul_operands", "matmul_pairs", "matmul_random", "matmul_residues", "matmul_subnormals"]),
    ("pytorch-1.13.0-cpu-f32", 120, "float32 accumulation, products rounded first, starting at the bias",
     ["matmul_positions", "matmul_fused", "matmul_long", "conv_random", "exp", "tanh"]),
    ("pytorch-1.13.0-cpu-bf16", 0, "bfloat16 storage, subnormals flushed, sums of pairs of products",
     ["matmul_operands", "matmul_pairs", "matmul_long", "matmul_residues", "conv_random", "softmax_random"]),
])
def test_recordings_of_real_runtimes(read, root, file, combinations, words, exact):
    found = read(root / f"tests/data/recordings/{file}.npz", "--combinations", combinations)
    assert file.split("-")[0].removeprefix("py") in found["device"]
    (mode,) = found["modes"]
    assert words in mode["words"]
    probes = by_name(mode)
    assert {name: probes[name]["verdict"] for name in exact} == dict.fromkeys(exact, "exact")
    assert not any(probe["by_table"] for probe in probes.values())


def test_a_recording_of_a_pytorch_device_is_read(read, tmp_path):
    """The form of '<probe>/<case>/<what>', raw bits: here NumPy is the device."""
    rng = np.random.default_rng(7)
    rows = {"one_among_2p-11_k16": np.where(np.eye(16) > 0, 1.0, 2.0 ** -11), "ones_1024": np.ones((1, 1024))}
    arrays = {f"dot/rows/{name}": r for name, r in rows.items()}
    for name, r in rows.items():
        total = np.zeros(len(r), np.float16)
        for k in range(r.shape[1]):
            total = (total + r[:, k].astype(np.float16)).astype(np.float16)
        arrays[f"dot/f16.default/{name}/y"] = total.view(np.uint16)
        arrays[f"dot/f32.default/{name}/y"] = r.astype(np.float32).sum(1, dtype=np.float32).view(np.uint32)
    x = rng.normal(size=(64, 16)).astype(np.float32)
    arrays["operand/x"] = x.view(np.uint32)
    arrays["operand/f32.default/left"] = (x.view(np.uint32) & 0xFFFFE000).astype(np.uint32)
    np.savez(tmp_path / "device.npz", **arrays)
    modes = {m["mode"]: m for m in read("device.npz", "--combinations", "150")["modes"]}
    assert set(modes) == {"f16.default", "f32.default"}
    assert "float16 accumulation" in modes["f16.default"]["words"]
    assert "TF32 operands, truncated" in modes["f32.default"]["words"]
    done = read("device.npz", "--mode", "f16.default", "--combinations", "0", "-o", "half.toml")
    assert (tmp_path / "half.toml").is_file()
    assert done["written"] == "half.toml"
