"""`import assay as ort`: sessions behave as ONNX Runtime's do, and say what they emulate."""
import gc
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

import assay

ROOT = Path(__file__).resolve().parents[3]
MODELS = ["examples/article/mlp.onnx", "examples/garments/garments.onnx", "build/inputs/blazeface/front.onnx"]
real_errors = onnxruntime.capi.onnxruntime_pybind11_state


@pytest.fixture(autouse=True)
def fresh():
    assay.InferenceSession._announced.clear()


@pytest.fixture(params=MODELS)
def model(request):
    return str(ROOT / request.param)


def quiet(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", assay.AssayWarning)
        return assay.InferenceSession(*args, **kwargs)


def feed_for(session):
    rng = np.random.default_rng(3)
    return {arg.name: rng.random([size if isinstance(size, int) else 2 for size in arg.shape], np.float32)
            for arg in session.get_inputs()}


def test_ports_are_those_of_onnx_runtime(model):
    ours, theirs = quiet(model), onnxruntime.InferenceSession(model)
    for side in ("get_inputs", "get_outputs"):
        assert [(a.name, a.type, a.shape) for a in getattr(ours, side)()] == [
            (a.name, a.type, a.shape) for a in getattr(theirs, side)()]


def test_the_cpu_gives_what_onnx_runtimes_does(model):
    ours, theirs = quiet(model, providers=["CPUExecutionProvider"]), onnxruntime.InferenceSession(model)
    feed = feed_for(theirs)
    for a, b in zip(ours.run(None, feed), theirs.run(None, feed), strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)
    last = theirs.get_outputs()[-1].name
    assert np.array_equal(ours.run([last], feed)[0], ours.run(None, feed)[-1])


def test_metadata(model):
    ours, theirs = quiet(model).get_modelmeta(), onnxruntime.InferenceSession(model).get_modelmeta()
    for name in ("producer_name", "graph_name", "domain", "description", "version", "custom_metadata_map"):
        assert getattr(ours, name) == getattr(theirs, name), name


def test_the_articles_session_code(mlp, article_input, article_outputs):
    with pytest.warns(assay.AssayNote, match="A205"):
        session = assay.InferenceSession(mlp, providers=[
            ("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"}), "CPUExecutionProvider"])
    assert np.array_equal(session.run(None, article_input)[0], article_outputs["strict-f32"])
    with pytest.warns(assay.AssayWarning, match="A201"):
        session = assay.InferenceSession(mlp, providers=["CoreMLExecutionProvider"])
    assert np.array_equal(session.run(None, article_input)[0], article_outputs["coreml-nn-gpu"])
    assert session.emulated
    assert session.profile == "coreml-nn-gpu"
    assert session.get_providers() == ["CoreMLExecutionProvider", "CPUExecutionProvider"]


def test_emulation_is_announced_once(mlp):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            assay.InferenceSession(mlp, providers=["CPUExecutionProvider"])
    assert [warning.message.code for warning in told] == ["A205"]
    assert told[0].filename == __file__


def test_options_are_those_of_onnx_runtime(mlp, article_input, article_outputs):
    options = {"MLComputeUnits": "CPUOnly", "RequireStaticInputShapes": "1", "EnableOnSubgraphs": 0}
    session = quiet(mlp, providers=["CoreMLExecutionProvider"], provider_options=[options])
    assert session.profile == "coreml-nn-cpu"
    assert session.get_provider_options()["CoreMLExecutionProvider"] == {
        "MLComputeUnits": "CPUOnly", "RequireStaticInputShapes": "1", "EnableOnSubgraphs": "0"}
    session.set_providers([("CoreMLExecutionProvider", {"MLComputeUnits": "CPUAndGPU"})])
    assert np.array_equal(session.run(None, article_input)[0], article_outputs["coreml-nn-gpu"])
    with pytest.raises(assay.UsageError, match="did you mean 'ModelFormat'"):
        assay.InferenceSession(mlp, providers=[("CoreMLExecutionProvider", {"ModelFormt": "MLProgram"})])
    with pytest.raises(assay.UsageError, match="cannot be 'MLProgam'"):
        assay.InferenceSession(mlp, providers=[("CoreMLExecutionProvider", {"ModelFormat": "MLProgam"})])
    # ONNX Runtime makes "True" of it, which the provider takes for "0".
    with pytest.raises(assay.UsageError, match="RequireStaticInputShapes cannot be 'True'"):
        assay.InferenceSession(mlp, providers=[("CoreMLExecutionProvider", {"RequireStaticInputShapes": True})])


