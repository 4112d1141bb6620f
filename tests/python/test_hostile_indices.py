"""Indices, axes, lengths and extents out of range: an error that names the operation, the number and what bounds it,
whether the number is known when the model is read or when it runs."""
import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

FAR = 2**62
HUGE = 2**40
ODD = [2**63 - 1, -2**63]


def ints(*values, shape=None):
    return np.array(values, np.int64).reshape(shape if shape is not None else (len(values),))


def floats(*shape):
    return np.ones(shape, np.float32)


def tree(**changed):
    """One tree of one inner node and two leaves."""
    return {"nodes_treeids": [0] * 3, "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0] * 3,
            "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_values": [0.5, 0.0, 0.0],
            "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "target_treeids": [0, 0],
            "target_nodeids": [1, 2], "target_ids": [0, 0], "target_weights": [1.0, 2.0], "n_targets": 1, **changed}


X = floats(3, 4)
RECURRENT = (floats(2, 2, 3), floats(1, 16, 3), floats(1, 16, 4), floats(1, 32))
ML, MS = "ai.onnx.ml", "com.microsoft"
# The operation, its inputs, attributes, and what the error has to say; the domain where it is not ONNX's own.
CASES = [
    ("Gather", (X, ints(1, 3)), {}, ["3", "extent 3"]),
    ("Gather", (X, ints(-5)), {"axis": 1}, ["-5", "extent 4"]),
    ("Gather", (X, ints(0)), {"axis": 2}, ["axis 2", "rank 2"]),
    ("Gather", (floats(0, 4), ints(0)), {}, ["0", "extent 0"]),
    ("GatherElements", (X, ints(0, 9, shape=(1, 2))), {}, ["9", "extent 3"]),
    ("GatherElements", (X, ints(*[0] * 5, shape=(1, 5))), {}, ["5", "axis 1", "4"]),
    ("GatherElements", (X, ints(0, shape=(1, 1))), {"axis": -3}, ["axis -3", "rank 2"]),
    ("GatherElements", (X, ints(0)), {}, ["rank"]),
    ("GatherND", (X, ints(0, 4, shape=(1, 2))), {}, ["4", "axis 1", "extent 4"]),
    ("GatherND", (X, ints(-4, shape=(1, 1))), {}, ["-4", "axis 0", "extent 3"]),
    ("GatherND", (X, ints(0, 0, 0, shape=(1, 3))), {}, ["3", "rank 2"]),
    ("GatherND", (X, ints(0, shape=())), {}, ["scalar"]),
    ("GatherND", (X, ints(0, shape=(1, 1))), {"batch_dims": 7}, ["rank 2"]),
    ("GatherND", (floats(3, 4), ints(0, 0, shape=(2, 1))), {"batch_dims": 1}, ["batch"]),
    ("ScatterElements", (X, ints(7, shape=(1, 1)), floats(1, 1)), {}, ["7", "extent 3"]),
    ("ScatterElements", (X, ints(-9, shape=(1, 1)), floats(1, 1)), {"axis": 1, "reduction": "add"}, ["-9", "extent 4"]),
    ("ScatterElements", (X, ints(*[0] * 5, shape=(1, 5)), floats(1, 5)), {}, ["5", "axis 1", "4"]),
    ("ScatterElements", (X, ints(0, shape=(1, 1)), floats(1, 2)), {}, ["do not fit"]),
    ("ScatterND", (X, ints(3, shape=(1, 1)), floats(1, 4)), {}, ["3", "axis 0", "extent 3"]),
    ("ScatterND", (X, ints(0, -5, shape=(1, 2)), floats(1)), {"reduction": "max"}, ["-5", "axis 1", "extent 4"]),
    ("ScatterND", (X, ints(0, shape=(1, 1)), floats(1, 5)), {}, ["[1,5]", "[1,4]"]),
    ("TensorScatter", (floats(2, 3, 4), floats(2, 1, 4), ints(0, 3)), {}, ["write_indices[1]", "3", "0 to 2"]),
    ("TensorScatter", (floats(2, 3, 4), floats(2, 5, 4), ints(0, 0)), {}, ["5", "3"]),
    ("Slice", (X, ints(0), ints(1), ints(2)), {}, ["axis 2", "rank 2"]),
    ("Slice", (X, ints(0), ints(1), ints(0), ints(0)), {}, ["step 0"]),
    ("Slice", (X, ints(0, 0), ints(1, 1), ints(0, -2)), {}, ["axis 0", "twice"]),
    ("Slice", (X, ints(0, 0), ints(1)), {}, ["lengths"]),
    ("Pad", (X, ints(0, 0, 0)), {}, ["3 pads", "2 axes"]),
    ("Pad", (X, ints(-2, 0, -2, 0)), {}, ["-2", "axis 0"]),
    ("Pad", (X, ints(0, 0), np.float32(0), ints(2)), {}, ["axis 2", "rank 2"]),
    ("Pad", (X, ints(FAR, 0, FAR, 0)), {}, [str(FAR), "axis 0"]),
    ("OneHot", (ints(0), ints(-3), floats(2)), {}, ["-3"]),
    ("OneHot", (ints(0), ints(3), floats(2)), {"axis": 3}, ["axis 3", "rank 2"]),
    ("OneHot", (ints(0), ints(FAR), floats(2)), {}, [str(FAR)]),
    ("Compress", (X, np.ones(5, bool)), {"axis": 1}, ["5", "axis 1", "extent 4"]),
    ("Compress", (X, np.ones(2, bool)), {"axis": -3}, ["axis -3", "rank 2"]),
    ("Tile", (X, ints(1, -1)), {}, ["-1"]),
    ("Tile", (X, ints(FAR, FAR)), {}, [str(FAR)]),
    ("Tile", (X, ints(1)), {}, ["1 repeats", "rank 2"]),
    ("Expand", (X, ints(5, 4)), {}, ["[3,4]", "[5,4]"]),
    ("Expand", (X, ints(FAR, 3, 4)), {}, [str(FAR)]),
    ("Resize", (floats(1, 1, 2, 2), None, None, ints(1, 1, -1, 2)), {}, ["-1", "2"]),
    ("Resize", (floats(1, 1, 2, 2), None, None, ints(4)), {"axes": [9]}, ["axis 9", "rank 4"]),
    ("Resize", (floats(1, 1, 2, 2), None, None, ints(1, 1, FAR, 2)), {}, [str(FAR)]),
    ("Resize", (floats(1, 1, 2, 2), None, np.array([1, 1, 1e30, 1], np.float32)), {}, ["scale"]),
    ("ReverseSequence", (floats(3, 2), ints(4, 1)), {}, ["4", "3"]),
    ("ReverseSequence", (floats(3, 2), ints(1, -1)), {}, ["-1", "3"]),
    ("TopK", (X, ints(5)), {}, ["5", "[3,4]|extent 4"]),
    ("TopK", (X, ints(-1)), {"axis": 0}, ["-1", "[3,4]|extent 3"]),
    ("TopK", (X, ints(1)), {"axis": 2}, ["axis 2", "rank 2"]),
    ("Col2Im", (floats(1, 4, 4), ints(3, 3), ints(0, 2)), {}, ["0"]),
    ("Col2Im", (floats(1, 4, 5), ints(3, 3), ints(2, 2)), {}, ["4"]),
    ("Col2Im", (floats(1, 4, 4), ints(-3, 3), ints(2, 2)), {}, ["-3"]),
    ("MaxUnpool", (floats(1, 1, 1, 1), ints(9, shape=(1, 1, 1, 1))), {"kernel_shape": [2, 2]}, ["9", "4"]),
    ("MaxUnpool", (floats(1, 1, 1, 1), ints(-1, shape=(1, 1, 1, 1))), {"kernel_shape": [2, 2]}, ["-1", "4"]),
    ("RoiAlign", (floats(2, 1, 4, 4), floats(1, 4), ints(2)), {}, ["batch_indices[0]", "2", "0 to 1"]),
    ("RoiAlign", (floats(2, 1, 4, 4), floats(1, 3), ints(0)), {}, ["rois"]),
    ("MaxRoiPool", (floats(2, 1, 4, 4), np.array([[5, 0, 0, 1, 1]], np.float32)), {"pooled_shape": [1, 1]}, ["5", "2"]),
    ("Range", (np.int64(0), np.int64(3), np.int64(0)), {}, ["number of elements"]),
    ("Range", (np.int64(0), np.int64(FAR), np.int64(1)), {}, ["number of elements"]),
    ("Range", (np.float32(0), np.float32(np.inf), np.float32(1)), {}, ["number of elements"]),
    ("ConstantOfShape", (ints(2, -1),), {}, ["[2,-1]"]),
    ("ConstantOfShape", (ints(FAR, 4),), {}, [str(FAR)]),
    ("ConstantOfShape", (ints(0, HUGE, HUGE),), {}, [str(HUGE)]),  # no elements, but strides that overflow
    ("Tile", (floats(0, 2, 2), ints(1, HUGE, HUGE)), {}, [str(2 * HUGE)]),
    ("Pad", (X, ints(*ODD[:1], 0, *ODD[1:], 0)), {}, [str(ODD[0]), "axis 0"]),
    ("CenterCropPad", (X, ints(2)), {"axes": [5]}, ["5", "rank 2"]),
    ("CenterCropPad", (X, ints(2, -2)), {}, ["-2"]),
    ("Unsqueeze", (X, ints(4)), {}, ["axis 4", "rank 3"]),
    ("Unsqueeze", (X, ints(0, 0)), {}, ["axis 0", "twice"]),
    ("Squeeze", (X, ints(-3)), {}, ["axis -3", "rank 2"]),
    ("Squeeze", (X, ints(1)), {}, ["axis 1", "extent 4"]),
    ("Reshape", (X, ints(5, -1)), {}, ["5"]),
    ("Reshape", (X, ints(-2, 4)), {}, ["-2"]),
    ("Split", (X, ints(5, -1)), {"axis": 1}, ["-1"]),
    ("Split", (X, ints(2)), {"axis": 1}, ["[2]", "extent 4"]),
    ("LSTM", (*RECURRENT, np.array([2, 3], np.int32)), {"hidden_size": 4}, ["sequence_lens", "3", "2 steps"]),
    ("LSTM", (*RECURRENT, np.array([-1, 2], np.int32)), {"hidden_size": 4}, ["sequence_lens", "-1", "2 steps"]),
    ("Attention", (floats(1, 1, 2, 4), floats(1, 1, 3, 4), floats(1, 1, 3, 4), None, None, None, ints(4)), {},
     ["nonpad_kv_seqlen[0]", "4", "0 to 3"]),
    ("RotaryEmbedding", (floats(1, 1, 2, 4), floats(5, 2), floats(5, 2), ints(0, 5, shape=(1, 2))), {},
     ["position_ids", "5", "0 to 4"]),
    ("NegativeLogLikelihoodLoss", (floats(2, 3), ints(0, 3)), {}, ["class 3", "3"]),
    ("SoftmaxCrossEntropyLoss", (floats(2, 3), ints(0, -2)), {}, ["class -2", "3"]),
    ("LayerNormalization", (X, floats(3)), {}, ["a scale", "[3]", "[3,4]"]),
    ("LayerNormalization", (X, floats(4), floats(2, 3, 4)), {}, ["a bias", "[2,3,4]", "[3,4]"]),
    ("RMSNormalization", (X, floats(5)), {}, ["a scale", "[5]", "[3,4]"]),
    ("GroupNormalization", (floats(1, 4, 2), floats(3), floats(4)), {"num_groups": 2}, ["scale or bias"]),
    ("InstanceNormalization", (floats(1, 4, 2), floats(3), floats(4)), {}, ["scale or bias"]),
    ("ArrayFeatureExtractor", (X, ints(4)), {}, ["index 4", "4"], ML),
    ("TreeEnsembleRegressor", (X,), tree(nodes_truenodeids=[7, 0, 0]), ["node 7"], ML),
    ("TreeEnsembleRegressor", (X,), tree(target_nodeids=[1, 9]), ["9"], ML),
    ("TreeEnsembleRegressor", (X,), tree(target_ids=[0, 3]), ["3", "1"], ML),
    ("TreeEnsembleRegressor", (X,), tree(nodes_featureids=[4, 0, 0]), ["feature 4", "4"], ML),
    ("TreeEnsembleRegressor", (X,), tree(nodes_featureids=[-1, 0, 0]), ["-1"], ML),
    ("TreeEnsembleRegressor", (X,), tree(nodes_truenodeids=[0, 0, 0]), ["comes back"], ML),
    ("TorchEmbedding", (floats(5, 2), ints(1, 5)), {}, ["5", "extent 5"], MS),
    ("GatherBlockQuantized", (np.ones((4, 32), np.uint8), ints(4), floats(4, 2)), {"block_size": 16, "bits": 8},
     ["4", "extent 4"], MS),
    ("GroupQueryAttention",
     (floats(1, 1, 8), floats(1, 1, 8), floats(1, 1, 8), floats(1, 1, 4, 8), floats(1, 1, 4, 8),
      np.array([9], np.int32), np.array(5, np.int32)),
     {"num_heads": 1, "kv_num_heads": 1}, ["extent 5|width -1"], MS),
]


