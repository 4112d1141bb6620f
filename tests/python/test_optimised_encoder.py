"""An encoder like BERT's, as exporters write it, then as ONNX Runtime's optimisers rewrite it: the same outputs."""
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from differential.harness import run_assay, run_ort
from onnx import TensorProto, helper, numpy_helper

LAYERS, WIDTH, HEADS, INNER, WORDS, LONGEST = 2, 32, 4, 64, 50, 16
INPUTS = ("input_ids", "segment_ids", "mask")


class Encoder:
    """Nodes and weights, all random ones from one seed."""

    def __init__(self, dims):
        self.rng, self.nodes, self.weights = np.random.default_rng(4), [], []
        x = self.embeddings()
        mask = self.op("Cast", self.op("Unsqueeze", self.op("Unsqueeze", "mask", self.ints(1)), self.ints(2)),
                       to=TensorProto.FLOAT)
        self.mask = self.op("Mul", self.op("Sub", self.number(1), mask), self.number(-10000))
        for _ in range(LAYERS):
            x = self.layer_norm(self.op("Add", self.attention(x), x))
            x = self.layer_norm(self.op("Add", self.dense(self.gelu(self.dense(x, WIDTH, INNER)), INNER, WIDTH), x))
        self.nodes.append(helper.make_node("Identity", [x], ["y"]))
        inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, dims) for n in INPUTS]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [*dims, WIDTH])]
        graph = helper.make_graph(self.nodes, "encoder", inputs, outputs, self.weights)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def constant(self, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), f"w{len(self.weights)}"))
        return self.weights[-1].name

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def number(self, value):
        return self.constant(np.array(value, np.float32))

    def random(self, *shape, scale=0.3):
        return self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))

    def op(self, kind, *inputs, **attributes):
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=f"{name}_node", **attributes))
        return name

    def layer_norm(self, x):
        return self.op("LayerNormalization", x, self.random(WIDTH), self.random(WIDTH), axis=-1, epsilon=1e-12)

    def dense(self, x, width, result):
        product = self.op("MatMul", x, self.random(width, result, scale=width**-0.5))
        return self.op("Add", product, self.random(result, scale=0.1))

    def gelu(self, x):
        erf = self.op("Erf", self.op("Div", x, self.number(2**0.5)))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, self.number(1))), self.number(0.5))

    def embeddings(self):
        words = self.op("Gather", self.random(WORDS, WIDTH), "input_ids", axis=0)
        length = self.op("Gather", self.op("Shape", "input_ids"), self.constant(np.array(1, np.int64)), axis=0)
        places = self.op("Slice", self.constant(np.arange(LONGEST, dtype=np.int64)[None]), self.ints(0),
                         self.op("Unsqueeze", length, self.ints(0)), self.ints(1), self.ints(1))
        positions = self.op("Gather", self.random(LONGEST, WIDTH), places, axis=0)
        segments = self.op("Gather", self.random(2, WIDTH), "segment_ids", axis=0)
        return self.layer_norm(self.op("Add", self.op("Add", words, segments), positions))

    def attention(self, x):
        shape = self.ints(0, 0, HEADS, WIDTH // HEADS)
        q, k, v = (self.op("Reshape", self.dense(x, WIDTH, WIDTH), shape) for _ in range(3))
        q, v = (self.op("Transpose", t, perm=[0, 2, 1, 3]) for t in (q, v))
        k = self.op("Transpose", k, perm=[0, 2, 3, 1])
        scores = self.op("Div", self.op("MatMul", q, k), self.number((WIDTH // HEADS)**0.5))
        shares = self.op("Softmax", self.op("Add", scores, self.mask), axis=-1)
        merged = self.op("Transpose", self.op("MatMul", shares, v), perm=[0, 2, 1, 3])
        return self.dense(self.op("Reshape", merged, self.ints(0, 0, WIDTH)), WIDTH, WIDTH)


def by_session(path):
    """As InferenceSession saves it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path.with_name("optimised.onnx"))
    options.log_severity_level = 4
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return path.with_name("optimised.onnx")


def by_script(path):
    """As the optimiser for transformers among its Python tools does."""
    optimizer = pytest.importorskip("onnxruntime.transformers.optimizer")
    made = optimizer.optimize_model(str(path), model_type="bert", num_heads=HEADS, hidden_size=WIDTH, opt_level=0)
    onnx.save(made.model, path.with_name("optimised.onnx"))
    return path.with_name("optimised.onnx")


@pytest.mark.parametrize(("optimise", "dims", "fused"), [
    (by_session, ["batch", "steps"], {"FusedMatMul", "BiasGelu"}),
    (by_session, [3, 7], {"FusedMatMul", "Gelu", "SkipLayerNormalization"}),
    (by_script, ["batch", "steps"], {"EmbedLayerNormalization", "Attention", "SkipLayerNormalization", "BiasGelu"}),
])
def test_optimised_encoder(assay, assay_path, tmp_path, optimise, dims, fused):
    onnx.save(Encoder(dims).model, tmp_path / "encoder.onnx")
    path = optimise(tmp_path / "encoder.onnx")
    kinds = Counter(n.op_type for n in onnx.load(path).graph.node if n.domain == "com.microsoft")
    assert set(kinds) == fused
    rng = np.random.default_rng(1)
    integer = {i.name: np.dtype("int32" if i.type == "tensor(int32)" else "int64")
               for i in onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).get_inputs()}
    feeds = {"input_ids": rng.integers(0, WORDS, (3, 7)), "segment_ids": rng.integers(0, 2, (3, 7)),
             "mask": (np.arange(7) < np.array([[7], [3], [5]]))}
    feeds = {name: array.astype(integer[name]) for name, array in feeds.items()}
    theirs = run_ort(str(path), feeds)["y"]
    close = {"rtol": 1e-4, "atol": 1e-4}
    np.testing.assert_allclose(run_assay(assay_path, path, feeds, tmp_path)["y"], theirs, **close)
    plain = {name: array.astype(np.int64) for name, array in feeds.items()}
    before = run_assay(assay_path, tmp_path / "encoder.onnx", plain, tmp_path)["y"]
    np.testing.assert_allclose(before, theirs, **close)
    emitted = tmp_path / "emitted.onnx"
    assay("inspect", path, "--profile", "f16-storage", "--emit-onnx", emitted, code=0)
    ours = run_assay(assay_path, path, feeds, tmp_path, "--profile", "f16-storage")["y"]
    np.testing.assert_allclose(ours, run_ort(str(emitted), feeds)["y"], rtol=5e-3, atol=5e-3)