@pytest.mark.parametrize(("providers", "options"), [
    ([3], None), ([["CPUExecutionProvider", {}]], None),
    ([("CPUExecutionProvider",)], None), ([("CPUExecutionProvider", {})], [{}]), (["CPUExecutionProvider"], [{}, {}]),
    (["CPUExecutionProvider"], [3]), (["CPUExecutionProvider"], 3)])
def test_lists_of_providers_are_refused_as_onnx_runtime_refuses_them(mlp, providers, options):
    with pytest.raises(ValueError) as theirs:  # its message is compared below
        onnxruntime.InferenceSession(mlp, providers=providers, provider_options=options, enable_fallback=0)
    with pytest.raises(ValueError) as ours:
        assay.InferenceSession(mlp, providers=providers, provider_options=options)
    assert str(ours.value) == str(theirs.value)
    with pytest.raises(ValueError, match="should be a sequence"):  # there a name is a list of letters
        assay.InferenceSession(mlp, providers="CPUExecutionProvider")


def test_the_first_provider_takes_what_it_can(mlp):
    with pytest.warns(assay.AssayWarning, match="A001.*nothing is left for CoreMLExecutionProvider"):
        session = assay.InferenceSession(mlp, providers=["CPUExecutionProvider", "CoreMLExecutionProvider"])
    assert session.profile == "cpu-f32"
    assert session.get_providers() == ["CPUExecutionProvider", "CoreMLExecutionProvider"]
    assert not session.model_files
    with pytest.warns(assay.AssayWarning, match="A001.*given twice"):
        session = assay.InferenceSession(mlp, providers=[
            ("CoreMLExecutionProvider", {"MLComputeUnits": "CPUOnly"}), "CoreMLExecutionProvider"])
    assert session.profile == "coreml-nn-cpu", "the first one counts, as in ONNX Runtime"


def test_a_session_that_cannot_be_opened_again_stays_as_it_is(mlp, article_input, article_outputs):
    session = quiet(mlp, providers=["CoreMLExecutionProvider"])
    for providers in (["CUDAExecutionProvider"], [("CoreMLExecutionProvider", {"ModelFormat": "x"})], [3]):
        with pytest.raises(ValueError):  # of three kinds
            session.set_providers(providers)
        assert session.program == "CoreMLExecutionProvider"
        assert session.get_providers() == ["CoreMLExecutionProvider", "CPUExecutionProvider"]
        assert Path(session.model_files[0]).is_file()
        assert np.array_equal(session.run(None, article_input)[0], article_outputs["coreml-nn-gpu"])


def test_no_files_are_left_by_sessions_that_fail_or_fork(mlp, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error", assay.AssayWarning)
        with pytest.raises(assay.AssayWarning):
            assay.InferenceSession(mlp, providers=["CoreMLExecutionProvider"])
    assert not list(tmp_path.glob("onnxruntime-*"))
    code = (f"import assay, os\ns = assay.InferenceSession({mlp!r}, providers=['CoreMLExecutionProvider'])\n"
            "child = os.fork()\n"
            "if child == 0:\n    del s\n    os._exit(0)\n"
            "os.waitpid(child, 0)\nprint(os.path.isfile(s.model_files[0]))\nprint(s.model_files[0])\n")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(Path(assay.__file__).parents[1]), "TMPDIR": str(tmp_path)})
    there, path = done.stdout.split()
    assert there == "True", "a child's end does not take the parent's files"
    assert Path(path).is_relative_to(tmp_path) and not Path(path).exists(), "the end of the program does"


def test_core_ml_files_have_no_partition(mlp, article_input, tmp_path):
    assay.convert(mlp, tmp_path / "m.mlpackage")
    session = quiet(tmp_path / "m.mlpackage", providers=[("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"})])
    assert session.run(None, article_input)[0].shape == (1, 3)
    assert not session.model_files
    with pytest.raises(assay.UsageError, match="A001"):
        session.partition()


def test_options_that_would_be_ignored_are_refused(mlp):
    for runtime in (onnxruntime, assay):
        options = runtime.SessionOptions()
        with pytest.raises(AttributeError):
            options.intra_op_num_thread = 1
        with pytest.raises(TypeError):
            options.intra_op_num_threads = "1"
        with pytest.raises(TypeError):
            options.graph_optimization_level = "ORT_ENABLE_ALL"
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.intra_op_num_threads, options.enable_mem_pattern = np.int64(2), 0
        assert (options.intra_op_num_threads, options.enable_mem_pattern) == (2, False)
    for name, value in (("enable_profiling", True), ("optimized_model_filepath", "o.onnx")):
        options = assay.SessionOptions()
        setattr(options, name, value)
        with pytest.raises(assay.UsageError, match=name):
            assay.InferenceSession(mlp, options)


