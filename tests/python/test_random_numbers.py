"""Numbers that operators draw: every node's own, and the same ones under every profile."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper


def drawn(assay, folder, profile):
    """What two nodes without name and seed draw."""
    nodes = [helper.make_node("RandomNormal", [], [name], shape=[64], dtype=TensorProto.FLOAT) for name in "ab"]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [64]) for name in "ab"]
    graph = helper.make_graph(nodes, "g", [], outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), folder / "r.onnx")
    assay("run", "r.onnx", "--profile", profile, "--output", "out.npz", code=0)
    with np.load(folder / "out.npz") as arrays:
        return arrays["a"], arrays["b"]


def test_nodes_without_names_differ(assay, tmp_path):
    a, b = drawn(assay, tmp_path, "strict-f32")
    assert not np.any(a == b)


@pytest.mark.parametrize("profile", ["f16-storage", "f16-throughout", "coreml-nn-gpu"])
def test_profiles_see_the_same_draws(assay, tmp_path, profile):
    exact, stored = drawn(assay, tmp_path, "strict-f32"), drawn(assay, tmp_path, profile)
    for x, y in zip(exact, stored, strict=True):
        np.testing.assert_array_equal(x.astype(np.float16), y.astype(np.float16))