def build(case, path, known, shaped):
    """`known`: integers are constants; not `shaped`: extents are known only at run time."""
    op, arrays, attributes, _, *domain = case
    names = [f"x{i}" if a is not None else "" for i, a in enumerate(arrays)]
    nodes, inputs, weights, feeds = [], [], [], {}

    def add_input(name, array):
        inputs.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
        feeds[name] = array

    for i, given in enumerate(arrays):
        if given is None:
            continue
        array = np.asarray(given)
        if known and array.dtype.kind in "ib":
            weights.append(numpy_helper.from_array(array, names[i]))
            continue
        add_input(names[i], array)
        if not shaped:
            add_input(f"s{i}", np.array(array.shape, np.int64))
            nodes.append(helper.make_node("Reshape", [names[i], f"s{i}"], [f"r{i}"], allowzero=1))
            names[i] = f"r{i}"
    outputs = ["y", "z"] if op == "TopK" else ["y", "z", "w"] if op == "GroupQueryAttention" else ["y"]
    nodes.append(helper.make_node(op, names, outputs, domain="".join(domain), **attributes))
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name="y")], weights)
    imports = [helper.make_opsetid("", 24), helper.make_opsetid(MS, 1), helper.make_opsetid(ML, 4)]
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=10), path)
    return feeds