def test_nothing_falls_back(mlp):
    for provider in ("CUDAExecutionProvider", "FooExecutionProvider"):
        with pytest.raises(assay.UsageError) as refused:
            assay.InferenceSession(mlp, providers=[provider, "CPUExecutionProvider"])
        assert refused.value.code == "A003"
    with pytest.raises(assay.UsageError, match="one provider besides"):
        assay.InferenceSession(mlp, providers=["CoreMLExecutionProvider", "CUDAExecutionProvider"])
    with pytest.raises(ValueError, match="same length"):
        assay.InferenceSession(mlp, providers=["CPUExecutionProvider"], provider_options=[{}, {}])
    with pytest.raises(ValueError, match="must be either strings"):
        assay.InferenceSession(mlp, providers=[3])


def test_a_profile_stands_for_a_provider(mlp, article_input, article_outputs):
    session = quiet(mlp, providers=["f16-throughout"])
    assert np.array_equal(session.run(None, article_input)[0], article_outputs["f16-throughout"])


def test_the_real_runtime_stands_for_a_provider(mlp, article_input):
    session = quiet(mlp, providers=["ort:CPUExecutionProvider"])
    assert not session.emulated
    theirs = onnxruntime.InferenceSession(mlp).run(None, article_input)[0]
    assert np.array_equal(session.run(None, article_input)[0], theirs)


def test_variants(mlp, article_input):
    session = quiet(mlp, providers=["CoreMLExecutionProvider"])
    results = []
    for variant in session.variants:
        options = assay.RunOptions()
        options.add_run_config_entry("assay.variant", variant)
        results.append(session.run(None, article_input, options)[0])
    assert len(results) > 2
    assert np.array_equal(results[0], session.run(None, article_input)[0])
    options.add_run_config_entry("assay.variant", "other")
    with pytest.raises(assay.UsageError, match="there is no variant 'other'"):
        session.run(None, article_input, options)


