"""OpenVINO as a second precision: bfloat16, its default where the processor has instructions for it, and float32."""
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import assay

ROOT = Path(__file__).resolve().parents[3]
GARMENTS = ROOT / "examples/garments/garments.onnx"
BF16 = {"INFERENCE_PRECISION_HINT": "bf16"}
F32 = {"INFERENCE_PRECISION_HINT": "f32"}
openvino = pytest.importorskip("openvino")

has_bf16 = pytest.mark.skipif("BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
                              reason="OpenVINO computes in bfloat16 with AVX512-BF16 or AMX alone")

# What OpenVINO does to operands, and the order of the sums of either instruction; what it returns is not rounded.
OPERANDS = """
name = "bf16-operands"
doc = "float32 results of bfloat16 operands."
[[statement]]
match.class = "contraction"
set.operand = "bfloat16 nearest-even flush"
evidence.source = "this test"
evidence.certainty = "measured"
"""
ORDERS = {
    "brgemm_avx512_amx_bf16": '{ kind = "pairs", pairs = "even-odd-sums", block = 32 }',
    "brgemm_avx512_bf16": '{ kind = "pairs", pairs = "odd-then-even" }',
}
# Without AMX what is left over from whole blocks of 16 products is summed apart, and added.
BLOCKS = {"brgemm_avx512_amx_bf16": 1, "brgemm_avx512_bf16": 16}
ORDER = """
[[statement]]
match.class = "contraction"
set.accumulator = %s
evidence.source = "this test"
evidence.certainty = "measured"
"""


def product(weight):
    """y = x weight."""
    ports = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", size])
             for name, size in (("x", weight.shape[0]), ("y", weight.shape[1]))]
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "g", ports[:1], ports[1:],
                              [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def as_bf16(array):
    return array.astype(ml_dtypes.bfloat16)


@pytest.fixture(scope="module")
def garments():
    fashion = ROOT / "examples/garments"
    sys.path.insert(0, str(fashion))
    try:
        images, labels = importlib.import_module("fashion").load("t10k")
    finally:
        sys.path.remove(str(fashion))
    return images[:1000], labels[:1000]


def folded():
    """The classifier up to its logit, each BatchNormalization folded in float32 into the convolution before it."""
    model = onnx.load(GARMENTS)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes, makers = [], {node.output[0]: node for node in model.graph.node}
    for node in model.graph.node[:-1]:
        if node.op_type != "BatchNormalization":
            nodes.append(node)
            continue
        conv = makers[node.input[0]]
        gamma, beta, mean, variance = (weights.pop(name) for name in node.input[1:])
        (epsilon,) = (attribute.f for attribute in node.attribute if attribute.name == "epsilon")
        scale = gamma / np.sqrt(variance + np.float32(epsilon))
        weights[conv.input[1]] = weights[conv.input[1]] * scale[:, None, None, None]
        weights[f"{conv.input[1]}.bias"] = beta - mean * scale
        conv.input.append(f"{conv.input[1]}.bias")
        conv.output[0] = node.output[0]
    logit = helper.make_tensor_value_info(nodes[-1].output[0], onnx.TensorProto.FLOAT, ["N", 1])
    graph = helper.make_graph(nodes, "g", model.graph.input, [logit],
                              [numpy_helper.from_array(array, name) for name, array in weights.items()])
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)


def test_float32_is_float32(garments):
    images, labels = garments
    backend = assay.backends.openvino(GARMENTS, config=F32)
    result = assay.audit(GARMENTS, {"image": images}, labels, decision="threshold:0.5", candidates=backend)
    assert result.passed
    assert result.candidates[0].program == "callable:openvino-cpu"
    assert result.candidates[0].differences.max_abs < 1e-6
    assert result.candidates[0].lattice.format == "float32"
    assert not result.candidates[0].emulated
    assert {operation.precision for operation in backend.operations} == {"f32"}


@has_bf16
def test_the_fingerprint_says_what_it_multiplied():
    """Weights come back from a product with the identity as OpenVINO rounded them."""
    weight, identity = normal(1, 64, 32), np.eye(64, dtype=np.float32)
    for config, expected, exact in ((F32, "float32", weight), (BF16, "bfloat16", as_bf16(weight).astype(np.float32))):
        y = assay.backends.openvino(product(weight), config=config)({"x": identity})["y"]
        assert assay.fingerprint(y).arrays[0].format == expected
        assert np.array_equal(y, exact)


@has_bf16
def test_without_options_it_lowers_the_precision_by_itself():
    backend = assay.backends.openvino(product(normal(1, 64, 32)))
    assert "bfloat16" in backend.config["INFERENCE_PRECISION_HINT"]
    assert "bf16" in {operation.precision for operation in backend.operations}


