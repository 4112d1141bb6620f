"""The real ONNX Runtime as a program: its bits, its options, its errors, and what happens when it crashes."""
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

CPU = "ort:CPUExecutionProvider"
LIBRARY = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.*"))


@pytest.fixture(autouse=True)
def real_library(monkeypatch):
    monkeypatch.setenv("ASSAY_ORT_LIBRARY", str(LIBRARY))


@pytest.fixture
def fake(assay_path):
    """fake("abort") is the environment in which the library is one that misbehaves so."""
    path = Path(assay_path).parent / "libfake_ort.so"
    assert path.is_file(), f"{path} is not built"
    return lambda how, **more: {"ASSAY_ORT_LIBRARY": str(path), "FAKE_ORT": how, **more}


@pytest.fixture
def mlp(root):
    return root / "examples/article/mlp.onnx", "--input", root / "examples/article/input.npz"


def real_outputs(path, inputs, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    onnxruntime.set_default_logger_severity(3)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs), strict=True))


@pytest.fixture
def run_real(assay, tmp_path):
    """run_real(model, inputs, provider) -> outputs by name."""
    def run(path, inputs, provider=CPU, *flags):
        np.savez(tmp_path / "in.npz", **inputs)
        assay("run", path, "--input", tmp_path / "in.npz", "--provider", provider, "--output", tmp_path / "out.npz",
              *flags, code=0)
        with np.load(tmp_path / "out.npz") as out:
            return dict(out)
    return run


def assert_same_bits(got, want):
    assert got.keys() == want.keys()
    for name, array in want.items():
        assert got[name].dtype == array.dtype
        assert got[name].shape == array.shape
        assert got[name].tobytes() == array.tobytes(), name


def models(root):
    """Paths of real models, with inputs."""
    images = np.random.default_rng(1)
    yield root / "examples/article/mlp.onnx", dict(np.load(root / "examples/article/input.npz"))
    yield (root / "examples/garments/garments.onnx",
           {"image": images.random((5, 1, 28, 28), dtype=np.float32)})
    yield (root / "build/inputs/blazeface/front.onnx",
           {"input:0": images.random((1, 128, 128, 3), dtype=np.float32)})


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize("isolate", [0, 1])
def test_bits_are_those_of_onnx_runtime_in_python(root, run_real, index, isolate):
    path, inputs = list(models(root))[index]
    assert_same_bits(run_real(path, inputs, f"{CPU}:isolate={isolate}"), real_outputs(path, inputs))


NUMBERS = {"float16": np.float16, "float64": np.float64, "int8": np.int8, "uint16": np.uint16, "int64": np.int64,
           "bool": np.bool_}


@pytest.mark.parametrize("isolate", [0, 1])
@pytest.mark.parametrize("name", NUMBERS)
def test_types_come_and_go(save_model, run_real, name, isolate):
    x = np.array([[0, 1, 1], [1, 0, 3]]).astype(NUMBERS[name])
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    path = save_model("m.onnx", [helper.make_node("Transpose", ["x"], ["y"])], {"x": (kind, ("n", 3))},
                      {"y": (kind, (3, "n"))})
    assert_same_bits(run_real(path, {"x": x}, f"{CPU}:isolate={isolate}"), {"y": x.T.copy()})


@pytest.mark.parametrize("isolate", [0, 1])
@pytest.mark.parametrize("kind", [TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2])
def test_types_that_numpy_lacks_come_out(save_model, assay, kind, isolate):
    x = np.array([1.03, -2.7, 448.0], np.float32)
    path = save_model("m.onnx", [helper.make_node("Cast", ["x"], ["y"], to=kind)],
                      {"x": (TensorProto.FLOAT, (3,))}, {"y": (kind, (3,))}, opset=19, ir_version=9)
    np.savez(path.parent / "in.npz", x=x)
    done = assay("compare", path, "--input", path.parent / "in.npz", "--program", "strict-f32", "--program",
                 f"{CPU}:isolate={isolate}", "--max-abs", "0", code=0)
    assert "3 of 3" in done.out


