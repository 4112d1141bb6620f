"""Operations kept in float32 by name: what that does to what stands around them."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

F32 = TensorProto.FLOAT
HALVES = ("turn", "back")  # halves of a value change places between two products: nothing is computed


def turned(operand, name):
    return [helper.make_node("Split", [operand], [f"{name}a", f"{name}b"], axis=1, name=f"{name}_split"),
            helper.make_node("Concat", [f"{name}b", f"{name}a"], [name], axis=1, name=f"{name}_concat")]


@pytest.fixture
def network(tmp_path):
    rng = np.random.default_rng(3)
    nodes = [*turned("x", "turn"), helper.make_node("MatMul", ["turn", "w"], ["h"], name="first"),
             *turned("h", "back"), helper.make_node("MatMul", ["back", "v"], ["y"], name="last")]
    weights = {"w": rng.normal(size=(12, 12)), "v": rng.normal(size=(12, 1)) + rng.normal(size=(12, 5)) / 30}
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", F32, ["N", 12])],
                              [helper.make_tensor_value_info("y", F32, ["N", 5])],
                              [onnx.numpy_helper.from_array(a.astype(np.float32), n) for n, a in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(400, 12)).astype(np.float32))
    return "audit", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", "bf16-storage", "--json"


def audited(assay, network, *names):
    words = [word for name in names for word in ("--keep", name)]
    return assay(*network, "--fail-on", "none", *words, code=0).result["candidates"][0]


def test_what_moves_is_kept_with_what_it_carries(assay, network):
    """A rounding left between the products, or before them, would change what is returned."""
    done = audited(assay, network, "first", "last")
    assert done["differences"]["max_abs"] == 0 and done["flips"] == []
    everything = [node for name in HALVES for node in (f"{name}_split", f"{name}_concat")]
    assert audited(assay, network, "first", "last", *everything)["differences"] == done["differences"]
    assert audited(assay, network, "first")["differences"]["max_abs"] > 0


def test_a_set_that_blame_names_undoes_the_flip_when_it_is_kept(assay, network):
    found = assay(*network, "--fail-on", "none", "--blame", "--blame-samples", "30", code=0)
    blame = found.result["candidates"][0]["blame"]
    assert len(blame["samples"]) > 5
    flips = {}

    def undone(sample, operations):
        names = tuple(sorted(blame["operations"][i]["node"] for i in operations))
        if names not in flips:
            flips[names] = {case["sample"] for case in audited(assay, network, *names)["flips"]}
        return sample not in flips[names]

    for one in blame["samples"]:
        assert all(undone(one["sample"], [i]) for i in one["undo"])
        assert undone(one["sample"], one["smallest"])


def test_what_is_named_is_kept_though_it_only_moves(assay, network):
    assert audited(assay, network, "turn_split", "turn_concat")["differences"]["max_abs"] > 0
    refused = assay(*network, "--keep", "turn_splat", code=2)
    assert "turn_split" in refused.err
