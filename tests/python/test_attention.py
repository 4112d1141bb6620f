"""What ONNX Runtime cannot be asked of attention: meanings that changed between versions, and modifier graphs."""
import numpy as np
import pytest
from differential.harness import run_assay
from onnx import TensorProto, helper

FLOAT = TensorProto.FLOAT


def x(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def run(path, folder, node, inputs, opset, *words):
    values = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
              for name, array in inputs.items()]
    graph = helper.make_graph([node], "g", values, [helper.make_tensor_value_info("y", FLOAT, None)])
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.preview", 1)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=10)
    return run_assay(path, model, inputs, folder, *words)["y"]


@pytest.mark.parametrize("past", [0, 2])
def test_a_mask_of_one_element(past, assay_path, tmp_path):
    """Before version 24 it was repeated for all keys; since then it is one for the first, and masks the others."""
    inputs = {"Q": x(1, 2, 3, 4), "K": x(1, 2, 5, 4, seed=1), "V": x(1, 2, 5, 4, seed=2)}
    order = ["Q", "K", "V", "M"]
    if past:
        inputs |= {"PK": x(1, 2, past, 4, seed=3), "PV": x(1, 2, past, 4, seed=4)}
        order += ["PK", "PV"]
    one = x(3, 1, seed=5)

    def attention(mask, opset):
        return run(assay_path, tmp_path, helper.make_node("Attention", order, ["y"]), inputs | {"M": mask}, opset)

    repeated = attention(np.repeat(one, 5 + past, 1), 24)
    assert np.array_equal(attention(one, 23), repeated)
    first = inputs["PV" if past else "V"][:, :, :1]
    assert np.array_equal(attention(one, 24), np.repeat(first, 3, 2))


def modifier(name, *nodes):
    """A graph from `s` to `t`, which may read what stands around it."""
    shape = ["batch", "heads", "queries", "keys"]
    return helper.make_graph(nodes, name, [helper.make_tensor_value_info("s", FLOAT, shape)],
                             [helper.make_tensor_value_info("t", FLOAT, shape)])


@pytest.mark.parametrize(("profile", "stored"), [("strict-f32", np.float32), ("f16-storage", np.float16)])
def test_modifiers(profile, stored, assay_path, tmp_path):
    """What they read and return is stored as other values are."""
    inputs = {"Q": x(1, 4, 3, 8), "K": x(1, 2, 5, 8, seed=1), "V": x(1, 2, 5, 6, seed=2), "c": x(1, seed=3)}
    node = helper.make_node("FlexAttention", ["Q", "K", "V"], ["y"], domain="ai.onnx.preview",
                            score_mod=modifier("score", helper.make_node("Tanh", ["s"], ["t"])),
                            prob_mod=modifier("prob", helper.make_node("Mul", ["s", "c"], ["t"])))

    def rounded(array):
        return array.astype(stored).astype(np.float32)

    q, k, v, c = (rounded(a) for a in inputs.values())
    k, v, scale = np.repeat(k, 2, 1), np.repeat(v, 2, 1), np.float32(8 ** -0.25)
    scores = rounded(np.tanh(rounded((q * scale) @ (k * scale).swapaxes(2, 3))))
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights = rounded(rounded(weights / weights.sum(-1, keepdims=True)) * c)
    got = run(assay_path, tmp_path, node, inputs, 24, "--profile", profile)
    np.testing.assert_allclose(got, rounded(weights @ v), rtol=0, atol=max(2e-7, float(np.finfo(stored).eps) / 4))


@pytest.mark.parametrize("nodes", [[("Transpose", ["s"])], [("ReduceMax", ["s"])]])
def test_a_modifier_keeps_the_shape(nodes, assay_path, tmp_path):
    inputs = {"Q": x(1, 1, 3, 4), "K": x(1, 1, 5, 4), "V": x(1, 1, 5, 4)}
    node = helper.make_node("FlexAttention", ["Q", "K", "V"], ["y"], domain="ai.onnx.preview",
                            score_mod=modifier("score", *[helper.make_node(kind, names, ["t"])
                                                          for kind, names in nodes]))
    with pytest.raises(RuntimeError, match=r"score_mod makes|flexattention_c2|A1"):
        run(assay_path, tmp_path, node, inputs, 24)