@has_bf16
@pytest.mark.parametrize("isa", ["", "AVX512_CORE_BF16"])
def test_sums_agree_bit_for_bit(tmp_path, isa):
    """With AMX, and with AVX512-BF16 alone: oneDNN's variable chooses, and only when it is loaded."""
    done = subprocess.run([sys.executable, __file__, tmp_path], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(Path(assay.__file__).parents[1]),
                               **({"ONEDNN_MAX_CPU_ISA": isa} if isa else {})})
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) == 5
    for row in rows:
        assert row["equal"] == row["of"], row
        assert not isa or row["implementation"] == "brgemm_avx512_bf16"


def count_equal_sums(folder):
    """What the test above runs: elements of products of which our profile gives OpenVINO's bits."""
    rows = []
    profile = Path(folder) / "operands.toml"

    def emulated(weight, x):
        return assay.load(product(weight), profile_files=[profile]).run({"x": x}, "bf16-operands")["y"]

    for seed, k in enumerate((3, 31, 64, 100, 1024)):
        weight, x = normal(seed, k, 32), normal(seed + 10, 100, k)
        backend = assay.backends.openvino(product(weight), config=BF16)
        real = backend({"x": x})["y"]
        (implementation,) = (o.implementation for o in backend.operations if o.kind == "FullyConnected")
        profile.write_text(OPERANDS + ORDER % ORDERS[implementation])
        whole = k // BLOCKS[implementation] * BLOCKS[implementation]
        ours = emulated(weight[:whole], x[:, :whole]) if whole else np.float32(0)
        if whole < k:
            ours = ours + emulated(weight[whole:], x[:, whole:])
        rows.append({"k": k, "implementation": implementation, "equal": int((real == ours).sum()), "of": real.size})
    print(json.dumps(rows))


@has_bf16
def test_the_classifier_in_bfloat16(garments):
    """After BatchNormalization is folded, as OpenVINO does, every logit is the profile's but for the last rounding."""
    images, _ = garments
    model = folded()
    logit = model.graph.output[0].name
    real = assay.backends.openvino(model, config=BF16)({"image": images})[logit]
    assert not np.array_equal(real, as_bf16(real).astype(np.float32))
    emulated = assay.load(model).run({"image": images}, "openvino-bf16")[logit]
    assert np.array_equal(as_bf16(real), as_bf16(emulated))


@has_bf16
def test_inner_values_become_outputs():
    """... and then are stored as float32: what is looked at is no longer rounded."""
    inner = "/3/MaxPool_output_0"
    x = {"image": np.random.default_rng(0).random((4, 1, 28, 28), np.float32)}
    backend = assay.backends.openvino(GARMENTS, config=BF16, outputs=["score", inner])
    returned = backend(x)
    assert set(returned) == {"score", inner}
    assert returned[inner].shape == (4, 16, 14, 14)
    assert assay.fingerprint(returned)[inner].format == "float32"
    kept = {o.of: o.output for o in backend.operations}
    alone = {o.of: o.output for o in assay.backends.openvino(GARMENTS, config=BF16).operations}
    assert (alone["/3/MaxPool"], kept["/3/MaxPool"]) == ("bf16", "f32")


def test_models_come_as_paths_bytes_protos_and_openvinos_own(mlp, article_input):
    proto = onnx.load(mlp)
    expected = assay.load(mlp).run(article_input)["output"]
    for source in (mlp, Path(mlp), proto, proto.SerializeToString(), assay.load(mlp), openvino.Core().read_model(mlp)):
        assert np.allclose(assay.backends.openvino(source, config=F32)(article_input)["output"], expected, rtol=1e-6)


def test_samples_go_in_batches_and_outputs_live_on(mlp):
    x = normal(2, 10, 4)
    each = assay.backends.openvino(mlp, config=F32, batch=1, name="one by one")  # the model takes one sample
    result = assay.compare(mlp, {"input": x}, ["strict-f32", each], max_abs=1e-6)
    assert result.passed
    assert result.programs[1].program == "callable:one by one"
    first = each({"input": x[:1]})["output"]
    kept = first.copy()
    each({"input": -x[:1]})
    assert np.array_equal(first, kept)
    assert each({"input": x})["output"].shape == (10, 3)


def test_errors(mlp, monkeypatch):
    for words, said in (((mlp, "TPU"), "TPU"), ((mlp, "CPU", {"NO_SUCH_OPTION": 1}), "NO_SUCH_OPTION")):
        with pytest.raises(assay.AssayError, match=said) as refused:
            assay.backends.openvino(*words)
        assert refused.value.code == "A402"
        assert refused.value.where == mlp
    with pytest.raises(assay.AssayError, match="nothing"):
        assay.backends.openvino(mlp, outputs=["nothing"])

    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(assay.AssayError, match="pip install openvino") as absent:
        assay.backends.openvino(mlp)
    assert absent.value.code == "A401"


if __name__ == "__main__":
    count_equal_sums(sys.argv[1])