def check(said, op, words):
    assert op in said, said
    for word in words:
        assert any(choice in said for choice in word.split("|")), f"no '{word}' in: {said}"


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]}-{'-'.join(c[3])}")
def test_numbers_out_of_range(assay, tmp_path, case):
    for known, shaped in [(False, True), (True, True), (False, False)]:
        feeds = build(case, tmp_path / "m.onnx", known, shaped)
        np.savez(tmp_path / "in.npz", **feeds)
        words = ["--input", tmp_path / "in.npz"] if feeds else ["--random", 1]
        done = assay("run", "m.onnx", *words, "--max-memory", "4G", code=3, timeout=60)
        check(done.err, case[0], case[3])


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("case", [c for c in CASES if any(a is not None and np.asarray(a).dtype.kind == "i"
                                                          for a in c[1])], ids=lambda c: f"{c[0]}-{'-'.join(c[3])}")
def test_the_largest_numbers(assay_path, tmp_path, assay, case, odd):
    """Instead of the first integer that is out of range: no crash and no bug, whatever it means there."""
    op, arrays, attributes, words, *domain = case
    worst = [None if a is None else np.asarray(a).copy() for a in arrays]
    last = next(a for a in reversed(worst) if a is not None and a.dtype.kind == "i")
    last.reshape(-1)[-1:] = np.array(odd).astype(last.dtype)
    for known in (False, True):
        feeds = build((op, worst, attributes, words, *domain), tmp_path / "m.onnx", known, True)
        np.savez(tmp_path / "in.npz", **feeds)
        words = ["--input", tmp_path / "in.npz"] if feeds else ["--random", 1]
        done = assay("run", "m.onnx", *words, "--max-memory", "1G", timeout=60)
        assert done.code in (0, 3) and "A901" not in done.err, done.err


def sequence_model(node, position, path):
    nodes = [helper.make_node("SequenceConstruct", ["x", "x"], ["s"]), node]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", T.FLOAT, [2])],
                              [onnx.ValueInfoProto(name="y")], [numpy_helper.from_array(np.int64(position), "p")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)


@pytest.mark.parametrize("position", [3, -3, *ODD])
@pytest.mark.parametrize("op", ["SequenceAt", "SequenceErase", "SequenceInsert"])
def test_positions_in_sequences(assay, tmp_path, op, position):
    names = ["s", "x", "p"] if op == "SequenceInsert" else ["s", "p"]
    sequence_model(helper.make_node(op, names, ["y"]), position, tmp_path / "m.onnx")
    check(assay("run", "m.onnx", "--random", 1, code=3).err, op, [f"position {position}", "of 2"])