@pytest.mark.parametrize("isolate", [0, 1])
def test_strings_come_and_go(save_model, run_real, isolate):
    path = save_model("m.onnx", [helper.make_node("Identity", ["x"], ["y"])], {"x": (TensorProto.STRING, ("n",))},
                      {"y": (TensorProto.STRING, ("n",))})
    out = run_real(path, {"x": np.array(["", "zwei", "drei"])}, f"{CPU}:isolate={isolate}")
    assert out["y"].tolist() == ["", "zwei", "drei"]


def test_scalars_empty_arrays_and_symbols(save_model, run_real):
    path = save_model("m.onnx", [helper.make_node("Add", ["x", "s"], ["y"])],
                      {"x": (TensorProto.FLOAT, ("n", 2)), "s": (TensorProto.FLOAT, ())},
                      {"y": (TensorProto.FLOAT, ("n", 2))})
    x = np.ones((4, 2), np.float32)
    assert_same_bits(run_real(path, {"x": x, "s": np.float32(2)}), {"y": x + 2})


def with_weights_beside(root, tmp_path):
    model = onnx.load(root / "examples/garments/garments.onnx")
    (tmp_path / "far").mkdir()
    onnx.save_model(model, tmp_path / "far/m.onnx", save_as_external_data=True, location="w.bin", size_threshold=16)
    assert (tmp_path / "far/w.bin").stat().st_size > 1000
    return tmp_path / "far/m.onnx"


@pytest.mark.parametrize("flags", [(), ("--intermediates",)])
def test_weights_in_files_beside_the_model(root, tmp_path, run_real, flags):
    image = np.random.default_rng(2).random((2, 1, 28, 28), dtype=np.float32)
    out = run_real(with_weights_beside(root, tmp_path), {"image": image}, CPU, *flags)
    want = real_outputs(root / "examples/garments/garments.onnx", {"image": image})["score"]
    np.testing.assert_allclose(out["score"], want, rtol=1e-5)


def test_intermediates_are_the_engines(root, run_real, assay, tmp_path):
    """Every value inside the classifier, from both sides: the sums' order alone differs."""
    path = root / "examples/garments/garments.onnx"
    before = path.read_bytes()
    image = np.random.default_rng(3).random((2, 1, 28, 28), dtype=np.float32)
    real = run_real(path, {"image": image}, CPU, "--intermediates")
    assay("run", path, "--input", tmp_path / "in.npz", "--profile", "cpu-f32", "--intermediates", "--output",
          tmp_path / "engine.npz", code=0)
    engine = dict(np.load(tmp_path / "engine.npz"))
    graph = onnx.load(path).graph
    assert real.keys() == engine.keys() == {name for node in graph.node for name in node.output}
    for name, array in real.items():
        np.testing.assert_allclose(engine[name], array, rtol=2e-5, atol=2e-5, err_msg=name)
    assert path.read_bytes() == before


def test_intermediates_are_float_tensors_alone(save_model, run_real):
    nodes = [helper.make_node("Shape", ["x"], ["shape"]), helper.make_node("SequenceConstruct", ["x"], ["list"]),
             helper.make_node("ConcatFromSequence", ["list"], ["joined"], axis=0),
             helper.make_node("Relu", ["joined"], ["y"])]
    path = save_model("m.onnx", nodes, {"x": (TensorProto.FLOAT, (2, 2))}, {"y": (TensorProto.FLOAT, (2, 2))})
    assert run_real(path, {"x": np.ones((2, 2), np.float32)}, CPU, "--intermediates").keys() == {"y", "joined"}


def test_defaults_are_replaced_by_data(save_model, run_real):
    path = save_model("m.onnx", [helper.make_node("Mul", ["x", "w"], ["y"])],
                      {"x": (TensorProto.FLOAT, (2,)), "w": (TensorProto.FLOAT, (2,))},
                      {"y": (TensorProto.FLOAT, (2,))}, {"w": np.array([3, 3], np.float32)})
    x = np.array([1, 2], np.float32)
    assert run_real(path, {"x": x})["y"].tolist() == [3, 6]
    assert run_real(path, {"x": x, "w": x})["y"].tolist() == [1, 4]


