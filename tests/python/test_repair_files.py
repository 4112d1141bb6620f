"""Written files are valid ONNX, of an operator set that the model's own runtime reads, and run there as they say."""
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

ROWS, WIDTH, CLASSES = 48, 8, 4
RNG = np.random.default_rng(11)
WEIGHTS = {"w": RNG.normal(size=(WIDTH, WIDTH)), "large": np.array(2048.), "v": RNG.normal(size=(WIDTH, CLASSES))}
# What flips under 16 bits: digits are lost where a large number is added and taken away.
HEAD = [("MatMul", ["x", "w"], ["h"]), ("Add", ["h", "large"], ["a"]), ("Sub", ["a", "large"], ["s"])]
TAIL = [("MatMul", ["c", "v"], ["y"])]


def node(row):
    kind, inputs, outputs, *attrs = row
    return helper.make_node(kind, inputs, outputs, **(attrs[0] if attrs else {}))


def single(value):
    value = np.asarray(value)
    return value.astype(np.float32) if value.dtype.kind == "f" else value


def write(tmp_path, middle, weights=(), opset=17, ir_version=8, rows=ROWS, batch="N", elem=T.FLOAT):
    """x -> HEAD -> s -> `middle` -> c -> TAIL -> y"""
    kept = {**WEIGHTS, **dict(weights)}
    used = {name for row in [*HEAD, *middle, *TAIL] for name in row[1]}
    graph = helper.make_graph([node(row) for row in [*HEAD, *middle, *TAIL]], "g",
                              [helper.make_tensor_value_info("x", elem, [batch, WIDTH])],
                              [helper.make_tensor_value_info("y", elem, [batch, CLASSES])],
                              [numpy_helper.from_array(single(a).astype(np.float16) if elem == T.FLOAT16 and
                                                       np.asarray(a).dtype.kind == "f" else single(a), n)
                               for n, a in kept.items() if n in used])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, tmp_path / "m.onnx")
    x = RNG.normal(size=(rows, WIDTH)).astype(np.float16 if elem == T.FLOAT16 else np.float32)
    np.savez(tmp_path / "d.npz", x=x)
    return x


def opset_of(model):
    return next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))


def repaired(assay, tmp_path, candidate="f16-storage", code=0):
    """The result, and the written file, which is valid."""
    done = assay("repair", "m.onnx", "--data", "d.npz", "--decision", "argmax", "--candidate", candidate, "-o",
                 "fixed.onnx", "--json", code=code)
    model = onnx.load(tmp_path / "fixed.onnx")
    onnx.checker.check_model(model, full_check=True)
    return done.result, model


