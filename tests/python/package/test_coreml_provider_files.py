"""Core ML models of the emulated provider's partitions, as Core ML Tools read them."""
import re
from pathlib import Path

import assay._assay as core
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

coremltools = pytest.importorskip("coremltools")
ROOT = Path(__file__).resolve().parents[3]
NETWORK, PROGRAM = "CoreMLExecutionProvider", "CoreMLExecutionProvider:ModelFormat=MLProgram"


def write(model, provider, folder):
    files = core.write_coreml_provider(str(model), provider, core.Settings(), str(folder))
    return [Path(path) for path in files.paths], files


def spec_of(path):
    return coremltools.models.MLModel(str(path), skip_model_load=True).get_spec()


def test_the_articles_inspection_of_a_network(mlp, tmp_path):
    (path,), files = write(mlp, NETWORK, tmp_path)
    uuid = r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}"
    assert re.fullmatch(rf"onnxruntime-{uuid}-\d+-[0-9A-F]{{16}}\.model\.mlmodel", path.name)
    assert not files.cached and not files.warnings
    layer, = spec_of(path).neuralNetwork.layers
    assert layer.WhichOneof("layer") in ("innerProduct", "batchedMatmul")
    assert "dataType" not in str(layer), "layers have weights and no types"


def test_the_articles_inspection_of_a_program(mlp, tmp_path):
    (path,), _ = write(mlp, PROGRAM, tmp_path)
    assert path.is_dir() and (path / "Data/com.microsoft.OnnxRuntime/weights/weight.bin").is_file()
    function, = spec_of(path).mlProgram.functions.values()
    block, = function.block_specializations.values()
    text = str(block)
    assert "FLOAT32" in text and "FLOAT16" not in text
    assert "@model_path/weights/weight.bin" in text


def test_a_file_for_each_partition(tmp_path):
    w = np.random.default_rng(0).standard_normal((3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Log", ["a"], ["b"]),
         helper.make_node("Relu", ["b"], ["c"]), helper.make_node("Mul", ["c", "a"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])], [numpy_helper.from_array(w, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.helper.set_model_props(model, {"COREML_CACHE_KEY": "mine1"})
    onnx.save(model, tmp_path / "m.onnx")
    for options, suffix, name in (("", "nn", "model.mlmodel"), (",ModelFormat=MLProgram", "mlprogram", "model")):
        provider = f"{NETWORK}:ModelCacheDirectory={tmp_path / 'cache'}{options}"
        paths, files = write(tmp_path / "m.onnx", provider, tmp_path)
        assert files.cached
        assert paths == [tmp_path / f"cache/mine1/{i}_dynamic_{suffix}/{name}" for i in range(2)]
        ports = [([i.name for i in s.description.input], [o.name for o in s.description.output])
                 for s in map(spec_of, paths)]
        assert ports == [(["x"], ["a"]), (["b", "a"], ["y"])]
    assert (tmp_path / "cache/mine1/model.txt").read_text() == str(tmp_path / "m.onnx")


@pytest.mark.parametrize("model", ["examples/garments/garments.onnx", "build/inputs/blazeface/front.onnx"])
@pytest.mark.parametrize("provider", [NETWORK, PROGRAM])
def test_files_of_real_models_load(model, provider, tmp_path):
    if not (ROOT / model).is_file():
        pytest.skip(f"{model} is not there: make inputs")
    paths, files = write(ROOT / model, provider, tmp_path)
    report = core.coreml_provider(str(ROOT / model), provider, core.Settings())
    assert len(paths) + len(files.warnings) == report.partitions >= 1
    assert paths, [w.message for w in files.warnings]
    for path in paths:
        assert spec_of(path).description.input