def test_compare_with_emulated_programs(assay, mlp):
    result = assay("compare", *mlp, "--program", "strict-f32", "--program", CPU, "--program", "coreml-nn-gpu", "--json",
                   code=0).result
    assert [(p["program"], p["variant"], p["profile"], p["emulated"]) for p in result["programs"][:2]] == [
        ("strict-f32", "only", "strict-f32", False), (CPU, "real", None, False)]
    assert result["programs"][2]["lattice"]["format"] == "float16"
    assert [(p["equal"], p["max_ulp"]) for p in result["pairs"]] == [(3, 0), (0, 6078), (0, 6078)]


@pytest.mark.parametrize("isolate", [0, 1])
@pytest.mark.parametrize("real_first", [True, False])
def test_audit_with_the_real_one_on_either_side(root, assay, tmp_path, real_first, isolate):
    image = np.random.default_rng(4).random((50, 1, 28, 28), dtype=np.float32)
    np.savez(tmp_path / "d.npz", image=image)
    real = f"{CPU}:isolate={isolate}"
    reference, candidate = (real, "strict-f32") if real_first else ("strict-f32", real)
    model = root / "examples/garments/garments.onnx"
    done = assay("audit", model, "--data", tmp_path / "d.npz", "--decision", "threshold:0.5", "--reference", reference,
                 "--candidate", candidate, "--json", code=0)
    positive = int((real_outputs(model, {"image": image})["score"] >= 0.5).sum())
    one = done.result["reference"] if real_first else done.result["candidates"][0]["variants"][0]
    assert one["decisions"] == {"negative": 50 - positive, "positive": positive, "undefined": 0}
    assert 0 < done.result["candidates"][0]["variants"][0]["differences"]["max_abs"] < 1e-5
    assert [w["code"] for w in done.json["warnings"]] == ["A405"]


def test_another_file_under_the_real_one(root, assay, mlp, tmp_path):
    """FILE@ort:..., where the file and an option have an @ too."""
    copy = tmp_path / "a@b.onnx"
    shutil.copy(mlp[0], copy)
    real = f"{copy}@{CPU}:session.note=x@y"
    done = assay("compare", *mlp, "--program", "strict-f32", "--program", real, "--max-abs", "0", code=0)
    assert "3 of 3" in done.out


LEVELS = {"disable": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED",
          "all": "ORT_ENABLE_ALL"}


def test_optimisation_level_reaches_the_session(root, run_real):
    """Batch norms go into convolutions on the way: the level shows in the bits. The default is the runtime's own."""
    path, inputs = list(models(root))[1]
    outputs = {}
    for level, name in LEVELS.items():
        outputs[level] = run_real(path, inputs, f"{CPU}:session.graph_optimization_level={level}")
        assert_same_bits(outputs[level], real_outputs(path, inputs, getattr(onnxruntime.GraphOptimizationLevel, name)))
    assert outputs["disable"]["score"].tobytes() != outputs["all"]["score"].tobytes()
    assert_same_bits(run_real(path, inputs), outputs["all"])


@pytest.mark.parametrize(("option", "said"), [
    ("session.execution_mode=parallel", "13: 1"), ("session.graph_optimization_level=extended", "23: 2"),
    ("session.intra_op_num_threads=3", "24: 3"), ("session.inter_op_num_threads=2", "25: 2"),
    ("mlas.some_entry=1", "130: mlas.some_entry=1"), ("session.some_entry=a=b", "130: session.some_entry=a=b"),
])
def test_options_of_the_session_reach_it(assay, mlp, fake, option, said):
    done = assay("run", mlp[0], "--random", 1, "--provider", f"{CPU}:{option}", code=3, env=fake("options"))
    assert f"the fake was told {said}" in done.err


def test_options_of_a_provider_reach_it(assay, mlp, fake):
    done = assay("run", mlp[0], "--random", 1, "--provider", "ort:XnnpackExecutionProvider:b=2,a=1", code=3,
                 env=fake("options"))
    assert "A401" in done.err
    assert "XnnpackExecutionProvider cannot be used: the fake was told XNNPACK a=1 b=2" in done.err


def test_configuration_entries_reach_the_session(assay, mlp):
    """The runtime itself refuses what an entry asks for: it was told."""
    done = assay("run", *mlp, "--provider", f"{CPU}:session.load_model_format=ORT", code=3)
    assert "A402" in done.err