WRONG = {
    "no input of this name": ({"inpt": np.zeros((1, 4), np.float32)}, None),
    "nothing": ({}, None),
    "no output of this name": ({"input": np.zeros((1, 4), np.float32)}, ["o"]),
    "another type": ({"input": np.zeros((1, 4))}, None),
    "another size": ({"input": np.zeros((1, 5), np.float32)}, None),
    "another rank": ({"input": np.zeros(4, np.float32)}, None),
    "one too many": ({"input": np.zeros((1, 4), np.float32), "more": np.zeros(1)}, None),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_calls_raise_what_onnx_runtime_raises(mlp, case):
    feed, names = WRONG[case]
    with pytest.raises((ValueError, real_errors.InvalidArgument)) as theirs:
        onnxruntime.InferenceSession(mlp).run(names, feed)
    expected = ValueError if theirs.type is ValueError else assay.capi.onnxruntime_pybind11_state.InvalidArgument
    with pytest.raises(expected) as ours:
        quiet(mlp).run(names, feed)
    assert ours.value.code.startswith("A3")


def test_wrong_files_raise_what_onnx_runtime_raises(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"garbage")
    for source, name in (("none.onnx", "NoSuchFile"), (b"garbage", "InvalidProtobuf"),
                         (tmp_path / "bad.onnx", "InvalidProtobuf")):
        with pytest.raises(getattr(real_errors, name)):
            onnxruntime.InferenceSession(source)
        with pytest.raises(getattr(assay.capi.onnxruntime_pybind11_state, name)):
            assay.InferenceSession(source)
    from assay.capi.onnxruntime_pybind11_state import NoSuchFile  # noqa: PLC0415  # as users write it
    with pytest.raises(NoSuchFile) as missing:
        assay.InferenceSession("none.onnx")
    assert (missing.value.code, missing.value.where) == ("A101", "none.onnx")
    for runtime in (onnxruntime, assay):
        with pytest.raises(TypeError, match="Unable to load from type"):
            runtime.InferenceSession(3)


def test_values_and_bindings(mlp, article_input):
    x = article_input["input"]
    session = quiet(mlp)
    expected = session.run(None, article_input)[0]
    value = assay.OrtValue.ortvalue_from_numpy(x)
    assert np.shares_memory(value.numpy(), x)
    assert np.array_equal(session.run_with_ort_values(None, {"input": value})[0].numpy(), expected)
    assert np.array_equal(session.run(["output"], {"input": value})[0], expected)
    binding = session.io_binding()
    binding.bind_cpu_input("input", x)
    binding.bind_output("output")
    session.run_with_iobinding(binding)
    assert np.array_equal(binding.copy_outputs_to_cpu()[0], expected)
    into = assay.OrtValue.ortvalue_from_shape_and_type([1, 3], np.float32)
    binding.clear_binding_outputs()
    binding.bind_ortvalue_output("output", into)
    session.run_with_iobinding(binding)
    assert np.array_equal(into.numpy(), expected)
    assert np.array_equal(np.from_dlpack(into), expected)
    with pytest.raises(assay.AssayError, match="A401"):
        assay.OrtValue.ortvalue_from_numpy(x, "cuda", 0)


def test_values_describe_themselves_as_onnx_runtimes_do():
    for dtype in (np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.bool_):
        array = np.zeros((2, 3), dtype)
        ours, theirs = (module.OrtValue.ortvalue_from_numpy(array) for module in (assay, onnxruntime))
        for question in ("shape", "data_type", "element_type", "device_name", "has_value", "is_tensor",
                         "is_sparse_tensor", "is_tensor_sequence", "tensor_size_in_bytes"):
            assert getattr(ours, question)() == getattr(theirs, question)(), (dtype, question)


def test_bytes_and_protos(mlp, article_input, article_outputs):
    for source in (Path(mlp).read_bytes(), onnx.load(mlp), Path(mlp)):
        session = quiet(source)
        assert np.array_equal(session.run(None, article_input)[0], article_outputs["strict-f32"])
    folder = Path(quiet(Path(mlp).read_bytes())._file.path).parent
    gc.collect()
    assert not folder.exists(), "the temporary file goes with the session"


def test_terminate_and_async(mlp, article_input):
    session = quiet(mlp)
    options = assay.RunOptions()
    options.terminate = True
    with pytest.raises(assay.capi.Fail):
        session.run(None, article_input, options)
    called = []
    session.run_async(None, article_input, lambda *given: called.append(given), "mine")
    session.run_async(None, {"input": np.zeros((1, 4))}, lambda *given: called.append(given), "mine")
    assert np.array_equal(called[0][0][0], session.run(None, article_input)[0])
    assert called[0][1:] == ("mine", "")
    assert "A303" in called[1][2]


def test_text_and_integers():
    ports = [helper.make_tensor_value_info(n, TensorProto.STRING, ["N"]) for n in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    for runtime in (onnxruntime, assay):
        session = (quiet if runtime is assay else runtime.InferenceSession)(model)
        assert session.get_inputs()[0].type == "tensor(string)"
        assert session.get_inputs()[0].shape == ["N"]
        assert session.run(None, {"x": np.array(["a", "b"])})[0].tolist() == ["a", "b"]


def test_nothing_heavy_is_imported():
    heavy = "{'pandas', 'ray', 'dask', 'torch', 'onnx', 'ml_dtypes'}"
    code = f"import assay, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(Path(assay.__file__).parents[1])})
    assert done.stdout.strip() == "[]"


def test_core_ml_models_live_as_long_as_the_session(mlp, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    session = quiet(mlp, providers=["CoreMLExecutionProvider"])
    assert [str(path) for path in tmp_path.glob("onnxruntime-*.model.mlmodel")] == session.model_files
    assert len(session.model_files) == 1
    session.set_providers([("CoreMLExecutionProvider", {"ModelFormat": "MLProgram"})])
    package, = tmp_path.glob("onnxruntime-*")
    assert package.is_dir(), "an ML Program is a package folder, and the network's file has gone"
    del session
    gc.collect()
    assert not list(tmp_path.glob("onnxruntime-*"))


def test_a_cache_keeps_them(mlp, tmp_path):
    session = quiet(mlp, providers=[("CoreMLExecutionProvider", {"ModelCacheDirectory": str(tmp_path / "cache")})])
    path = Path(session.model_files[0])
    del session
    gc.collect()
    assert path.is_file()
    assert path.is_relative_to(tmp_path / "cache")


def test_a_session_says_what_its_provider_takes(mlp):
    nodes = quiet(mlp, providers=["CoreMLExecutionProvider"]).partition()
    assert [(node.op, node.taken, node.partition) for node in nodes] == [("MatMul", True, 0)]
    logs = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Erf", ["a"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])])
    model = helper.make_model(logs, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.warns(assay.AssayNote, match="A214"):
        session = assay.InferenceSession(model, providers=["CoreMLExecutionProvider"])
    taken, left = session.partition()
    assert taken.taken and not left.taken
    assert left.reason
    with pytest.raises(assay.UsageError):
        quiet(mlp).partition()


def test_commas_in_options(mlp, tmp_path):
    options = {"ModelCacheDirectory": str(tmp_path / "a,ModelFormat=MLProgram")}
    session = quiet(mlp, providers=[("CoreMLExecutionProvider", options)])
    assert session.profile == "coreml-nn-gpu"
    assert Path(session.model_files[0]).is_relative_to(options["ModelCacheDirectory"])


def test_levels_are_numbers():
    assert int(assay.GraphOptimizationLevel.ORT_ENABLE_ALL) == 99
