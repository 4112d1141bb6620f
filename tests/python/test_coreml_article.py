"""The story that the project starts from, with its own files: one layer, both formats, two outcomes."""
import json
from pathlib import Path

import numpy as np
import pytest

ARTICLE = Path(__file__).resolve().parents[2] / "examples" / "article"
MODEL, DATA = ARTICLE / "mlp.onnx", ARTICLE / "input.npz"
FLOAT32 = np.array([0.6480752, -0.34015813, 1.4329923], np.float32)
GPU = np.array([0.6484375, -0.34033203, 1.4326172], np.float32)
WEIGHT = np.array([[0.0349225402, -0.301196814, 0.159211695, 0.156890273],
                   [-0.267238438, -0.0749385953, -0.292913973, 0.129736364],
                   [-0.134683847, 0.351268351, 0.354943156, 0.0509352088]], np.float32)


@pytest.fixture
def network(assay, tmp_path):
    path = tmp_path / "mlp.mlmodel"
    done = assay("convert", MODEL, "-o", path, code=0)
    assert "A207" in done.err
    return path


@pytest.fixture
def program(assay, tmp_path):
    path = tmp_path / "mlp.mlpackage"
    assay("convert", MODEL, "-o", path, "--target", "iOS17", code=0)
    return path


def output_of(assay, model, tmp_path, *words):
    out = tmp_path / "out.npz"
    assay("run", model, "--input", DATA, "--output", out, *words, code=0)
    return np.load(out)[np.load(out).files[0]].ravel()


def test_the_network_states_no_types(assay, network):
    text = assay("inspect", network, "--full", code=0).out
    assert "innerProduct" in text and "specification version 4" in text
    assert "float16 on the GPU" in text
    spec = pytest.importorskip("coremltools").utils.load_spec(str(network))
    assert spec.specificationVersion == 4
    layer = spec.neuralNetwork.layers[0]
    assert layer.WhichOneof("layer") == "innerProduct"
    assert np.array_equal(np.array(layer.innerProduct.weights.floatValue, np.float32).reshape(3, 4), WEIGHT)


def test_the_program_states_every_type(assay, program):
    ct = pytest.importorskip("coremltools")
    spec = ct.utils.load_spec(str(program))
    assert spec.specificationVersion == 8
    block = spec.mlProgram.functions["main"].block_specializations["CoreML7"]
    linear = next(op for op in block.operations if op.type == "linear")
    float32 = ct.proto.MIL_pb2.DataType.FLOAT32
    assert linear.outputs[0].type.tensorType.dataType == float32
    weight = next(op for op in block.operations if op.outputs[0].name == linear.inputs["weight"].arguments[0].name)
    value = weight.attributes["val"]
    assert value.type.tensorType.dataType == float32
    assert value.blobFileValue.fileName == "@model_path/weights/weight.bin"
    assert value.blobFileValue.offset == 64
    blob = (program / "Data/com.apple.CoreML/weights/weight.bin").read_bytes()
    assert np.array_equal(np.frombuffer(blob[128:176], np.float32).reshape(3, 4), WEIGHT)
    assert "tensor<fp32, [" in assay("inspect", program, "--full", code=0).out


def test_the_two_files_compute_what_the_article_saw(assay, network, program, tmp_path):
    assert np.array_equal(output_of(assay, network, tmp_path), FLOAT32)
    assert np.array_equal(output_of(assay, network, tmp_path, "--profile", "coreml-nn-gpu"), GPU)
    for profile in ("coreml-mlprogram-f32-cpu", "coreml-mlprogram-f32-gpu", "coreml-mlprogram-f16-gpu"):
        assert np.array_equal(output_of(assay, program, tmp_path, "--profile", profile), FLOAT32)


def test_an_audit_takes_both_files(assay, network, program):
    done = assay("audit", MODEL, "--data", DATA, "--decision", "argmax", "--json",
                 "--candidate", f"{network}@coreml-nn-gpu", "--candidate", f"{program}@coreml-mlprogram-f32-gpu",
                 code=0)
    candidates = json.loads(done.out)["result"]["candidates"]
    differences = {c["program"].rsplit("@")[-1]: c["variants"][0]["differences"]["max_abs"] for c in candidates}
    assert differences["coreml-mlprogram-f32-gpu"] == 0
    assert differences["coreml-nn-gpu"] == pytest.approx(3.75e-4, rel=0.01)


def test_the_fix_from_the_network_alone(assay, network, tmp_path):
    fixed = tmp_path / "fixed.mlpackage"
    assay("convert", network, "-o", fixed, code=0)
    assert np.array_equal(output_of(assay, fixed, tmp_path, "--profile", "coreml-mlprogram-f32-gpu"), FLOAT32)


def test_strict_writes_no_network(assay, tmp_path):
    path = tmp_path / "mlp.mlmodel"
    assay("convert", MODEL, "-o", path, "--strict", code=1)
    assert not path.exists()