def test_unknown_provider_names_those_that_there_are(assay, mlp):
    done = assay("run", *mlp, "--provider", "ort:CUDAExecutionProvider:use_tf32=0", code=3)
    assert "A401" in done.err
    for name in onnxruntime.get_available_providers():
        assert name in done.err


def test_other_providers_run_apart_and_say_what_falls_back(assay, mlp):
    done = assay("run", *mlp, "--provider", "ort:AzureExecutionProvider", code=0)
    assert "does not take run on the CPU" in done.err
    done = assay("run", *mlp, "--provider", "ort:AzureExecutionProvider:session.disable_cpu_ep_fallback=1", code=3)
    assert "A402" in done.err


@pytest.mark.parametrize(("provider", "said"), [
    ("ort:CPU", "whole name"), ("ort:", "whole name"), (f"{CPU}:x", "key=value"), (f"{CPU}:x=1", "no option 'x'"),
    (f"{CPU}:isolate=2", "0 or 1"), (f"{CPU}:session.graph_optimization_level=most", "extended"),
    (f"{CPU}:session.graph_optimisation_level=all", "did you mean session.graph_optimization_level"),
])
def test_wrong_words(assay, mlp, provider, said):
    assert said in assay("run", *mlp, "--provider", provider, code=2).err


def test_core_ml_files_are_converted_first(assay, mlp, tmp_path):
    assay("convert", mlp[0], "-o", tmp_path / "m.mlpackage", code=0)
    done = assay("run", tmp_path / "m.mlpackage", *mlp[1:], "--provider", CPU, code=2)
    assert "assay convert" in done.err


def test_a_model_that_the_runtime_refuses(assay, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x08no model")
    done = assay("run", tmp_path / "bad.onnx", "--random", 1, "--provider", CPU, code=3)
    assert "A402" in done.err
    assert "bad.onnx" in done.err
    assert "A101" in assay("run", tmp_path / "none.onnx", "--random", 1, "--provider", CPU, code=3).err


def test_sequences_are_refused(save_model, assay):
    model = helper.make_model(helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (2,))],
        [helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, (2,))]),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = save_model("unused.onnx", [helper.make_node("Relu", ["x"], ["y"])], {"x": (TensorProto.FLOAT, (2,))},
                      {"y": (TensorProto.FLOAT, (2,))}).parent / "sequence.onnx"
    onnx.save(model, path)
    assert "'y' is no tensor" in assay("run", path, "--random", 1, "--provider", CPU, code=3).err


def test_a_wrong_shape_is_the_runtimes_error(assay, mlp, tmp_path):
    np.savez(tmp_path / "in.npz", input=np.ones((1, 5), np.float32))
    assert assay("run", mlp[0], "--input", tmp_path / "in.npz", "--provider", CPU).code == 3


def test_no_library(assay, mlp, tmp_path):
    (tmp_path / "bin").mkdir()
    nothing = {"ASSAY_ORT_LIBRARY": "", "VIRTUAL_ENV": "", "PATH": str(tmp_path / "bin")}
    done = assay("run", *mlp, "--provider", CPU, code=3, env=nothing)
    assert "A401" in done.err
    assert "pip install --upgrade onnxruntime" in done.err


def test_library_of_the_virtual_environment(assay, mlp, tmp_path):
    prefix = LIBRARY.parents[5]
    done = assay("run", *mlp, "--provider", CPU, code=0, env={"ASSAY_ORT_LIBRARY": "", "VIRTUAL_ENV": str(prefix)})
    assert f"ONNX Runtime {onnxruntime.__version__}" in done.err


@pytest.mark.parametrize(("content", "said"), [("no library", "cannot be loaded"), (None, "cannot be loaded")])
def test_a_file_that_is_no_library(assay, mlp, tmp_path, content, said):
    if content is not None:
        (tmp_path / "lib.so").write_text(content)
    done = assay("run", *mlp, "--provider", CPU, code=3, env={"ASSAY_ORT_LIBRARY": str(tmp_path / "lib.so")})
    assert "A401" in done.err
    assert said in done.err


def test_a_library_that_is_something_else(assay, mlp):
    other = next(p for p in Path("/lib/x86_64-linux-gnu", "/usr/lib").glob("**/libz.so.1"))
    done = assay("run", *mlp, "--provider", CPU, code=3, env={"ASSAY_ORT_LIBRARY": str(other)})
    assert "OrtGetApiBase" in done.err


