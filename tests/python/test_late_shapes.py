"""Operands whose extents are known when the model runs only, in front of what is known before."""
import numpy as np
import pytest
from onnx import TensorProto, helper

X = np.arange(32, dtype=np.float32).reshape(4, 8) / 32
W = np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3)
B = np.array([0.5, -0.25, 0.125], np.float32)
node = helper.make_node

# Each gives z, the last four columns of x.
SOURCES = {
    "slice": [node("ReduceMax", ["x"], ["m"], keepdims=0), node("Cast", ["m"], ["mi"], to=TensorProto.INT64),
              node("Add", ["mi", "four"], ["mf"]), node("Reshape", ["mf", "one"], ["start"]),
              node("Slice", ["x", "start", "eight", "one"], ["z"])],
    "sequence": [node("SplitToSequence", ["x", "halves"], ["s"], axis=1), node("SequenceAt", ["s", "last"], ["z"])],
    "compress": [node("Compress", ["x", "chosen"], ["z"], axis=1)],
}
TAILS = {
    "Relu": ([node("MatMul", ["z", "w"], ["p"]), node("Relu", ["p"], ["y"])], lambda z: np.maximum(z @ W, 0)),
    "Add-Neg": ([node("MatMul", ["z", "w"], ["p"]), node("Add", ["p", "b"], ["q"]), node("Neg", ["q"], ["y"])],
                lambda z: -(z @ W + B)),
    "Gemm": ([node("Gemm", ["z", "w", "b"], ["p"]), node("Abs", ["p"], ["q"]), node("ReduceSum", ["q", "one"], ["y"])],
             lambda z: np.abs(z @ W + B).sum(axis=1, keepdims=True)),
    "alone": ([node("MatMul", ["z", "w"], ["y"])], lambda z: z @ W),
}


@pytest.mark.parametrize("profile", ["strict-f32", "f16-storage", "cuda-tf32-ampere"])
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize("source", SOURCES)
def test_a_product_of_late_operands_leads_what_follows(assay, save_model, tmp_path, source, tail,
                                                       profile):
    nodes, expected = TAILS[tail]
    constants = {"w": W, "b": B, "four": np.array(4), "one": np.array([1]), "eight": np.array([8]),
                 "halves": np.array([4, 4]), "last": np.array(1), "chosen": np.array([0] * 4 + [1] * 4, bool)}
    nodes = [*SOURCES[source], *nodes]
    used = {name for one in nodes for name in one.input}
    path = save_model("m.onnx", nodes, {"x": (TensorProto.FLOAT, ["N", 8])}, {"y": (TensorProto.FLOAT, ["N", "M"])},
                      {name: value for name, value in constants.items() if name in used})
    np.savez(tmp_path / "x.npz", x=X)
    assay("run", path, "--input", "x.npz", "--output", "y.npz", "--profile", profile, code=0)
    found = np.load(tmp_path / "y.npz")["y"]
    np.testing.assert_allclose(found, expected(X[:, 4:]), rtol=0.01, atol=0.01)