def low_types(model, low=T.FLOAT16):
    """The operators with a result in the narrow type."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    types = {v.name: v.type.tensor_type.elem_type for v in inferred.graph.value_info}
    return {n.op_type for n in model.graph.node for out in n.output if types.get(out) == low and n.op_type != "Cast"}


def decides_alike(tmp_path, x):
    want, got = (onnxruntime.InferenceSession(tmp_path / name).run(None, {"x": x})[0]
                 for name in ("m.onnx", "fixed.onnx"))
    assert want.dtype == got.dtype
    return np.array_equal(want.argmax(-1), got.argmax(-1))


def sized(kind, more=(), attrs=None):
    return [(kind, ["s", *more], ["c"], attrs or {})]


IMAGE = [("Reshape", ["s", "to_image"], ["i"])]
BACK = [("Reshape", ["o", "to_rows"], ["c"])]
SHAPES = {"to_image": np.array([-1, 1, 2, 4]), "to_rows": np.array([-1, WIDTH])}
PER_CHANNEL = {"one": np.ones(WIDTH), "zero": np.zeros(WIDTH)}
HEADS = {"q_num_heads": 2, "kv_num_heads": 2}
SEQUENCE = [("Reshape", ["s", "to_sequence"], ["i"])]

# Every row that takes operands of several types (`.mixed`), as far as a type of the file can lower it: name, nodes,
# weights, operator set, samples.
MIXED = {
    "Clip-13": ("Clip", sized("Clip", ["low", "high"]), {"low": np.array(0.), "high": np.array(6.)}, 13),
    "Clip-11": ("Clip", sized("Clip", ["low", "high"]), {"low": np.array(0.), "high": np.array(6.)}, 11),
    "Clip-17": ("Clip", sized("Clip", ["low", "high"]), {"low": np.array(.1), "high": np.array(.3)}, 17),
    "Clip-10": ("Clip", sized("Clip", [], {"min": 0., "max": 6.}), {}, 10),
    "Clip-max": ("Clip", sized("Clip", ["", "high"]), {"high": np.array(.3)}, 17),
    "Clip-min": ("Clip", sized("Clip", ["low"]), {"low": np.array(0.)}, 17),
    "Clip-constants": ("Clip", [("Constant", [], ["low"], {"value_float": 0.}),
                                ("Constant", [], ["high"], {"value_float": 6.}),
                                *sized("Clip", ["low", "high"])], {}, 17),
    "Clip-computed": ("Clip", [("ReduceMax", ["s"], ["high"], {"keepdims": 0}), *sized("Clip", ["", "high"])], {}, 17),
    "Pow": ("Pow", [("Abs", ["s"], ["p"]), ("Pow", ["p", "e"], ["c"])], {"e": np.array(1.5)}, 17),
    "Pow-integer": ("Pow", sized("Pow", ["e"]), {"e": np.array(3)}, 17),
    "Dropout": ("Dropout", sized("Dropout", ["ratio"]), {"ratio": np.array(.5)}, 17),
    "OneHot": ("OneHot", [("ArgMax", ["s"], ["k"], {"axis": 1, "keepdims": 0}),
                          ("OneHot", ["k", "depth", "values"], ["c"])],
               {"depth": np.array(WIDTH), "values": np.array([0., 1.])}, 17),
    "Pad": ("Pad", [("Pad", ["s", "pads", "value"], ["p"]), ("Slice", ["p", "from", "to", "axis"], ["c"])],
            {"pads": np.array([0, 1, 0, 0]), "value": np.array(.3), "from": np.array([0]), "to": np.array([WIDTH]),
             "axis": np.array([1])}, 17),
    "Pad-10": ("Pad", [("Pad", ["s"], ["p"], {"pads": [0, 1, 0, 0], "value": .3}),
                       ("Slice", ["p", "from", "to", "axis"], ["c"])],
               {"from": np.array([0]), "to": np.array([WIDTH]), "axis": np.array([1])}, 10),
    "GridSample": ("GridSample", [*IMAGE, ("GridSample", ["i", "grid"], ["o"]), *BACK],
                   {**SHAPES, "grid": RNG.normal(size=(1, 2, 4, 2))}, 17, 1),
    "BatchNormalization": ("BatchNormalization", sized("BatchNormalization", ["one", "zero", "zero", "one"]),
                           PER_CHANNEL, 17),
    "RMSNormalization": ("RMSNormalization", sized("RMSNormalization", ["one"]), PER_CHANNEL, 23),
    "Attention": ("Attention", [*SEQUENCE, ("Attention", ["i", "i", "i"], ["o"], HEADS), *BACK],
                  {**SHAPES, "to_sequence": np.array([-1, 1, WIDTH])}, 23),
    "Attention-mask": ("Attention", [*SEQUENCE, ("Attention", ["i", "i", "i", "mask"], ["o"], HEADS), *BACK],
                       {**SHAPES, "to_sequence": np.array([-1, 1, WIDTH]), "mask": np.zeros((1, 1))}, 23),
    "DFT": ("DFT", [("Unsqueeze", ["s", "last"], ["i"]), ("DFT", ["i", "", "axis"], ["d"]),
                    ("ReduceSum", ["d", "last"], ["c"], {"keepdims": 0})],
            {"last": np.array([2]), "axis": np.array(1)}, 20),
}
# Rows of the table with `.mixed` whose operands in float32 are grids' or scales', sequences, or steps of training.
NEVER_LOW = {"Cast", "CastLike", "ConvInteger", "QLinearConv", "Loop", "MatMulInteger", "MelWeightMatrix",
             "QLinearMatMul", "Scan", "SequenceAt", "SequenceErase", "SequenceInsert", "SequenceMap", "SplitToSequence"}


@pytest.mark.parametrize("name", MIXED)
def test_operators_with_operands_of_several_types(assay, tmp_path, name):
    kind, middle, weights, opset, *rows = MIXED[name]
    x = write(tmp_path, middle, weights, opset, 8 if opset < 20 else 10, *rows, batch=rows[0] if rows else "N")
    result, model = repaired(assay, tmp_path)
    assert result["reached"]
    assert kind in low_types(model)
    assert decides_alike(tmp_path, x)


def test_every_mixed_row_is_in_a_list(root):
    rows = set()
    for path in (root / "src/ops").glob("*.cc"):
        if path.name.startswith(("coreml_", "microsoft_", "optimisers")):
            continue
        for row in re.findall(r"extern const OpDef k\w+ = \{(.*?)\n\};", path.read_text(), re.S):
            if ".mixed = true" in row and ".domain" not in row:
                rows.add(re.search(r'\.name = "(\w+)"', row)[1])
    assert rows - {"BatchScan", "LinearAttention"} <= {kind for kind, *_ in MIXED.values()} | NEVER_LOW


@pytest.mark.parametrize("opset", [2, 6, 10])
def test_bounds_that_were_attributes_are_of_the_input_s_type(assay, tmp_path, opset):
    """Clip's bounds and Pad's value, of an input in float16."""
    graph = helper.make_graph(
        [helper.make_node("Clip", ["x"], ["c"], min=-1., max=1.),
         helper.make_node("Pad", ["c"], ["y"], pads=[0, 1, 0, 0], value=.3)], "g",
        [helper.make_tensor_value_info("x", T.FLOAT16, [3, WIDTH])],
        [helper.make_tensor_value_info("y", T.FLOAT16, [3, WIDTH + 1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    assay("inspect", "m.onnx", "--profile", "strict-f32", "--emit-onnx", "new.onnx", code=0)
    model = onnx.load(tmp_path / "new.onnx")
    onnx.checker.check_model(model, full_check=True)
    x = RNG.normal(size=(3, WIDTH)).astype(np.float16)
    got, = onnxruntime.InferenceSession(tmp_path / "new.onnx").run(None, {"x": x})
    assert np.array_equal(got, np.pad(x.clip(-1, 1), [(0, 0), (1, 0)], constant_values=np.float16(.3)))


LAYER_NORM = ("LayerNormalization", ["s", "one", "zero"], ["n", "mean", "deviation"])
OWN_RESULTS = {
    "mean": [("LayerNormalization", ["s", "one", "zero"], ["n", "mean"]), ("Add", ["n", "mean"], ["c"])],
    "deviation": [LAYER_NORM, ("Mul", ["n", "deviation"], ["c"])],
    "mean and a product": [LAYER_NORM, ("Sub", ["s", "mean"], ["d"]), ("MatMul", ["d", "w"], ["e"]),
                           ("Add", ["e", "n"], ["c"])],
    "unread": [("LayerNormalization", ["s", "one", "zero"], ["c", "mean", "deviation"])],
    "like": [("RandomUniformLike", ["s"], ["u"], {"dtype": 1, "seed": 1.}), ("Mul", ["u", "zero"], ["z"]),
             ("Add", ["s", "z"], ["c"])],
}


@pytest.mark.parametrize("name", OWN_RESULTS)
def test_results_in_float32_whatever_the_operands_are(assay, tmp_path, name):
    """Such an operation stays in float32; those that read it need not."""
    x = write(tmp_path, OWN_RESULTS[name], PER_CHANNEL)
    result, model = repaired(assay, tmp_path)
    own = OWN_RESULTS[name][0][0]
    assert result["reached"]
    assert [o["type"] for o in result["always_float32"]] == [own]
    assert own not in low_types(model) and "MatMul" in low_types(model)
    assert decides_alike(tmp_path, x)


def test_sequences_keep_their_type(assay, tmp_path):
    middle = [("SequenceConstruct", ["s", "s"], ["q"]), ("ConcatFromSequence", ["q"], ["t"], {"axis": 1}),
              ("MatMul", ["t", "tall"], ["c"])]
    x = write(tmp_path, middle, {"tall": RNG.normal(size=(2 * WIDTH, WIDTH))})
    result, _ = repaired(assay, tmp_path)
    assert result["reached"] and decides_alike(tmp_path, x)


WINDOW = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
# One model for each operator whose newest version came after operator set 17, and that says nothing new.
LATER = {
    "Conv": ([*IMAGE, ("Conv", ["i", "kernel"], ["o"], {"pads": [1, 1, 1, 1]}), *BACK],
             {**SHAPES, "kernel": RNG.normal(size=(1, 1, 3, 3))}),
    "ConvTranspose": ([*IMAGE, ("ConvTranspose", ["i", "kernel"], ["o"], {"pads": [1, 1, 1, 1]}), *BACK],
                      {**SHAPES, "kernel": RNG.normal(size=(1, 1, 3, 3))}),
    "MaxPool": ([*IMAGE, ("MaxPool", ["i"], ["o"], {**WINDOW, "ceil_mode": 0}), *BACK], SHAPES),
    "AveragePool": ([*IMAGE, ("AveragePool", ["i"], ["o"], WINDOW), *BACK], SHAPES),
    "MaxRoiPool": ([*IMAGE, ("MaxRoiPool", ["i", "rois"], ["o"], {"pooled_shape": [2, 4]}), *BACK],
                   {**SHAPES, "rois": np.array([[0., 0, 0, 3, 1]])}, 1),
    "GlobalAveragePool": ([*IMAGE, ("GlobalAveragePool", ["i"], ["p"]), ("Mul", ["i", "p"], ["o"]), *BACK], SHAPES),
    "InstanceNormalization": ([*IMAGE, ("InstanceNormalization", ["i", "first", "first"], ["o"]), *BACK],
                              {**SHAPES, "first": np.ones(1)}),
    "LSTM": ([*SEQUENCE, ("LSTM", ["i", "lw", "lr"], ["", "o"], {"hidden_size": WIDTH}), *BACK],
             {**SHAPES, "to_sequence": np.array([1, -1, WIDTH]), "lw": RNG.normal(size=(1, 4 * WIDTH, WIDTH)),
              "lr": RNG.normal(size=(1, 4 * WIDTH, WIDTH))}),
    "GRU": ([*SEQUENCE, ("GRU", ["i", "gw", "gr"], ["", "o"], {"hidden_size": WIDTH}), *BACK],
            {**SHAPES, "to_sequence": np.array([1, -1, WIDTH]), "gw": RNG.normal(size=(1, 3 * WIDTH, WIDTH)),
             "gr": RNG.normal(size=(1, 3 * WIDTH, WIDTH))}),
    "Transpose": ([("Transpose", ["s"], ["t"], {"perm": [1, 0]}), ("Transpose", ["t"], ["c"], {"perm": [1, 0]})], {}),
    "Unsqueeze": ([("Unsqueeze", ["s", "axis"], ["t"]), ("Squeeze", ["t", "axis"], ["c"])], {"axis": np.array([1])}),
    "Flatten": ([*IMAGE, ("Flatten", ["i"], ["c"])], SHAPES),
    "TopK": ([("TopK", ["s", "k"], ["c", "which"])], {"k": np.array([WIDTH])}),
    "Where": ([("IsNaN", ["s"], ["n"]), ("Where", ["n", "zero", "s"], ["c"])], PER_CHANNEL),
    "Equal": ([("Equal", ["s", "zero"], ["n"]), ("Where", ["n", "one", "s"], ["c"])], PER_CHANNEL),
    "Shape": ([("Shape", ["s"], ["k"]), ("ConstantOfShape", ["k"], ["z"]), ("Add", ["s", "z"], ["c"])], {}),
    "QuantizeLinear": ([("QuantizeLinear", ["s", "step", "origin"], ["q"]),
                        ("DequantizeLinear", ["q", "step", "origin"], ["c"])],
                       {"step": np.array(.05), "origin": np.array(0, np.int8)}),
    "Range": ([("Range", ["from", "to", "by"], ["r"]), ("Mul", ["s", "r"], ["c"])],
              {"from": np.array(1.), "to": np.array(9.), "by": np.array(1.)}),
    "Celu": (sized("Celu", [], {"alpha": .5}), {}),
    **{kind: (sized(kind), {}) for kind in
       ["Atan", "Sin", "Cos", "Sinh", "Elu", "Selu", "Softplus", "Softsign", "HardSigmoid", "HardSwish", "LeakyRelu",
        "ThresholdedRelu", "Asinh", "Identity", "LpNormalization"]},
    "PRelu": (sized("PRelu", ["one"]), PER_CHANNEL),
}


@pytest.mark.parametrize("name", LATER)
def test_the_operator_set_is_not_beyond_the_model_s(assay, tmp_path, name):
    middle, weights, *rows = LATER[name]
    x = write(tmp_path, middle, weights, rows=rows[0] if rows else ROWS, batch=rows[0] if rows else "N")
    result, model = repaired(assay, tmp_path)
    assert result["reached"]
    assert any(n.op_type == "Cast" for n in model.graph.node)
    assert opset_of(model) <= 17 and model.ir_version <= 8
    assert decides_alike(tmp_path, x)


@pytest.mark.parametrize("middle, opset", [
    (sized("Gelu"), 20),
    ([*IMAGE, ("MaxPool", ["i"], ["o"], {**WINDOW, "ceil_mode": 1}), *BACK], 22)])
def test_the_operator_set_is_what_the_operators_need(assay, tmp_path, middle, opset):
    write(tmp_path, middle, SHAPES, opset=opset, ir_version=10)
    _, model = repaired(assay, tmp_path)
    assert opset_of(model) == opset


BRAIN = {"Einsum": [("Einsum", ["s", "w"], ["c"], {"equation": "ij,jk->ik"})],
         "OneHot": MIXED["OneHot"][1],
         "Shrink": sized("Shrink", [], {"lambd": .01})}


@pytest.mark.parametrize("name", BRAIN)
def test_what_onnx_does_not_take_in_bfloat16_stays_in_float32(assay, tmp_path, name):
    write(tmp_path, BRAIN[name], MIXED["OneHot"][2])
    result, model = repaired(assay, tmp_path, "bf16-storage")
    assert name in [o["type"] for o in result["always_float32"]]
    assert name not in low_types(model, T.BFLOAT16)