def test_an_old_library(assay, mlp, fake):
    done = assay("run", *mlp, "--provider", CPU, code=3, env=fake("old"))
    assert "A401" in done.err
    assert "1.16.3" in done.err
    assert "1.17 or newer" in done.err


X = np.ones((4,), np.float32)


def test_short_names_of_providers(assay, mlp, tmp_path, fake):
    """The fake appends XNNPACK alone: the provider was called so, and got as far as the run."""
    np.savez(tmp_path / "x.npz", x=X)
    done = assay("run", mlp[0], "--input", tmp_path / "x.npz", "--provider", "ort:XnnpackExecutionProvider", code=3,
                 env=fake("compute"))
    assert "A402" in done.err
    assert "computes nothing" in done.err


@pytest.mark.parametrize(("how", "said"), [("abort", "SIGABRT"), ("segv", "SIGSEGV"), ("exit", "status 7"),
                                           ("abort-open", "SIGABRT")])
def test_a_crash_in_a_process_of_its_own_is_an_error(assay, mlp, tmp_path, fake, how, said):
    np.savez(tmp_path / "x.npz", x=X)
    done = assay("run", mlp[0], "--input", tmp_path / "x.npz", "--provider", "ort:XnnpackExecutionProvider", "--json",
                 code=3, env=fake(how))
    assert done.json["error"]["code"] == "A404"
    assert said in done.json["error"]["message"]
    if how != "abort-open":
        assert f"and now it is {how}" in done.json["error"]["message"]


def test_without_a_process_of_its_own_a_crash_is_a_crash(assay, mlp, tmp_path, fake):
    np.savez(tmp_path / "x.npz", x=X)
    done = assay("run", mlp[0], "--input", tmp_path / "x.npz", "--provider", f"{CPU}:isolate=0", env=fake("abort"))
    assert done.code == -signal.SIGABRT


@pytest.fixture
def hanging(assay_path, mlp, tmp_path, fake):
    """A run that hangs in its worker: the process, and the worker's number."""
    np.savez(tmp_path / "x.npz", x=X)
    noted = tmp_path / "pid"
    words = ["run", mlp[0], "--input", tmp_path / "x.npz", "--provider", f"{CPU}:isolate=1"]
    process = subprocess.Popen([assay_path, *words], env={**os.environ, **fake("hang", FAKE_ORT_PID=str(noted))},
                               cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (noted.exists() and noted.read_text().endswith("\n")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield process, int(noted.read_text())
    if process.poll() is None:
        process.kill()
    process.communicate()


def assert_gone(pid):
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_worker_is_an_error(hanging):
    process, worker = hanging
    os.kill(worker, signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "A404" in err
    assert "SIGKILL" in err
    assert_gone(worker)


def test_an_interrupt_ends_the_worker(hanging):
    process, worker = hanging
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "A403" in err
    assert_gone(worker)


def test_an_interrupt_ends_a_run_in_this_process(assay_path, save_model, tmp_path):
    """The runtime's own loop is asked to end: Ctrl-C is no crash."""
    square = (TensorProto.FLOAT, (256, 256))

    def infos(**values):
        return [helper.make_tensor_value_info(name, *value) for name, value in values.items()]

    nodes = [helper.make_node("Identity", ["on"], ["go"]), helper.make_node("MatMul", ["v", "v"], ["next"])]
    body = helper.make_graph(nodes, "body", infos(i=(TensorProto.INT64, ()), on=(TensorProto.BOOL, ()), v=square),
                             infos(go=(TensorProto.BOOL, ()), next=square))
    path = save_model("loop.onnx", [helper.make_node("Loop", ["n", "", "x"], ["y"], body=body)],
                      {"x": square}, {"y": square}, {"n": np.array(1 << 40, np.int64)})
    process = subprocess.Popen([assay_path, "run", path, "--random", "1", "--provider", CPU], cwd=tmp_path, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1.5)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3
    assert "A403" in err


def test_the_worker_says_who_starts_it(assay):
    assert "A001" in assay("worker", code=2).err
    assert "worker" not in assay("--help", code=0).out
